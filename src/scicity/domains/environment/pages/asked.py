"""What the pages ask of the tables of air, in the order in which the pages show it. No Django here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

# The limits that people live under; editions whose limit is the same as an earlier one's add no line.
GRADE = 2
POLLUTANTS = ("pm25", "pm10", "no2", "so2", "co", "o3")
WITH_YEARLY_LIMIT = ("pm25", "pm10", "no2", "so2")
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
# What statements call the things that the stations measure.
SPOKEN = {
    "pm25": ("PM2.5", "细颗粒物"),
    "pm10": ("PM10", "可吸入颗粒物"),
    "no2": ("NO₂", "NO2", "二氧化氮"),
    "so2": ("SO₂", "SO2", "二氧化硫"),
    "good_days": ("达标天数", "优良天数"),
}
MEASURED_IN = ("ug/m3", "%", "d", "{day}")  # what a statement must be in to be about concentrations or days
GOOD = ("good_days", "good_day_share")
FULL = 0.75  # a year with fewer days than this is not the one that a page opens with


def stations(city: Any) -> list[Any]:
    """The stations that have any year of data."""
    known = {row["station"] for row in city.rows("environment.air_good_days", ["station"])}
    return [row for row in city.rows("environment.station") if row["station"] in known]


def years(city: Any) -> list[int]:
    """The years with data, newest last."""
    return sorted({row["year"] for row in city.rows("environment.air_good_days", ["year"])})


def full_year(city: Any) -> int | None:
    """The newest year of which most days are known; the newest of all where there is none such."""
    rows = city.rows("environment.air_good_days", ["year", "coverage"])
    full = [row["year"] for row in rows if (row["coverage"] or 0) >= FULL]
    return max(full or [row["year"] for row in rows], default=None)


def editions(city: Any) -> dict[str, Any]:
    """The editions of the standards by their names, oldest first."""
    return {row["edition"]: row for row in city.rows("environment.edition", order=["valid_from"])}


def yearly(city: Any, pollutant: str) -> dict[str, Any]:
    """The chart of one pollutant's yearly means at all stations, with the limit of each edition."""
    rows = {(row["station"], row["year"]): row for row in city.rows("environment.air_yearly", where={"pollutant": pollutant})}
    shown = years(city)
    series = [
        {
            "name": (station["name_zh"], station["name_en"]),
            "figures": [_figure(rows.get((station["station"], year)), "concentration_of_valid_days") for year in shown],
        }
        for station in stations(city)
    ]
    where = {"pollutant": pollutant, "limit_grade": GRADE, "averaging": "year"}
    limits = city.rows("environment.air_attainment", where=where)
    drawn: set[Any] = set()
    for name in editions(city):
        mine = {row["year"]: row for row in limits if row["edition"] == name}
        values = tuple(row["concentration_limit"] for row in mine.values())
        if mine and values[0] not in drawn:
            drawn.add(values[0])
            figures = [_figure(mine.get(year), "concentration_limit") for year in shown]
            series.append({"name": (f"限值 {name}", f"limit {name}"), "kind": "limit", "figures": figures})
    return {
        "id": f"yearly-{pollutant}",
        "kind": "bar",
        "unit": "µg/m³",
        "axis": ("年", "Year"),
        "labels": shown,
        "series": series,
    }


def good_days(city: Any) -> dict[str, Any]:
    """The chart of the share of good days, under the edition in force and under the newest."""
    found = city.rows("environment.air_good_days")
    shown = years(city)
    newest = list(editions(city))[-1:]
    series = []
    for station in stations(city):
        for dashed, chosen in (
            (False, lambda r: r["in_force"]),
            (True, lambda r: r["edition"] in newest and not r["in_force"]),
        ):
            rows = {row["year"]: row for row in found if row["station"] == station["station"] and chosen(row)}
            note_zh, note_en = ("（按2026版）", " (2026 edition)") if dashed else ("", "")
            figures = [_figure(rows.get(year), "good_day_share") for year in shown]
            series.append({"name": (station["name_zh"] + note_zh, station["name_en"] + note_en), "figures": figures})
    return {"id": "good-days", "kind": "line", "unit": "%", "axis": ("年", "Year"), "labels": shown, "series": series}


def calendar(city: Any, station: str, year: int) -> dict[str, Any]:
    """The calendar of a year's AQI under the edition in force, in the standard's own colours."""
    days = city.rows("environment.air_index", where={"station": station, "in_force": True})
    rows = [row for row in days if date(year, 1, 1) <= row["day"] <= date(year, 12, 31)]
    edition = editions(city).get(rows[0]["edition"]) if rows else None
    document = edition["index_document"] if edition else ""
    levels = city.rows("environment.aqi_level", where={"document": document}, order=["aqi_level"])
    return {
        "id": "calendar",
        "kind": "calendar",
        "unit": "AQI",
        "figures": {row["day"]: row.figure("aqi") for row in rows},
        "pieces": [(level["aqi_to"], level["colour"], (level["name_zh"], level["name_en"])) for level in levels],
        "edition": edition,
    }


def attainment(city: Any, station: str, year: int) -> list[dict[str, Any]]:
    """One entry per pollutant and statistic: the value, and the limit and verdict under each edition."""
    where = {"station": station, "year": year, "limit_grade": GRADE}
    rows = city.rows("environment.air_attainment", where=where)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda r: (POLLUTANTS.index(r["pollutant"]), r["averaging"] != "year")):
        entry = found.setdefault((row["pollutant"], row["averaging"]), {"row": row, "editions": {}})
        entry["editions"][row["edition"]] = row
    return [{**entry, "verdicts": [entry["editions"].get(name) for name in editions(city)]} for entry in found.values()]


def share_table(city: Any) -> list[dict[str, Any]]:
    """Good days by station and year: the row of the edition in force, then those of the others."""
    found = city.rows("environment.air_good_days", order=["station", "-year"])
    pairs = dict.fromkeys((row["station"], row["year"]) for row in found)
    entries = []
    for station, year in pairs:
        rows = {row["edition"]: row for row in found if (row["station"], row["year"]) == (station, year)}
        now = next((row for row in rows.values() if row["in_force"]), None)
        entries.append({"station": station, "year": year, "now": now, "rows": [rows.get(name) for name in editions(city)]})
    return entries


def beside(city: Any) -> list[dict[str, Any]]:
    """The report's statements on air, each with what the stations measured in the years that it speaks of.

    The report speaks of 2024 against 2013; where the readings do not reach a year, that is told by its having no entry.
    """
    means = {(row["station"], row["pollutant"], row["year"]): row for row in city.rows("environment.air_yearly")}
    days = {(r["station"], r["year"]): r for r in city.rows("environment.air_good_days", where={"in_force": True})}
    implied = city.rows("environment.implied_baseline")
    found = []
    for statement in city.rows("indicators.statement", where={"topic": "air"}):
        told = {int(year) for name in ("stated_period", "baseline_period") for year in YEAR.findall(statement[name] or "")}
        spoken = next((key for key, names in SPOKEN.items() if any(name in statement["subject_zh"] for name in names)), None)
        about = spoken if statement["unit"] in MEASURED_IN else None
        entries = []
        for station in stations(city):
            for year in sorted(told):
                if about == "good_days":
                    row, column = days.get((station["station"], year)), GOOD[statement["unit"] == "%"]
                else:
                    row, column = means.get((station["station"], about, year)), "concentration_of_valid_days"
                if about and row:
                    entries.append({"station": station, "year": year, "figure": row.figure(column)})
        told_of = [row for row in implied if row["claim_id"] == statement["claim_id"]]
        found.append({"row": statement, "measured": entries, "comparable": about is not None, "implied": told_of})
    return found


def _figure(row: Any, column: str) -> Any:
    return row.figure(column) if row else None


def figures_of(rows: Iterable[Any], column: str) -> list[Any]:
    """One column of rows as figures."""
    return [row.figure(column) for row in rows]
