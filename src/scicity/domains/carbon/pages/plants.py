"""What the pages of certificates, plants and changes ask. No Django here."""

from __future__ import annotations

from datetime import date
from typing import Any

from scicity.domains.carbon.methods.causes import Cause, causes_of
from scicity.domains.carbon.pages.words import (
    ACTIONS,
    METHODS,
    MISSING,
    PRODUCTS,
    REFUSALS,
    TECHNOLOGIES,
    claims,
    named,
    pair,
    whose,
)

WHOLE = "district"
MOST_ACTS = 200
MOST_CHANGED = 2_000  # rows of a closed period that are held against what is known now


def ledger(city: Any) -> list[dict[str, Any]]:
    """The newest acts on certificates, each with whether it counts."""
    names = whose(city)
    rows = city.rows("carbon.certificate_ledger", order=["-event_on", "-event"], limit=MOST_ACTS)
    return [
        {
            "row": row,
            "action": pair(ACTIONS, row["action"]),
            "who": pair(names, row["enterprise"]),
            "to": pair(names, row["recipient"]) if row["recipient"] else None,
            "refusal": pair(REFUSALS, row["refusal"]) if row["refusal"] else None,
            "technology": pair(TECHNOLOGIES, row["technology"]),
        }
        for row in rows
    ]


def green(city: Any, year: int) -> list[dict[str, Any]]:
    """The market-based accounts of a year by enterprise, most electricity first, and which factor each rests on."""
    names = whose(city)
    rows = city.rows("carbon.market_based_yearly", where={"year": year}, order=["-energy"])
    return [{"row": row, "name": pair(names, row["enterprise"]), **basis(city, row)} for row in rows]


def basis(city: Any, row: Any) -> dict[str, Any]:
    """On which factor a market-based account rests, in words."""
    kinds = named(city, "carbon.quantity", "quantity")
    return {
        "basis": pair(kinds, row["quantity"]) if row["quantity"] else None,
        "missing": pair(MISSING, row["missing"]) if row["missing"] else None,
        "residual": row["quantity"] == "grid_mean_without_traded",
    }


def shares(city: Any) -> dict[str, Any]:
    """The chart of the green share of each year: by the year and by the hour."""
    rows = city.rows("carbon.market_based_total", order=["year"])
    series = [
        {"name": name, "figures": [row.figure(column) for row in rows]}
        for column, name in (("green_share", ("按年", "By the year")), ("matched_share", ("按小时匹配", "Matched by the hour")))
    ]
    labels = [row["year"] for row in rows]
    return {"id": "shares", "kind": "bar", "unit": "%", "axis": ("年", "Year"), "labels": labels, "series": series}


def plants(city: Any, year: int, language: str) -> list[dict[str, Any]]:
    """The plants with their split of a year by every method, side by side, and what reports say of them."""
    rows = city.rows("carbon.cogeneration_yearly", where={"year": year})
    by_key = {(row["plant"], row["method"], row["product"]): row for row in rows}
    found = []
    for plant in city.rows("carbon.plant"):
        products = [name for name in PRODUCTS if any(key[0] == plant["plant"] and key[2] == name for key in by_key)]
        methods = [
            {
                "name": (zh, en),
                "meaning": (meaning_zh, meaning_en),
                "chosen": method == plant["allocation"],
                "cells": [by_key.get((plant["plant"], method, name)) for name in products],
            }
            for method, (zh, en, meaning_zh, meaning_en) in METHODS.items()
        ]
        chosen = [by_key.get((plant["plant"], plant["allocation"], name)) for name in products]
        found.append(
            {
                "plant": plant,
                "products": [{"name": pair(PRODUCTS, name), "row": row} for name, row in zip(products, chosen, strict=True)],
                "methods": methods,
                "one": next((row for row in chosen if row), None),
                "claims": claims(city, plant["source"]),
                "chart": _chart(plant, products, methods, language),
            }
        )
    return found


def _chart(plant: Any, products: list[str], methods: list[dict[str, Any]], language: str) -> dict[str, Any]:
    series = [
        {
            "name": pair(PRODUCTS, name),
            "figures": [m["cells"][number].figure("allocation_share") if m["cells"][number] else None for m in methods],
        }
        for number, name in enumerate(products)
    ]
    return {
        **{"id": f"split-{plant['plant']}", "kind": "bar", "unit": "%", "axis": ("方法", "Method")},
        **{"labels": [method["name"][language != "zh"] for method in methods], "series": series},
        "title": ("各方法的燃料分摊比例", "Share of the fuel by each method"),
    }


def changes(city: Any, zone: str, year: int) -> list[dict[str, Any]]:
    """The causes for which a zone's year differs from the year before, by carrier."""
    names = named(city, "carbon.carrier", "carrier")
    where = {"zone": zone, "year": year}
    rows = city.rows("carbon.change_cause", where=where, order=["emission_scope", "carrier"])
    return [{"row": row, "name": pair(names, row["carrier"])} for row in rows]


def since_closed(city: Any) -> list[dict[str, Any]]:
    """Closed periods whose emissions are known otherwise by now: by how much, and because of what."""
    found = []
    figures = city.figures
    table = "carbon.emission_monthly"
    for act in city.closings.closed().values():
        standing = [each for each in city.closings.standing(act).values() if each.table == table and each.column == "emission"]
        if not standing:
            continue
        keys = {_key(each.address) for each in standing[:MOST_CHANGED]}
        year, _, month = act.period.partition("-")
        days = [date(int(year), number, 1) for number in ([int(month)] if month else range(1, 13))]
        where = {"building": sorted({key[0] for key in keys}), "month": days}
        states = [
            [row for row in rows if (row["building"], row["carrier"], f"{row['month']}") in keys]
            for rows in (
                figures.rows(table, where=where),
                figures.rows(table, where=where, version=figures.lake.snapshot(table).version),
            )
        ]
        causes = causes_of(*states, key=("building", "carrier", "emission_scope", "month"))
        whole = sum(causes, Cause())
        factors = _factors(*states)
        found.append({"act": act, "cause": whole, "factors": factors, "rows": len(standing)})
    return found


def _key(address: str) -> tuple[str, str, str]:
    """Building, carrier and month of an address."""
    from urllib.parse import unquote

    pairs = dict(part.partition("=")[::2] for part in address.partition("@")[0].split("/")[1:])
    return unquote(pairs["building"]), unquote(pairs["carrier"]), pairs["month"]


def _factors(before: list[Any], after: list[Any]) -> list[dict[str, Any]]:
    """The factors that were exchanged, each once: carrier, the value as closed and the value now."""
    now = {(row["building"], row["carrier"], row["month"]): row for row in after}
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in before:
        other = now.get((row["building"], row["carrier"], row["month"]))
        if other and row["emission_factor"] != other["emission_factor"]:
            key = (row["carrier"], row["emission_factor"], other["emission_factor"])
            found.setdefault(key, {"carrier": row["carrier"], "before": row, "after": other})
    return list(found.values())
