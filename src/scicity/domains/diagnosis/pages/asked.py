"""What the pages ask of the tables of diagnosis, as charts and rows. No Django here."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from scicity.domains.diagnosis.pages import told
from scicity.kernel.lineage import Between

RANKED = 25  # findings that the overview lists
DRAWN = 40  # buildings of one use that are drawn beside each other
LISTED = 60  # findings of a building's year
WORST_FIRST = ("above", "within", "guide", "unknown")
AROUND = timedelta(days=21)  # drawn before and after a finding
LONGEST = timedelta(days=40)  # drawn of a finding
WEEK = timedelta(days=7)


def kinds(city: Any) -> dict[str, Any]:
    """The kinds of anomalies by their keys."""
    return {row["anomaly_kind"]: row for row in city.rows("diagnosis.anomaly_kind")}


def names(city: Any) -> dict[str, Any]:
    """The buildings by their keys."""
    return {row["building"]: row for row in city.rows("buildings.building")}


def years(city: Any) -> list[int]:
    """The years with a baseline, oldest first."""
    return sorted({row["year"] for row in city.rows("diagnosis.baseline", ["year"])})


def ranked(city: Any, year: int) -> list[dict[str, Any]]:
    """The findings of a year that are worth most."""
    rows = city.rows("diagnosis.measure_ranked", where={"year": year}, order=["priority"], limit=RANKED)
    known, buildings = kinds(city), names(city)
    return [
        {
            "row": row,
            "kind": known.get(row["anomaly_kind"]),
            "building": buildings.get(row["building"]),
            "carrier": told.carrier(row["carrier"]),
        }
        for row in rows
    ]


def quotas(city: Any, year: int) -> list[dict[str, Any]]:
    """The buildings against their quotas, those above first."""
    buildings, order = names(city), list(WORST_FIRST)
    rows = city.rows("diagnosis.quota_yearly", where={"year": year})
    rows = sorted(rows, key=lambda row: (order.index(row["quota_status"]), -(row["corrected_intensity"] or 0)))[:LISTED]
    return [quota_entry(row, buildings.get(row["building"])) for row in rows]


def quota_entry(row: Any, building: Any) -> dict[str, Any]:
    """A comparison with its state in words."""
    state = told.QUOTA.get(row["quota_status"], told.QUOTA["unknown"])
    return {"row": row, "building": building, "status": state, "reason": told.reason(row["reason"])}


def peers(city: Any, year: int) -> list[dict[str, Any]]:
    """The distributions of a year by use and carrier."""
    rows = city.rows("diagnosis.intensity_peers", where={"year": year}, order=["use", "carrier"])
    return [{"row": row, "carrier": told.carrier(row["carrier"])} for row in rows]


def peers_chart(city: Any, row: Any, building: str | None = None) -> dict[str, Any] | None:
    """The buildings of one use beside each other, the most intense first, with the median; one may be marked."""
    key = {"use": row["use"], "carrier": row["carrier"], "year": row["year"]}
    rows = city.rows("diagnosis.intensity_place", where=key, order=["-energy_intensity"], limit=DRAWN)
    if building and all(one["building"] != building for one in rows):
        rows += city.rows("diagnosis.intensity_place", where={**key, "building": building})
    if not rows:
        return None
    figures = [one.figure("energy_intensity") for one in rows]
    series: list[dict[str, Any]] = [{"name": ("各建筑", "buildings"), "figures": figures}]
    mine = [figure for figure, one in zip(figures, rows, strict=True) if one["building"] == building]
    series += [{"name": ("本建筑", "this building"), "figures": mine * len(rows), "kind": "limit"}] if mine else []
    if row["intensity_median"] is not None:
        series.append({"name": ("中位数", "median"), "figures": [row.figure("intensity_median")] * len(rows), "kind": "limit"})
    zh, en = told.carrier(row["carrier"])
    return {
        "id": f"peers-{row['carrier']}",
        "kind": "bar",
        "unit": "kWh/m²",
        "title": (f"同类建筑{zh}强度 {row['year']}", f"{en} per floor area among peers, {row['year']}"),
        "axis": ("建筑", "Building"),
        "labels": [one["building"] for one in rows],
        "series": series,
    }


def places(city: Any, year: int) -> list[dict[str, Any]]:
    """The buildings of a year with where they stand among their peers, those with the most below them first."""
    buildings = names(city)
    rows = city.rows("diagnosis.intensity_place", where={"year": year}, order=["-share_below", "building"], limit=LISTED)
    return [{"row": row, "building": buildings.get(row["building"]), "carrier": told.carrier(row["carrier"])} for row in rows]


def unmodelled(city: Any, year: int) -> list[dict[str, Any]]:
    """The buildings of a year whose baseline may not be relied upon, with the reason."""
    buildings = names(city)
    rows = city.rows(
        "diagnosis.baseline", ["days", "cv_rmse", "accepted", "reason", "stand_in"], {"year": year, "accepted": False},
        ["building", "carrier"], limit=LISTED,
    )  # fmt: skip
    return [
        {
            "row": row,
            "building": buildings.get(row["building"]),
            "carrier": told.carrier(row["carrier"]),
            "reason": told.reason(row["reason"]),
        }
        for row in rows
    ]


def models(city: Any, building: str) -> list[dict[str, Any]]:
    """The yearly use of a building, measured and normalised, with what its baseline is and why it is refused."""
    key = {"building": building}
    held = {(row["carrier"], row["year"]): row for row in city.rows("diagnosis.baseline", where=key)}
    rows = city.rows("diagnosis.normalised_yearly", where=key, order=["carrier", "-year"])
    return [
        {
            "row": row,
            "model": held[row["carrier"], row["year"]],
            "carrier": told.carrier(row["carrier"]),
            "shape": told.SHAPES.get(held[row["carrier"], row["year"]]["model_shape"]),
            "reason": told.reason(row["reason"]),
        }
        for row in rows
        if (row["carrier"], row["year"]) in held
    ]


def parts(city: Any, building: str, carrier: str, year: int) -> list[dict[str, Any]]:
    """The figures of a model by kind of day and season; those that are alike stand once."""
    where = {"building": building, "carrier": carrier, "year": year}
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    columns = ("base_load", "heating_slope", "heating_point", "cooling_slope", "cooling_point")
    for row in city.rows("diagnosis.baseline_part", where=where):
        entry = found.setdefault(
            (row["rest"], *(row[name] for name in columns)), {"row": row, "seasons": [], "rest": row["rest"]}
        )
        entry["seasons"].append(told.SEASONS.get(row["season"], (row["season"],) * 2))
    for entry in found.values():
        zh, en = zip(*entry.pop("seasons"), strict=True)
        entry["when"] = ("全年", "all year") if len(zh) == len(told.SEASONS) else ("、".join(zh), ", ".join(en))
    return list(found.values())


def expected_chart(city: Any, building: str, carrier: str, first: date, last: date) -> dict[str, Any] | None:
    """Measured and expected use of some days."""
    where = {"building": building, "carrier": carrier, "day": Between(first, last)}
    rows = city.rows("diagnosis.expected_daily", where=where, order=["day"])
    if not rows:
        return None
    base = "、".join(sorted({str(row["baseline_year"]) for row in rows}))
    zh, en = told.carrier(carrier)
    return {
        "id": "proof",
        "kind": "line",
        "unit": "kWh",
        "title": (f"{zh}：实测与基准", f"{en}: measured and expected"),
        "note": (f"基准为 {base} 年的模型，按当日气温推算", f"by the model of {base} at the weather of each day"),
        "axis": ("日", "Day"),
        "labels": [row["day"] for row in rows],
        "series": [
            {"name": ("实测", "measured"), "figures": [row.figure("energy") for row in rows]},
            {"name": ("基准", "expected"), "figures": [row.figure("expected_energy") for row in rows]},
        ],
    }


def months_chart(city: Any, building: str, carrier: str, year: int) -> dict[str, Any] | None:
    """Measured and expected use of the months of a year."""
    where = {"building": building, "carrier": carrier, "month": Between(date(year, 1, 1), date(year, 12, 31))}
    rows = city.rows("diagnosis.expected_monthly", where=where, order=["month"])
    if not rows:
        return None
    base = "、".join(sorted({str(row["baseline_year"]) for row in rows}))
    zh, en = told.carrier(carrier)
    return {
        "id": "expected",
        "kind": "bar",
        "unit": "kWh",
        "title": (f"{zh}：实测与基准", f"{en}: measured and expected"),
        "note": (f"基准为 {base} 年的模型，按各日气温推算", f"by the model of {base} at the weather of each day"),
        "axis": ("月", "Month"),
        "labels": [f"{row['month']:%Y-%m}" for row in rows],
        "series": [
            {"name": ("实测", "measured"), "figures": [row.figure("energy") for row in rows]},
            {"name": ("基准", "expected"), "figures": [row.figure("expected_energy") for row in rows], "kind": "limit"},
        ],
    }


def findings(city: Any, building: str, year: int) -> list[dict[str, Any]]:
    """The findings of a building's year, those worth most first."""
    known = kinds(city)
    rows = city.rows("diagnosis.anomaly", where={"building": building, "year": year}, order=["-excess_energy"], limit=LISTED)
    return [
        {
            "row": row,
            "kind": known.get(row["anomaly_kind"]),
            "carrier": told.carrier(row["carrier"]),
            "key": f"{row['anomaly_kind']}.{row['carrier']}.{row['first_day']}",
        }
        for row in rows
    ]


LOADS = {
    "night_load": ("night_load", "usual_night", "night_limit"),
    "left_on": ("work_load", "usual_rest", "rest_limit"),
}


def proof(city: Any, row: Any) -> dict[str, Any] | None:
    """The curve that shows a finding: what was seen, what is usual, and the limit, some weeks around."""
    first, last = row["first_day"] - AROUND, min(row["last_day"], row["first_day"] + LONGEST) + AROUND
    where = {"building": row["building"], "carrier": row["carrier"], "day": Between(first, last)}
    if row["anomaly_kind"] in LOADS:
        seen, usual, limit = LOADS[row["anomaly_kind"]]
        rows = city.rows("diagnosis.load_daily", where=where, order=["day"])
        if row["anomaly_kind"] == "left_on":
            rows = [one for one in rows if one["rest"]]
        lines = [
            {"name": ("实测", "seen"), "figures": [one.figure(seen) for one in rows]},
            {"name": ("常态", "usual"), "figures": [one.figure(usual) for one in rows]},
            {"name": ("阈值", "limit"), "figures": [one.figure(limit) for one in rows], "kind": "limit"},
        ]
    elif row["anomaly_kind"] == "simultaneous":
        rows = city.rows("diagnosis.warm_heat_daily", where=where, order=["day"])
        lines = [
            {"name": ("制冷时段供热", "heat in warm hours"), "figures": [one.figure("heat_load") for one in rows]},
            {"name": ("常态", "usual"), "figures": [row.figure("usual_load")] * len(rows)},
            {"name": ("阈值", "limit"), "figures": [row.figure("limit_load")] * len(rows), "kind": "limit"},
        ]
    else:
        return expected_chart(city, row["building"], row["carrier"], first, last) or _shape(city, where)
    title = kinds(city)[row["anomaly_kind"]]
    return {
        "id": "proof",
        "kind": "line",
        "unit": "kW",
        "title": (title["name_zh"], title["name_en"]),
        "axis": ("日", "Day"),
        "labels": [one["day"] for one in rows],
        "series": lines,
    }


def _shape(city: Any, where: dict[str, Any]) -> dict[str, Any] | None:
    """The daily use around a step of a building whose model is refused."""
    rows = city.rows("diagnosis.shape_daily", where=where, order=["day"])
    series = [{"name": ("实测", "measured"), "figures": [row.figure("energy") for row in rows]}]
    told_of = {"id": "proof", "kind": "line", "unit": "kWh", "title": ("逐日用能", "Energy by day"), "axis": ("日", "Day")}
    return {**told_of, "labels": [row["day"] for row in rows], "series": series} if rows else None


def hours(city: Any, row: Any) -> dict[str, Any]:
    """The hours of a finding's first day, and of the same day of the week before."""
    series, labels = [], []
    for day, name in ((row["first_day"], ("当日", "that day")), (row["first_day"] - WEEK, ("前一周同日", "a week before"))):
        where = {"building": row["building"], "carrier": row["carrier"], "day": day}
        found = {one["hour_of_day"]: one for one in city.rows("energy.consumption_hourly", where=where)}
        labels = labels or [f"{hour:02d}:00" for hour in range(24)]
        figures = [found[hour].figure("energy") if hour in found else None for hour in range(24)]
        series.append({"name": name, "figures": figures})
    title = (f"{row['first_day']} 逐时用能", f"Energy by hour, {row['first_day']}")
    return {
        "id": "hours",
        "kind": "line",
        "unit": "kWh",
        "title": title,
        "axis": ("时刻", "Hour"),
        "labels": labels,
        "series": series,
    }


def measures(city: Any) -> list[dict[str, Any]]:
    """The measures with what is proved of them."""
    saved = {row["measure"]: row for row in city.rows("diagnosis.saving")}
    buildings = names(city)
    found = []
    for row in city.rows("diagnosis.measure", order=["measure"]):
        proof_of = saved.get(row["measure"])
        state = told.SAVING.get(proof_of["saving_status"]) if proof_of else None
        found.append(
            {
                "row": row,
                "saving": proof_of,
                "status": state or told.SAVING["no meter"],
                "reason": told.reason(proof_of["reason"]) if proof_of else None,
                "building": buildings.get(row["building"]),
                "years": city.rows("diagnosis.saving_yearly", where={"measure": row["measure"]}, order=["year"]),
            }
        )
    return found


def saving_charts(city: Any, measure: str) -> list[dict[str, Any]]:
    """A measure by month: what was used and expected, and what was saved with the bounds of its interval."""
    rows = city.rows("diagnosis.saving_monthly", where={"measure": measure}, order=["month"])
    if not any(row["saved_energy"] is not None for row in rows):
        return []
    labels = [f"{row['month']:%Y-%m}" for row in rows]

    def line(column: str, zh: str, en: str, kind: str = "") -> dict[str, Any]:
        return {"name": (zh, en), "figures": [row.figure(column) for row in rows], **({"kind": kind} if kind else {})}

    base = {"unit": "kWh", "axis": ("月", "Month"), "labels": labels, "kind": "bar"}
    return [
        {
            **base,
            "id": "used",
            "title": ("实测与无措施时的用能", "Used, and expected without the measure"),
            "series": [line("energy", "实测", "used"), line("expected_energy", "无措施时", "expected", "limit")],
        },
        {
            **base,
            "id": "saved",
            "title": ("逐月节能量与区间", "Saved by month, with its interval"),
            "note": ("虚线之间为双侧置信区间；只含偶然性", "between the dashed lines: the two-sided interval, of chance alone"),
            "series": [
                line("saved_energy", "节能量", "saved"),
                line("saved_low", "下界", "lower bound", "limit"),
                line("saved_high", "上界", "upper bound", "limit"),
            ],
        },
    ]
