"""What the pages of heritage ask of the tables."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

LISTED, DRAWN = 100, 30
VERDICTS = {
    "breaks": ("超高", "breaks it", "bad"),
    "keeps": ("符合", "keeps it", "good"),
    "unknown": ("高度未知", "height unknown", "old"),
}
CHECKS = {
    "distance": ("距离分级", "by distance"),
    "range": ("保护区划内", "within a range"),
    "corridor": ("视线通廊", "view corridor"),
}
FORMS = {"step": ("分级", "step"), "slope": ("斜坡", "slope"), "no_building": ("不得新建", "no building")}
LEVELS = {
    "nation": ("全国重点文物保护单位", "protected by the nation"),
    "city": ("市级文物保护单位", "protected by the city"),
    "district": ("区级文物保护单位", "protected by the district"),
    "listed": ("普查登记文物", "surveyed"),
    "none": ("未定级", "not protected"),
}


def today(city: Any) -> date:
    """The district's day of now."""
    return datetime.now(city.district.calendar.tz).date()


def sites(city: Any) -> dict[str, Any]:
    """The sites by their keys."""
    return {row["site"]: row for row in city.rows("heritage.site", order=["source_row"])}


def days(city: Any) -> list[Any]:
    """The days of the accounts, oldest first."""
    return city.rows("planning.account_day", order=["day"])


def day_of(found: list[Any], asked_for: str, now: date) -> Any:
    """The day that is asked for; else the last that is not in the future."""
    chosen = next((row for row in found if row["day"].isoformat() == asked_for), None)
    past = [row for row in found if row["day"] <= now]
    return chosen or (past[-1] if past else found[0] if found else None)


def checks(city: Any, day: date, site: str = "", breaking: bool = False) -> list[dict[str, Any]]:
    """The checks that hold on a day, the worst first."""
    where: dict[str, Any] = {"site": site} if site else {}
    where |= {"height_verdict": "breaks"} if breaking else {}
    moment = city.district.calendar.instant(day) / 1e6
    rules, views = named(city, "heritage.height_rule", "height_rule"), named(city, "heritage.view_corridor", "corridor")
    built = buildings(city)
    rows = [row for row in city.rows("heritage.height_check", where=where) if _holds(row, moment)]
    rows.sort(
        key=lambda row: (
            -(row["excess_height"] if row["excess_height"] is not None else -1e9),
            row["feature"],
            row["height_rule"],
        )
    )
    return [
        {
            "row": row,
            "building": built.get(row["feature"]),
            "rule": (views if row["check_kind"] == "corridor" else rules).get(row["height_rule"]),
            "kind": CHECKS[row["check_kind"]],
            "verdict": VERDICTS[row["height_verdict"]],
        }
        for row in rows
    ]


def _holds(row: Any, moment: float) -> bool:
    begins, ends = row["valid_from"], row["valid_to"]
    return (begins is None or begins.timestamp() <= moment) and (ends is None or ends.timestamp() > moment)


def named(city: Any, table: str, key: str) -> dict[str, Any]:
    """The rows of a register by a key."""
    return {row[key]: row for row in city.rows(table)}


def buildings(city: Any) -> dict[str, Any]:
    """The names of the buildings of the layer."""
    return {row["feature"]: row for row in city.rows("layer.buildings", ["feature", "name_zh", "name_en", "feature_class"])}


def standing(city: Any, day: date) -> dict[str, Any]:
    """How each site stands on a day."""
    return {row["site"]: row for row in city.rows("heritage.site_standing", where={"day": day})}


def profile(entries: list[dict[str, Any]], site: Any) -> dict[str, Any] | None:
    """Permitted height and height of the buildings around a site, the nearest first: the skyline that rises outwards."""
    rows = [each for each in entries if each["row"]["check_kind"] == "distance" and each["row"]["height"] is not None]
    rows.sort(key=lambda each: (each["row"]["excess_height"] <= 0, -each["row"]["excess_height"]))
    rows = sorted(rows[:DRAWN], key=lambda each: each["row"]["site_distance"])
    if not rows:
        return None
    return {
        "id": "profile",
        "kind": "bar",
        "unit": "m",
        "title": (f"{site['name_zh']}周边：建筑高度与允许高度", f"Around {site['name_en']}: heights and what is permitted"),
        "note": ("超高最多者，由近及远", "those that break their rule by most, the nearest first"),
        "axis": ("建筑（由近及远）", "Building, the nearest first"),
        "labels": [each["row"]["feature"] for each in rows],
        "series": [
            {"name": ("建筑高度", "height"), "figures": [each["row"].figure("height") for each in rows]},
            {
                "name": ("允许高度", "permitted"),
                "figures": [each["row"].figure("permitted_height") for each in rows],
                "kind": "limit",
            },
        ],
    }
