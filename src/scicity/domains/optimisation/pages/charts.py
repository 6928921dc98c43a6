"""The charts of a station's day: who gives what, the stores, prices, plan beside rule, and the front of cost and carbon."""

from __future__ import annotations

from datetime import date
from typing import Any

from scicity.domains.optimisation.pages.asked import CARRIERS, COURSES, pair

SHOWN = ("electricity", "heat", "cold", "hydrogen")  # carriers that are drawn; gas only feeds others
HOURLY = 4  # steps of an hour: stores, prices and grid are drawn at each hour's first quarter
OWN_WORDS = {
    "heat-rejected": ("散热", "Heat rejected"),
    "unmet": ("未满足", "Not met"),
    "surplus": ("过剩", "Too much"),
}


def day(city: Any, station: str, day: date, course: str) -> dict[str, Any]:
    """What the page of a day draws: `dispatch` (a chart for each carrier), `stores`, `prices`, `grid` (plan beside rule)."""
    columns = ["unit_power", "stored_energy", "marginal_price", "origin", "stand_in", "day"]
    where = {"energy_station": station, "day": day}
    rows = city.rows("optimisation.plan", columns, where, ["course", "station_unit", "carrier", "step"])
    names = _names(city, station)
    kinds = {
        row["station_unit"]: row["unit_kind"]
        for row in city.rows("optimisation.station_unit", ["unit_kind"], {"energy_station": station})
    }
    demands = {row["demand"] for row in city.rows("optimisation.station_demand", ["demand"], {"energy_station": station})}
    steps = list(dict.fromkeys(row["step"] for row in rows))
    tz = city.district.calendar.tz
    labels = [f"{step.astimezone(tz):%H:%M}" for step in steps]
    series: dict[tuple[str, str, str], list[Any]] = {}
    for row in rows:
        series.setdefault((row["course"], row["station_unit"], row["carrier"]), []).append(row)
    axis = ("时刻", "Time")
    dispatch = []
    for carrier in SHOWN:
        found = []
        for (of_course, unit, of_carrier), own in series.items():
            if of_course != course or of_carrier != carrier or unit in demands or not any(row["unit_power"] for row in own):
                continue
            found.append(
                {"name": names(unit), "figures": [row.figure("unit_power") for row in own], "stack": "all", "kind": "bar"}
            )
        for (of_course, unit, of_carrier), own in series.items():
            if of_course == course and of_carrier == carrier and unit in demands and any(row["unit_power"] for row in own):
                found.append(
                    {"name": names(unit), "figures": [row.figure("unit_power") for row in own], "stack": "all", "kind": "bar"}
                )
        if found:
            zh, en = pair(CARRIERS, carrier)
            dispatch.append(
                {
                    "id": f"dispatch-{carrier}",
                    "kind": "bar",
                    "title": (f"{zh}：谁供谁用", f"{en}: who gives and who takes"),
                    "note": (
                        "供为正，取为负；每一刻相加为零",
                        "given is positive, taken negative; each step adds up to nothing",
                    ),
                    "unit": "kW",
                    "axis": axis,
                    "labels": labels,
                    "series": found,
                }
            )
    stores = [
        {"name": (f"{names(unit)[0]} · {COURSES[of][0]}", f"{names(unit)[1]} · {COURSES[of][1]}"), "figures": levels}
        for (of, unit, _), own in series.items()
        if any(row["stored_energy"] is not None for row in own)
        for levels in [[row.figure("stored_energy") for row in own[::HOURLY]]]
    ]
    grid = [
        {"name": (f"{names(unit)[0]} · {COURSES[of][0]}", f"{names(unit)[1]} · {COURSES[of][1]}"), "figures": powers}
        for (of, unit, carrier), own in series.items()
        if kinds.get(unit) == "grid" and carrier == "electricity"
        for powers in [[row.figure("unit_power") for row in own[::HOURLY]]]
    ]
    prices, seen = [], set()
    for (of, _, carrier), own in series.items():
        if of == "plan" and carrier not in seen and any(row["marginal_price"] is not None for row in own):
            seen.add(carrier)
            prices.append(
                {
                    "name": pair(CARRIERS, carrier),
                    "figures": [row.figure("marginal_price") for row in own[::HOURLY]],
                    "kind": "limit",
                }
            )
    base = {"kind": "line", "axis": axis, "labels": labels[::HOURLY]}
    return {
        "dispatch": dispatch,
        "stores": {**base, "id": "stores", "unit": "kWh", "title": ("储能量", "Energy stored"), "series": stores}
        if stores
        else None,
        "grid": {
            **base,
            "id": "grid",
            "unit": "kW",
            "title": ("购电：计划与规则", "Power from the grid: plan and rule"),
            "series": grid,
        }
        if grid
        else None,
        "prices": {
            **base,
            "id": "prices",
            "unit": "CNY/kWh",
            "title": ("边际价格", "Marginal prices"),
            "note": ("该时刻多用 1 kWh 所增加的费用", "what one more kWh would cost in that step"),
            "series": prices,
        }
        if prices
        else None,
    }


def _names(city: Any, station: str) -> Any:
    rows = city.rows("optimisation.station_unit", ["name_zh", "name_en"], {"energy_station": station})
    known = {row["station_unit"]: (row["name_zh"], row["name_en"]) for row in rows}
    rows = city.rows("optimisation.station_demand", ["name_zh", "name_en"], {"energy_station": station})
    known |= {row["demand"]: (row["name_zh"], row["name_en"]) for row in rows}

    def name(unit: str) -> tuple[str, str]:
        return known.get(unit) or OWN_WORDS.get(unit) or OWN_WORDS.get(unit.partition("-")[0]) or (unit, unit)

    return name


def front(city: Any, station: str, day: date) -> dict[str, Any] | None:
    """The chart of cost and carbon of a day, from the cheapest plan to the cleanest."""
    rows = city.rows("optimisation.front", where={"energy_station": station, "day": day}, order=["front_point"])
    if not rows:
        return None
    return {
        "id": "front",
        "kind": "line",
        "title": ("费用与碳的前沿", "Front of cost and carbon"),
        "note": ("从左到右：1 kg 碳所值渐增", "from left to right a kilogram of carbon is taken to be worth more"),
        "unit": "kg · CNY",
        "axis": ("碳权重（元/kg）", "Weight of carbon (CNY/kg)"),
        "labels": [f"{row['carbon_weight']:g}" for row in rows],
        "series": [
            {"name": ("碳排放（kg）", "Emissions (kg)"), "figures": [row.figure("emission") for row in rows]},
            {"name": ("费用（元）", "Cost (CNY)"), "figures": [row.figure("cost") for row in rows]},
        ],
    }


def savings(city: Any, stations: list[Any]) -> dict[str, Any] | None:
    """The chart of what plans would have saved day by day."""
    rows = city.rows("optimisation.plan_saving", ["cost_saving", "origin", "stand_in"], order=["day", "energy_station"])
    days = sorted({row["day"] for row in rows})
    if not days:
        return None
    by_key = {(row["energy_station"], row["day"]): row for row in rows}
    series = [
        {
            "name": (station["name_zh"], station["name_en"]),
            "figures": [_figure(by_key.get((station["energy_station"], day)), "cost_saving") for day in days],
        }
        for station in stations
        if any((station["energy_station"], day) in by_key for day in days)
    ]
    return {
        "id": "savings",
        "kind": "line",
        "title": ("计划可节省的费用", "What plans would have saved"),
        "unit": "CNY",
        "axis": ("日", "Day"),
        "labels": [str(day) for day in days],
        "series": series,
    }


def _figure(row: Any, column: str) -> Any:
    return row.figure(column) if row else None
