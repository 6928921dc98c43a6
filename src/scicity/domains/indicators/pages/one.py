"""An indicator by itself: its series with targets and ranges, its places in frameworks, cross-walks, duties and revisions."""

from __future__ import annotations

from typing import Any

from scicity.domains.indicators.pages import judging

ORIGINS = {"reported": ("所印", "printed"), "measured": ("实测", "measured"), "manual": ("录入", "entered")}
CHANGES = {
    "target": ("目标值", "target"),
    "target_withdrawn": ("取消目标", "target taken back"),
    "added": ("新增指标", "indicator added"),
    "withdrawn": ("取消指标", "indicator withdrawn"),
    "definition": ("修改定义", "definition changed"),
}


def chart(city: Any, about: Any, zone: str) -> dict[str, Any] | None:
    """The values of each origin by year, with the targets and ranges of the frameworks at their years."""
    name = about["indicator"]
    values = city.rows("indicators.value", where={"indicator": name, "zone": zone}, order=["year"])
    promised = city.rows("indicators.edition_target", where={"indicator": name, "zone": zone}, order=["year"])
    known = [row for row in values if row["value"] is not None]
    if not known:
        return None
    years = sorted({row["year"] for row in known} | {row["year"] for row in promised})
    series = []
    for origin, words in ORIGINS.items():
        mine = {row["year"]: row for row in known if row["origin"] == origin}
        if mine:
            series.append({"name": words, "figures": [mine[y].figure("value") if y in mine else None for y in years]})
        if any(row["value_high"] is not None for row in mine.values()):
            high = [mine[y].figure("value_high") if y in mine else None for y in years]
            series.append({"name": (f"{words[0]}（后一数）", f"{words[1]} (second)"), "figures": high})
    for edition in sorted({(row["framework"], row["edition"]) for row in promised}):
        mine = {row["year"]: row for row in promised if (row["framework"], row["edition"]) == edition}
        words = (f"目标 {edition[1]}", f"target {edition[1]}")
        series.append(
            {"name": words, "kind": "bar", "figures": [mine[y].figure("value") if y in mine else None for y in years]}
        )
        if any(row["value_high"] is not None for row in mine.values()):
            high = [mine[y].figure("value_high") if y in mine else None for y in years]
            series.append({"name": (f"{words[0]} 上限", f"{words[1]}, upper end"), "kind": "bar", "figures": high})
    return {
        "id": "series",
        "kind": "line",
        "title": (about["name_zh"], about["name_en"]),
        "unit": about["symbol"] or "",
        "axis": ("年", "year"),
        "labels": [str(year) for year in years],
        "series": series,
    }


def places(city: Any, indicator: str) -> list[dict[str, Any]]:
    """What each framework says of an indicator, with its targets there."""
    frameworks = {row["framework"]: row for row in city.rows("indicators.framework")}
    targets = city.rows("indicators.edition_target", where={"indicator": indicator}, order=["year"])
    found = []
    for row in city.rows("indicators.membership", where={"indicator": indicator}):
        found.append(
            {
                "row": row,
                "framework": frameworks[row["framework"]],
                "frequency": judging.FREQUENCIES.get(row["frequency"] or ""),
                "targets": [target for target in targets if target["framework"] == row["framework"]],
            }
        )
    return found


def walks(city: Any, indicator: str) -> list[dict[str, Any]]:
    """The cross-walks of an indicator, each once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in city.rows("indicators.crosswalk", where={"indicator": indicator}):
        purpose, issue = row["iso37101_purpose"], row["iso37101_issue"]
        words = None
        if issue:
            first, second = judging.PURPOSES.get(purpose or "", ("目的未定", "purpose not set")), judging.ISSUES[issue]
            words = (f"{first[0]} × {second[0]}", f"{first[1]} × {second[1]}")
        found[row["crosswalk_scheme"], row["crosswalk_code"]] = {
            "row": row,
            "scheme": judging.SCHEMES[row["crosswalk_scheme"]],
            "words": words,
        }
    return list(found.values())


def history(city: Any, indicator: str) -> list[dict[str, Any]]:
    """The revisions that ask for a change of an indicator, the newest first."""
    revisions = {row["proposal"]: row for row in city.rows("indicators.revision")}
    found = []
    for row in city.rows("indicators.revision_item", where={"indicator": indicator}):
        of = revisions.get(row["proposal"])
        if of is not None:
            found.append({"row": row, "revision": of, "change": CHANGES[row["revision_change"]]})
    return sorted(found, key=lambda entry: entry["row"]["source_row"], reverse=True)
