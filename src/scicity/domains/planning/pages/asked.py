"""What the pages of planning ask of the tables."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from scicity.domains.planning.pages import words
from scicity.kernel.district import ROOT_ZONE

LISTED = 200  # conflicts of a page
DRAWN = 400  # conflicts of a map
LINE = "line:"


def today(city: Any) -> date:
    """The district's day of now."""
    return datetime.now(city.district.calendar.tz).date()


def plans(city: Any) -> dict[str, Any]:
    """The plans by their keys."""
    return {row["plan"]: row for row in city.rows("planning.plan", order=["plan"])}


def lines(city: Any) -> dict[str, Any]:
    """The rules of control lines; the district's own go first."""
    tables = ("planning.control_line", "planning.own_control_line")
    return {row["control_line"]: row for table in tables for row in city.rows(table)}


def uses(city: Any) -> dict[str, Any]:
    """The land uses by their codes."""
    return {row["land_use"]: row for row in city.rows("planning.land_use", order=["land_use"])}


def other(row: Any, known: dict[str, Any], rules: dict[str, Any]) -> tuple[str, str]:
    """The names of what a plan is compared with."""
    against = row["against"]
    rule = rules.get(against.removeprefix(LINE)) if against.startswith(LINE) else known.get(against)
    return (rule["name_zh"], rule["name_en"]) if rule else (row["against"], row["against"])


def counts(city: Any) -> dict[str, Any]:
    """How many plans of each kind there are, and of all."""
    return {row["plan_kind"]: row for row in city.rows("planning.plan_count", order=["plan_kind"])}


def kinds(city: Any) -> dict[str, Any]:
    """The kinds of plans."""
    return {row["plan_kind"]: row for row in city.rows("planning.plan_kind", order=["precedence", "plan_kind"])}


def said(city: Any, measure: str) -> list[Any]:
    """What reports say of a measure."""
    return city.rows("indicators.statement", where={"measure_en": measure}, order=["claim_id"])


def targets(city: Any, today: date, plan: str = "") -> list[dict[str, Any]]:
    """The targets with their progress, what is late first."""
    where = {"plan": plan} if plan else {}
    told = {(row["plan"], row["plan_target"]): row for row in city.rows("planning.plan_target", where=where)}
    found = []
    for row in city.rows("planning.target_progress", where=where):
        about = told.get((row["plan"], row["plan_target"]))
        if about is not None:
            state = _state(row, today)
            found.append({"row": row, "about": about, "state": words.LATE[state], "key": state})
    order = ["late", "silent", "unseen", "running", "met"]
    return sorted(found, key=lambda each: (order.index(each["key"]), each["row"]["due_on"], each["row"]["plan_target"]))


def _state(row: Any, today: date) -> str:
    if row["target_met"]:
        return "met"
    if row["due_on"] < today:
        return "late"
    if row["observed_on"] is None:
        return "unseen"
    return "silent" if row["next_due_on"] and row["next_due_on"] < today else "running"


def comparisons(city: Any, plan: str = "") -> list[dict[str, Any]]:
    """The comparisons of plans, the largest conflicts first; of one plan those on either side."""
    known, rules = plans(city), lines(city)
    rows = city.rows("planning.comparison")
    kept = [row for row in rows if not plan or plan in (row["plan"], row["against"])]
    return [
        {"row": row, "plan": known.get(row["plan"]), "other": other(row, known, rules)}
        for row in sorted(kept, key=lambda row: (-row["conflict_area"], row["plan"], row["against"]))
    ]


def conflicts(city: Any, chosen: dict[str, str], limit: int = LISTED) -> tuple[list[dict[str, Any]], int]:
    """The conflicts that are asked for, the largest first, and how many there are."""
    where = {name: chosen[name] for name in ("plan", "against", "piece_kind", "zone") if chosen.get(name)}
    columns = [
        *(
            "conflict",
            "plan",
            "against",
            "feature",
            "feature_class",
            "land_use",
            "other_feature",
            "other_class",
            "other_land_use",
        ),
        *("piece_kind", "conflict_area", "sliver_area", "mean_width", "prevails", "zone", "stand_in"),
    ]
    states = {row["conflict"]: row for row in city.rows("planning.conflict_state")}
    known, rules, named = plans(city), lines(city), uses(city)
    rows = city.rows("planning.conflict", columns, where=where)
    if chosen.get("state"):
        rows = [row for row in rows if (state := states.get(row["conflict"])) and state["conflict_state"] == chosen["state"]]
    rows = sorted(rows, key=lambda row: (-row["conflict_area"], -row["sliver_area"], row["conflict"]))
    return [entry(row, known, rules, named, states) for row in rows[:limit]], len(rows)


def entry(
    row: Any, known: dict[str, Any], rules: dict[str, Any], named: dict[str, Any], states: dict[str, Any]
) -> dict[str, Any]:
    """A conflict in words."""
    state = states.get(row["conflict"])
    first = words.word(words.PREVAILS, row["prevails"])
    if row["prevails"] == "other":
        first = other(row, known, rules)
    elif row["prevails"] == "this" and row["plan"] in known:
        first = (known[row["plan"]]["name_zh"], known[row["plan"]]["name_en"])
    return {
        "row": row,
        "plan": known.get(row["plan"]),
        "other": other(row, known, rules),
        "use": named.get(row["land_use"] or ""),
        "other_use": named.get(row["other_land_use"] or ""),
        "piece": words.word(words.PIECES, row["piece_kind"]),
        "first": first,
        "standing": state,
        "state": words.word(words.STATES, state["conflict_state"] if state else "open"),
    }


def days(city: Any) -> list[Any]:
    """The days of the accounts, oldest first."""
    return city.rows("planning.account_day", order=["day"])


def day_of(found: list[Any], asked_for: str, today: date) -> Any:
    """The day that is asked for; else the last that is not in the future."""
    chosen = next((row for row in found if row["day"].isoformat() == asked_for), None)
    past = [row for row in found if row["day"] <= today]
    return chosen or (past[-1] if past else found[0] if found else None)


def by_zone(city: Any, table: str, day: date) -> list[Any]:
    """The rows of an account on a day, the district first."""
    rows = city.rows(table, where={"day": day})
    return sorted(rows, key=lambda row: (row["zone"] != ROOT_ZONE, row["zone"]))


def land_rows(city: Any, day: date) -> tuple[list[str], list[dict[str, Any]]]:
    """The zones of an account of land, the district first, and a row of its cells for each land use."""
    rows = by_zone(city, "planning.land_use_account", day)
    zones = list(dict.fromkeys(row["zone"] for row in rows))
    named = uses(city)
    cells = {(row["land_use"], row["zone"]): row for row in rows}
    codes = sorted({row["land_use"] for row in rows})
    return zones, [
        {"use": named.get(code), "code": code, "cells": [cells.get((code, zone)) for zone in zones]} for code in codes
    ]


def over_time(city: Any, table: str, column: str, title: tuple[str, str], unit: str) -> dict[str, Any] | None:
    """A figure of an account by zone over the days."""
    rows = city.rows(table, order=["day"])
    if not rows:
        return None
    told, zones = sorted({row["day"] for row in rows}), sorted({row["zone"] for row in rows}, key=lambda z: (z != ROOT_ZONE, z))
    names = {row["zone"]: (row["name_zh"], row["name_en"]) for row in city.rows("district.zone")}
    cells = {(row["day"], row["zone"]): row for row in rows}
    series = [
        {
            "name": names.get(zone, (zone, zone)),
            "figures": [cells[day, zone].figure(column) if (day, zone) in cells else None for day in told],
        }
        for zone in zones
    ]
    return {
        "id": column,
        "kind": "bar",
        "unit": unit,
        "title": title,
        "axis": ("日期", "Day"),
        "labels": [day.isoformat() for day in told],
        "series": series,
    }
