"""The boards of a zone's year: its balance, its load, its sub-items and what it cost."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.energy.pages import asked
from scicity.domains.energy.pages.chosen import BANDS, NODES, Chosen, chosen, item_names, names_of, tenant_names

BREAKDOWNS = {"sub_item": ("按分项", "by sub-item"), "enterprise": ("按企业", "by enterprise")}
HIGHEST = 10  # days of the highest peaks


def balance(request: HttpRequest) -> HttpResponse:
    """Where a zone's energy came from in a year and where it went, as a chart of flows and as its links."""
    city, told = request.city, chosen(request)
    if told is None:
        return render(request, "energy/balance.html", {})
    wanted = request.GET.get("breakdown", "")
    usual = "sub_item" if city.rows("energy.sub_item_use", limit=1) else "enterprise"
    breakdown = wanted if wanted in BREAKDOWNS else usual
    only = request.GET.get("carrier", "")
    rows = _balance(city, told, breakdown, {"carrier": only} if only in asked.CARRIERS else {})
    names = _Nodes(city)
    links = [
        {"source": names.of(row["node_from"], row["carrier"]), "target": names.of(row["node_to"], row["carrier"]), "row": row}
        for row in rows
    ]
    context = {
        "told": told,
        "breakdown": breakdown,
        "breakdowns": list(BREAKDOWNS.items()),
        "carrier": only if only in asked.CARRIERS else "",
        "links": links,
        "flows": {
            "id": "flows",
            "kind": "sankey",
            "unit": "kWh",
            "measure": ("能量", "Energy"),
            "title": ("能量流向", "Where the energy comes from and goes to"),
            "note": ("每个节点流入等于流出", "each node has as much in as out"),
            "links": [{**link, "figure": link["row"].figure("energy")} for link in links],
        },
        "gaps": city.rows("energy.gap_account", order=["-day", "meter"], limit=31),
    }
    return render(request, "energy/balance.html", context)


def _balance(city: Any, told: Chosen, breakdown: str, more: dict[str, Any]) -> list[Any]:
    """The links of a zone: by enterprise, or by sub-item through its buildings; the whole through its zones."""
    where = {"year": told.year, **more}
    zone = told.zone["zone"]
    if breakdown == "sub_item" and zone != asked.WHOLE:
        buildings = [row["building"] for row in city.rows("buildings.building", where={"zone": zone})]
        if rows := city.rows("energy.building_balance_yearly", where={**where, "building": buildings}):
            return rows
    table = "balance" if breakdown == "sub_item" else "enterprise_balance"
    return city.rows(f"energy.{table}_yearly", where={**where, "zone": zone})


class _Nodes:
    """The names of the nodes of a balance; what comes in or goes out is told by its carrier."""

    def __init__(self, city: Any) -> None:
        self.names = {
            "zone": names_of(city, "district.zone"),
            "building": names_of(city, "buildings.building"),
            "sub_item": item_names(city),
            "enterprise": tenant_names(city),
        }

    def of(self, node: str, carrier: str) -> tuple[str, str]:
        """The name of a node in Chinese and English."""
        kind, _, key = node.partition(":")
        if key:
            return self.names.get(kind, {}).get(key, (key, key))
        zh, en = NODES.get(node, (node, node))
        carrier_zh, carrier_en = asked.carrier_name(carrier)
        return (f"{zh}{carrier_zh}", f"{carrier_en} {en}") if node in ("bought", "generated", "exported") else (zh, en)


def load(request: HttpRequest) -> HttpResponse:
    """The load of a zone in a year: its peaks by day, its duration curve, its highest days, and how far peaks coincide."""
    city, told = request.city, chosen(request)
    if told is None:
        return render(request, "energy/load.html", {})
    key = {"zone": told.zone["zone"], "carrier": told.carrier}
    days = [row for row in city.rows("energy.zone_load_daily", where=key) if row["day"].year == told.year]
    highest = sorted((row for row in days if row["peak_power"] is not None), key=lambda row: (-row["peak_power"], row["day"]))
    zh, en = told.name
    months = [date(told.year, month, 1) for month in asked.MONTHS]
    context = {
        "told": told,
        "highest": highest[:HIGHEST],
        "coincidence": city.rows("energy.coincidence_monthly", where={**key, "month": months}, order=["month"]),
        "calendar": {
            "id": "peaks",
            "kind": "calendar",
            "unit": "kW",
            "title": (f"{zh}：{told.year} 年逐日最大负荷", f"{en}: peak load by day, {told.year}"),
            "figures": {row["day"]: row.figure("peak_power") for row in days},
        },
        "duration": {**_duration(city, key, told.year), "title": (f"{zh}：负荷持续曲线", f"{en}: load duration")},
        "profile": {
            **asked.profile(city, told.zone["zone"], told.carrier, told.year),
            "title": (f"{zh}：一日各时段用能", f"{en}: energy by hour of the day"),
            "note": ("各月同一时段之和", "the sum of each hour of the day over a month"),
        },
    }
    return render(request, "energy/load.html", context)


def _duration(city: Any, key: dict[str, Any], year: int) -> dict[str, Any]:
    """The chart of the loads of a year in falling order."""
    rows = city.rows("energy.load_duration", where={**key, "year": year}, order=["exceeded_share"])
    return {
        "id": "duration",
        "kind": "line",
        "unit": "kW",
        "axis": ("超过时间占比 %", "share of the hours, %"),
        "labels": [str(row["exceeded_share"]) for row in rows],
        "series": [{"name": ("负荷", "Load"), "figures": [row.figure("peak_power") for row in rows]}],
    }


def items(request: HttpRequest) -> HttpResponse:
    """What a zone's energy of a year was used for, by month and by building."""
    city, told = request.city, chosen(request)
    if told is None:
        return render(request, "energy/items.html", {})
    months = [date(told.year, month, 1) for month in asked.MONTHS]
    where = {"zone": told.zone["zone"], "carrier": told.carrier, "month": months}
    rows = {(row["sub_item"], row["month"]): row for row in city.rows("energy.zone_sub_item_monthly", where=where)}
    names = item_names(city)
    codes = [code for code in names if any(code == each for each, _ in rows)]
    zh, en = told.name
    yearly = city.rows("energy.sub_item_yearly", where={"carrier": told.carrier, "year": told.year})
    by_building = {(row["building"], row["sub_item"]): row for row in yearly}
    context = {
        "told": told,
        "codes": [(code, names[code]) for code in codes],
        "assigned": any(code not in ("unassigned", "unattributed") for code in codes),
        "months": {
            "id": "months",
            "kind": "bar",
            "unit": "kWh",
            "axis": ("月", "Month"),
            "title": (f"{zh}：{told.year} 年分项用能", f"{en} by sub-item, {told.year}"),
            "labels": [f"{month:%Y-%m}" for month in months],
            "series": [
                {"name": names[code], "figures": [asked.figure(rows.get((code, month)), "energy") for month in months]}
                for code in codes
            ],
        },
        "buildings": [
            {"row": row, "cells": [by_building.get((row["building"], code)) for code in codes]}
            for row in _buildings(city, told)
            if any((row["building"], code) in by_building for code in codes)
        ],
        "unverified": [row for row in city.rows("energy.sub_item") if row["review"] != "verified"],
    }
    return render(request, "energy/items.html", context)


def _buildings(city: Any, told: Chosen) -> list[Any]:
    zone = told.zone["zone"]
    return [row for row in city.rows("buildings.building") if zone in (asked.WHOLE, row["zone"])]


def cost(request: HttpRequest) -> HttpResponse:
    """What a zone's energy of a year cost, by band of the time of use and month, and by building."""
    city, told = request.city, chosen(request)
    if told is None:
        return render(request, "energy/cost.html", {})
    key = {"zone": told.zone["zone"], "carrier": told.carrier}
    months = [date(told.year, month, 1) for month in asked.MONTHS]
    rows = {(row["band"], row["month"]): row for row in city.rows("energy.zone_cost_monthly", where={**key, "month": months})}
    bands = [band for band in BANDS if any(band == each for each, _ in rows)]
    zh, en = told.name
    totals = city.rows("energy.cost_total_yearly", where={"carrier": told.carrier, "year": told.year})
    of_building = {row["building"]: row for row in totals}
    priced = [band for band in bands if band != "none"]
    context = {
        "told": told,
        "total": next(iter(city.rows("energy.zone_cost_yearly", where={**key, "year": told.year})), None),
        "bands": [(band, BANDS[band]) for band in bands],
        "months": [
            {"month": month, "cells": [(rows.get((band, month)), band) for band in bands]}
            for month in months
            if any((band, month) in rows for band in bands)
        ],
        "chart": {
            "id": "bands",
            "kind": "bar",
            "unit": "CNY",
            "axis": ("月", "Month"),
            "title": (f"{zh}：{told.year} 年逐月费用", f"{en}: cost by month, {told.year}"),
            "labels": [f"{month:%Y-%m}" for month in months],
            "series": [
                {"name": BANDS[band], "figures": [asked.figure(rows.get((band, month)), "cost") for month in months]}
                for band in priced
            ],
        },
        "buildings": [
            {"row": row, "total": of_building[row["building"]]}
            for row in _buildings(city, told)
            if row["building"] in of_building
        ],
        "tariffs": [row for row in city.rows("energy.tariff") if row["carrier"] == told.carrier],
        "words": BANDS,
    }
    return render(request, "energy/cost.html", context)
