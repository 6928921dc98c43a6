"""What the pages ask of assessments, editions, duties and cross-walks, and the words for them. No Django here."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from scicity.domains.indicators.methods import duty as duties

WHOLE = "district"
# verdict: Chinese, English
VERDICTS = {
    "achieved": ("已达成", "achieved"),
    "substantial": ("进展显著", "substantial"),
    "moderate": ("进展一般", "moderate"),
    "limited": ("进展有限", "limited"),
    "deterioration": ("倒退", "deterioration"),
    "significant_progress": ("显著进展", "significant progress"),
    "moderate_progress": ("一般进展", "moderate progress"),
    "insufficient_progress": ("进展不足", "insufficient progress"),
    "neutral": ("持平", "neutral"),
    "moderate_deterioration": ("轻度倒退", "moderate deterioration"),
    "significant_deterioration": ("显著倒退", "significant deterioration"),
    "movement_away": ("背离目标", "movement away"),
    "on_track": ("按期可达", "on track"),
    "fair_progress": ("需加快", "fair, to be accelerated"),
    "stagnation": ("停滞或倒退", "stagnation or regression"),
    "progress": ("有进展", "progress"),
    "no_change": ("无变化", "no change"),
    "regress": ("倒退", "regress"),
    "maintain": ("保持", "maintain"),
    "accelerate": ("加快", "accelerate"),
    "reverse": ("扭转", "reverse"),
    "moderately_improving": ("缓慢改善", "moderately improving"),
    "stagnating": ("停滞", "stagnating"),
    "decreasing": ("下降", "decreasing"),
    "from_95": ("95% 以上", "95 % and more"),
    "from_66": ("66% 以上", "66 % and more"),
    "from_33": ("33% 以上", "33 % and more"),
    "below_33": ("不足 33%", "below 33 %"),
    "undecided": ("不能判定", "undecided"),
    "not_assessed": ("未评估", "not assessed"),
}
REASONS = {
    "no_value": ("该年没有数值", "there is no number of this year"),
    "incomplete": ("数据覆盖不足", "too little is covered"),
    "no_direction": ("未定方向", "no direction is set"),
    "one_point": ("少于两个数值", "there are fewer than two numbers"),
    "no_target": ("没有目标", "there is no target"),
    "target_year": ("目标年不晚于基期", "the target's year is not behind the base"),
    "not_positive": ("比例须为正值", "a share needs positive values"),
    "one_target_for_a_pair": ("一对数值只有一个目标", "a pair has one target alone"),
    "part_not_assessed": ("其中一半未能评估", "one half cannot be assessed"),
    "bound": ("界限值两端结论不同", "the ends of a bound are judged differently"),
}
AGREEMENTS = {
    "opposite": ("结论相反", "verdicts flip", "bad"),
    "differ": ("结论不一", "verdicts differ", "estimated"),
    "agree": ("结论一致", "methods agree", "good"),
    "single": ("仅一种方法", "one method alone", "old"),
    "none": ("未评估", "not assessed", "old"),
}
MARKS = {"good": "good", "slow": "estimated", "bad": "bad"}
SHORT = {
    "statcan": ("加统计局", "StatCan"),
    "eurostat": ("欧统局式", "Eurostat-style"),
    "unsd": ("联合国", "UNSD"),
    "escap_status": ("亚太现状", "ESCAP status"),
    "escap_anticipated": ("亚太预期", "ESCAP outlook"),
    "sdsn": ("SDSN", "SDSN"),
    "u4ssc": ("U4SSC", "U4SSC"),
}
STATES = {
    "overdue": ("逾期", "overdue", "bad"),
    "due": ("待报", "due", "estimated"),
    "ahead": ("未到期", "not due yet", "old"),
    "delivered": ("已报", "delivered", "good"),
}
FREQUENCIES = {
    "yearly": ("每年", "yearly"),
    "half-yearly": ("每半年", "half-yearly"),
    "quarterly": ("每季", "quarterly"),
    "monthly": ("每月", "monthly"),
}
SCHEMES = {
    "sdg": ("可持续发展目标", "SDG target"),
    "iso37101": ("ISO 37101 目的/议题", "ISO 37101 purpose/issue"),
    "iso37108": ("ISO 37108", "ISO 37108"),
    "u4ssc": ("U4SSC 代码", "U4SSC code"),
}
PURPOSES = {
    "attractiveness": ("吸引力", "attractiveness"),
    "preservation_and_improvement_of_environment": ("保护和改善环境", "preservation and improvement of environment"),
    "resilience": ("韧性", "resilience"),
    "responsible_resource_use": ("负责任的资源利用", "responsible resource use"),
    "social_cohesion": ("社会凝聚力", "social cohesion"),
    "well_being": ("福祉", "well-being"),
}
ISSUES = {
    "governance_empowerment_and_engagement": ("治理、赋权与参与", "governance, empowerment and engagement"),
    "education_and_capacity_building": ("教育与能力建设", "education and capacity building"),
    "innovation_creativity_and_research": ("创新、创意与研究", "innovation, creativity and research"),
    "health_and_care_in_the_community": ("社区健康与照护", "health and care in the community"),
    "culture_and_community_identity": ("文化与社区认同", "culture and community identity"),
    "living_together_interdependence_and_mutuality": ("共同生活、相互依存", "living together, interdependence and mutuality"),
    "economy_and_sustainable_production_and_consumption": (
        "经济与可持续生产消费",
        "economy and sustainable production and consumption",
    ),
    "living_and_working_environment": ("生活与工作环境", "living and working environment"),
    "safety_and_security": ("安全与安保", "safety and security"),
    "community_infrastructures": ("社区基础设施", "community infrastructures"),
    "mobility": ("出行", "mobility"),
    "biodiversity_and_ecosystem_services": ("生物多样性与生态系统服务", "biodiversity and ecosystem services"),
}


def verdict(row: Any) -> tuple[str, str, str]:
    """A verdict in two languages, and how it is marked."""
    words = VERDICTS.get(row["verdict"], (row["verdict"], row["verdict"]))
    return (*words, MARKS.get(row["standing"] or "", "old"))


def newest_flips(city: Any, zone: str) -> dict[tuple[str, str], Any]:
    """The newest comparison of each framework and indicator: of values that were judged before those that were not."""
    found: dict[tuple[str, str], Any] = {}
    rows = city.rows("indicators.verdict_flip", where={"zone": zone})
    for row in sorted(rows, key=lambda row: (row["agreement"] != "none", row["year"], row["origin"] != "reported")):
        found[row["framework"], row["indicator"]] = row
    return found


def chips(city: Any, zone: str) -> dict[tuple[str, str, int, str], list[dict[str, Any]]]:
    """The verdicts of each value that methods judged, as small marks."""
    found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    columns = ["framework", "indicator", "zone", "year", "origin", "assessment_method", "verdict", "standing"]
    order = {name: number for number, name in enumerate(SHORT)}
    for row in city.rows("indicators.assessment", columns, where={"zone": zone}):
        if row["verdict"] != "not_assessed":
            key = (row["framework"], row["indicator"], row["year"], row["origin"])
            found[key].append({"row": row, "method": SHORT[row["assessment_method"]], "verdict": verdict(row)})
    for mine in found.values():
        mine.sort(key=lambda each: order[each["row"]["assessment_method"]])
    return found


def methods_of(city: Any, indicator: str, zone: str) -> list[dict[str, Any]]:
    """The judgements of an indicator's newest value in each framework, method by method, with where they flip."""
    rows = city.rows("indicators.assessment", where={"indicator": indicator, "zone": zone}, order=["year"])
    about = {row["assessment_method"]: row for row in city.rows("indicators.assessment_method")}
    groups: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row["framework"], row["year"], row["origin"]].append(row)
    flips = {
        (row["framework"], row["year"], row["origin"]): row
        for row in city.rows("indicators.verdict_flip", where={"indicator": indicator, "zone": zone})
    }
    order = list(SHORT)
    found = []
    for key, mine in sorted(groups.items(), key=lambda pair: (pair[0][0], -pair[0][1], pair[0][2])):
        mine.sort(key=lambda row: order.index(row["assessment_method"]))
        found.append(
            {
                "framework": key[0],
                "year": key[1],
                "origin": key[2],
                "flip": flips.get(key),
                "agreement": AGREEMENTS[flips[key]["agreement"]] if key in flips else AGREEMENTS["none"],
                "first": mine[0],
                "entries": [
                    {
                        "row": row,
                        "about": about.get(row["assessment_method"]),
                        "verdict": verdict(row),
                        "reason": REASONS.get(row["reason"] or ""),
                        "ends": [VERDICTS[end] for end in (row["verdict_low"], row["verdict_high"]) if end in VERDICTS],
                    }
                    for row in mine
                ],
            }
        )
    return found


def owed(city: Any, today: date, where: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Duties with where each stands today: all that are overdue or due, what was delivered, and what comes within a year."""
    found = []
    for row in city.rows("indicators.duty", where=where or {}, order=["due_on", "indicator"]):
        state = duties.state(row["due_on"], row["delivered"], today)
        if state == "ahead" and row["due_on"] > today + timedelta(days=366):
            continue
        found.append({"row": row, "state": state, "words": STATES[state], "frequency": FREQUENCIES[row["frequency"]]})
    return found


def cells(city: Any, scheme: str, today: date) -> dict[tuple[str, str], dict[str, Any]]:
    """The matrix of purposes and issues: indicators of each cell, how they stand, whose they are, and the maturity."""
    names = {row["indicator"]: row for row in city.rows("indicators.indicator")}
    flips: dict[str, Any] = {}
    for (_, indicator), row in sorted(newest_flips(city, WHOLE).items()):
        if indicator not in flips or row["agreement"] != "none":
            flips[indicator] = row
    marks = chips(city, WHOLE)
    owners = {row["indicator"]: row for row in city.rows("indicators.membership") if row["responsible_zh"]}
    late: dict[str, int] = defaultdict(int)
    for entry in owed(city, today):
        late[entry["row"]["indicator"]] += entry["state"] == "overdue"
    found: dict[tuple[str, str], dict[str, Any]] = {
        (purpose, issue): {"entries": [], "maturity": None} for purpose in (*PURPOSES, "") for issue in ISSUES
    }
    seen = set()
    for row in city.rows("indicators.crosswalk", where={"crosswalk_scheme": "iso37101"}):
        key = (row["iso37101_purpose"] or "", row["iso37101_issue"])
        if key not in found or (key, row["indicator"]) in seen:
            continue
        seen.add((key, row["indicator"]))
        flip = flips.get(row["indicator"])
        place = (flip["framework"], row["indicator"], flip["year"], flip["origin"]) if flip else None
        found[key]["entries"].append(
            {
                "name": names[row["indicator"]],
                "agreement": AGREEMENTS[flip["agreement"]] if flip else AGREEMENTS["none"],
                "chips": marks.get(place, []) if place else [],
                "owner": owners.get(row["indicator"]),
                "late": late[row["indicator"]],
            }
        )
    for row in city.rows("indicators.maturity", where={"crosswalk_scheme": scheme}):
        key = (row["iso37101_purpose"], row["iso37101_issue"])
        if key in found:
            found[key]["maturity"] = row
    return found


def owners_of(cell: dict[str, Any]) -> list[tuple[str, str]]:
    """The bodies that answer for the indicators of a cell, each once."""
    rows = [entry["owner"] for entry in cell["entries"] if entry["owner"]]
    return sorted({(row["responsible_zh"], row["responsible_en"] or row["responsible_zh"]) for row in rows})


def day_of(city: Any, moment: Any) -> date | None:
    """The local day of an instant."""
    return None if moment is None else moment.astimezone(city.district.calendar.tz).date()
