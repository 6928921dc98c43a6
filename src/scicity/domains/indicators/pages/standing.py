"""Where each indicator stands: printed values with what they mean, measured values, target and progress. No Django here."""

from __future__ import annotations

from typing import Any

from scicity.domains.indicators.pages import judging

WHOLE = "district"
# progress: Chinese, English, how it is marked
PROGRESS = {
    "achieved": ("已达成", "achieved", "good"),
    "on_track": ("进展正常", "on track", "good"),
    "behind": ("滞后", "behind", "bad"),
    "missed": ("未达成", "missed", "bad"),
    "undecided": ("不能判定", "undecided", ""),
    "no_baseline": ("无基期值", "no baseline", ""),
    "incomplete": ("数据不全", "data incomplete", ""),
    "no_target": ("未印目标", "no target printed", ""),
    "no_value": ("无数值", "no value", ""),
    "pending": ("暂缺", "pending", ""),
    "text": ("文字表述", "a sentence", ""),
}
KINDS = {
    "bound": ("界限值", "a bound"),
    "pair": ("两个数值", "a pair of values"),
    "pending": ("暂缺", "pending"),
    "none": ("无", "none"),
    "text": ("文字", "a sentence"),
}
COMPARATORS = {
    "over": ("多于", "more than"),
    "~": ("约", "about"),
    ">=": ("≥", "≥"),
    "<=": ("≤", "≤"),
    ">": (">", ">"),
    "<": ("<", "<"),
}


def years_reported(city: Any) -> list[int]:
    """The years of printed values, oldest first."""
    return sorted({row["year"] for row in city.rows("indicators.reported", ["year"])})


def frameworks(city: Any, zone: str, chosen: str = "") -> list[dict[str, Any]]:
    """The frameworks (or the one chosen), each with its dimensions, each with its indicators as the board shows them."""
    years = years_reported(city)
    values = {_key(row): row for row in city.rows("indicators.value", where={"zone": zone})}
    standing = {_key(row): row for row in city.rows("indicators.status", where={"zone": zone})}
    names = {row["indicator"]: row for row in city.rows("indicators.indicator")}
    members = city.rows("indicators.membership", order=["source_file", "source_row"])
    flips, marks = judging.newest_flips(city, zone), judging.chips(city, zone)
    editions = {}
    for row in city.rows("indicators.edition", order=["valid_from"]):
        editions[row["framework"]] = row
    found = []
    for framework in city.rows("indicators.framework", order=["framework"]):
        if chosen not in ("", framework["framework"]):
            continue
        dimensions: dict[str, dict[str, Any]] = {}
        mine = [row for row in members if row["framework"] == framework["framework"]]
        for member in mine:
            name, row = member["dimension_zh"], names[member["indicator"]]
            dimension = dimensions.setdefault(name, {"zh": name, "en": member["dimension_en"] or name, "entries": []})
            entry = _entry(row, years, values, standing)
            flip = flips.get((member["framework"], member["indicator"]))
            entry["flip"] = flip
            entry["agreement"] = judging.AGREEMENTS[flip["agreement"]] if flip else None
            key = (member["framework"], member["indicator"], flip["year"], flip["origin"]) if flip else None
            entry["chips"] = marks.get(key, []) if key else []
            if zone == WHOLE or entry["measured"] or any(cell["row"] for cell in entry["printed"]):
                dimension["entries"].append(entry)
        kept = [dimension for dimension in dimensions.values() if dimension["entries"]]
        found.append(
            {
                "row": framework,
                "dimensions": kept,
                "filled": len(mine),
                "expected": framework["expected_indicators"],
                "edition": (edition := editions.get(framework["framework"])),
                "begins": judging.day_of(city, edition["valid_from"]) if edition else None,
                "ends": judging.day_of(city, edition["valid_to"]) if edition else None,
            }
        )
    return found


def _entry(row: Any, years: list[int], values: dict[Any, Any], standing: dict[Any, Any]) -> dict[str, Any]:
    name = row["indicator"]
    printed = [_printed(values.get((name, year, "reported")), year) for year in years]
    measured = sorted((r for key, r in values.items() if key[0] == name and key[2] == "measured"), key=lambda r: r["year"])
    judged = sorted((r for key, r in standing.items() if key[0] == name), key=lambda r: (r["origin"] == "measured", r["year"]))
    last = judged[-1] if judged else None
    return {
        "row": row,
        "printed": printed,
        "measured": measured[-2:],
        "entered": sorted((r for key, r in values.items() if key[0] == name and key[2] == "manual"), key=lambda r: r["year"])[
            -2:
        ],
        "trend": [r.figure("value") for r in measured] or [c["row"].figure("value") for c in printed if c["row"]],
        "status": last,
        "progress": PROGRESS.get(last["progress"], (last["progress"], last["progress"], "")) if last else PROGRESS["no_value"],
        "target": last if last and last["target"] is not None else None,
        "page": f"/indicators/of/{name}/",
    }


def _printed(row: Any, year: int) -> dict[str, Any]:
    kind = row["kind"] if row else ""
    return {
        "year": year,
        "row": row,
        "kind": KINDS.get(kind),
        "meant": bool(row and row["value"] is not None and kind in ("bound", "pair")),
        "comparator": COMPARATORS.get(row["comparator"] or "") if row else None,
        "pair": bool(row and row["value_high"] is not None),
    }


def tally(city: Any) -> dict[str, list[Any]]:
    """The newest judged row of each indicator of the whole district, by progress."""
    newest: dict[str, Any] = {}
    for row in city.rows("indicators.status", where={"zone": WHOLE}, order=["year"]):
        newest[row["indicator"]] = row
    found: dict[str, list[Any]] = {}
    for row in newest.values():
        found.setdefault(row["progress"], []).append(row)
    return found


def _key(row: Any) -> tuple[str, int, str]:
    return row["indicator"], row["year"], row["origin"]
