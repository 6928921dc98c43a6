"""Sums of plans: a day and a year of each station by course, what the plan saves, and what was said of a station beside it."""

from __future__ import annotations

from typing import Any

import ibis

from scicity.domains.optimisation.methods.described import PUMPS, STORES
from scicity.domains.optimisation.methods.outcome import SURPLUS, UNMET
from scicity.kernel.tables import Read, derived

DECIMAL = "decimal(18, 6)"
BOUGHT = ("grid", "gas_supply", "heat_supply")
FREE = ("pv", "wind")

_KINDS = Read(
    "optimisation.station_unit",
    columns=("energy_station", "station_unit", "unit_kind"),
    trace={"energy_station": "energy_station"},
)
_SUMS = [
    *("cost", "emission", "bought_energy", "renewable_energy", "heat_made", "pump_heat", "ambient_heat", "unmet_energy"),
    *("surplus_energy", "cooling_power", "grid_peak", "renewable_share", "heat_pump_share", "ambient_heat_share"),
    *("origin", "stand_in"),
]


def _sums(rows: Any, keys: list[str]) -> Any:
    """Sums over the units of a course, from rows with energy_given, energy_taken [kWh], unit_peak [kW], cost and emission."""
    nothing = ibis.literal(0).cast(DECIMAL)

    def of(column: Any, where: Any) -> Any:
        return ibis.coalesce(column.sum(where=where), nothing)

    kind, heat = rows.unit_kind, rows.carrier == "heat"
    pump = kind.isin(PUMPS)
    made = heat & kind.notnull() & ~kind.isin(tuple(STORES))
    sums = rows.group_by(keys).agg(
        cost=rows.cost.sum(),
        emission=ibis.ifelse(rows.emission.isnull().any(), ibis.null(DECIMAL), rows.emission.sum()),
        bought_energy=of(rows.energy_given, kind.isin(BOUGHT)),
        free_energy=of(rows.energy_given, kind.isin(FREE)),
        heat_made=of(rows.energy_given, made),
        pump_heat=of(rows.energy_given, pump & heat),
        pump_power=of(rows.energy_taken, pump & (rows.carrier == "electricity")),
        cooling_power=of(rows.energy_taken, (kind == "chiller") & (rows.carrier == "electricity")),
        unmet_energy=of(rows.energy_given, rows.station_unit.startswith(UNMET)),
        surplus_energy=of(rows.energy_taken, rows.station_unit.startswith(SURPLUS)),
        grid_peak=_peak(rows),
        stand_in=rows.stand_in.max(),
    )
    sums = sums.mutate(ambient_heat=sums.pump_heat - sums.pump_power)
    sums = sums.mutate(renewable_energy=sums.free_energy + sums.ambient_heat)
    used = (sums.renewable_energy + sums.bought_energy).cast("float64").nullif(0.0)
    heat_made = sums.heat_made.cast("float64").nullif(0.0)
    return sums.mutate(
        renewable_share=100.0 * sums.renewable_energy.cast("float64") / used,
        heat_pump_share=100.0 * sums.pump_heat.cast("float64") / heat_made,
        ambient_heat_share=100.0 * sums.ambient_heat.cast("float64") / heat_made,
        origin=ibis.literal("modelled"),
    )


def _peak(rows: Any) -> Any:
    return ibis.coalesce(rows.unit_peak.max(where=rows.unit_kind == "grid"), ibis.literal(0).cast(DECIMAL))


@derived(
    reads={"steps": "optimisation.plan", "units": _KINDS},
    columns=["energy_station", "day", "course", *_SUMS],
    grain=["energy_station", "day", "course"],
    period="month",
    time="day",
    title_zh="逐日计划合计",
    title_en="Plans by day",
)
def plan_daily(steps: Any, units: Any) -> Any:
    """A station's day by plan and by rule: money, carbon dioxide, what it buys, and how much of its energy is renewable.

    `ambient_heat` is the heat of pumps less their electricity; `renewable_share` that and PV and wind, of all energy that is
    taken up or bought.
    """
    power = steps.unit_power
    zero = ibis.literal(0).cast(DECIMAL)
    quarter = ibis.literal("0.25").cast("decimal(3, 2)")
    rows = steps.mutate(given=ibis.greatest(power, zero), taken=ibis.greatest(-power, zero))
    of_unit = rows.group_by("energy_station", "day", "course", "station_unit", "carrier").agg(
        energy_given=(rows.given.sum() * quarter).cast(DECIMAL),
        energy_taken=(rows.taken.sum() * quarter).cast(DECIMAL),
        unit_peak=rows.given.max(),
        cost=rows.cost.sum(),
        emission=ibis.ifelse(rows.emission.isnull().any(), ibis.null(DECIMAL), rows.emission.sum()),
        stand_in=rows.stand_in.max(),
    )
    joined = of_unit.left_join(units, ["energy_station", "station_unit"])
    return _sums(joined, ["energy_station", "day", "course"])


def _saved(rows: Any, period: str) -> Any:
    """What the plan saves against the rule, from sums by course."""
    kept = ("cost", "emission", "grid_peak", "unmet_energy")
    best = rows.filter(rows.course == "plan").select("energy_station", period, "stand_in", *kept)
    other = rows.filter(rows.course == "rule").select("energy_station", period, **{f"rule_{name}": rows[name] for name in kept})
    both = best.inner_join(other, ["energy_station", period])
    alike = (both.unmet_energy == 0) & (both.rule_unmet_energy == 0)
    unknown = ibis.null(DECIMAL)
    return both.select(
        "energy_station",
        period,
        "cost",
        "emission",
        cost_saving=ibis.ifelse(alike, both.rule_cost - both.cost, unknown),
        emission_saving=ibis.ifelse(alike, both.rule_emission - both.emission, unknown),
        peak_saving=both.rule_grid_peak - both.grid_peak,
        origin=ibis.literal("modelled"),
        stand_in=both.stand_in,
    )


_SAVED = ["cost", "emission", "cost_saving", "emission_saving", "peak_saving", "origin", "stand_in"]


@derived(
    reads={"daily": "optimisation.plan_daily"},
    columns=["energy_station", "day", *_SAVED],
    grain=["energy_station", "day"],
    period="month",
    time="day",
    title_zh="逐日节省",
    title_en="Saved by day",
)
def plan_saving(daily: Any) -> Any:
    """What the plan would have saved on a day against the rule that ran; unknown where one of them does not meet all
    demands."""
    return _saved(daily, "day")


@derived(
    reads={"saved": "optimisation.plan_saving"},
    columns=["energy_station", "month", "days", *(name for name in _SAVED if name != "peak_saving")],
    grain=["energy_station", "month"],
    period="month",
    time="month",
    title_zh="逐月节省",
    title_en="Saved by month",
)
def plan_saving_monthly(saved: Any) -> Any:
    """What the plans of a month's days would have saved; of so many days that were planned."""
    rows = saved.mutate(month=saved.day.truncate("M"))
    return rows.group_by("energy_station", "month").agg(
        days=rows.day.nunique(),
        cost=rows.cost.sum(),
        emission=rows.emission.sum(),
        cost_saving=rows.cost_saving.sum(),
        emission_saving=rows.emission_saving.sum(),
        origin=ibis.literal("modelled"),
        stand_in=rows.stand_in.max(),
    )


@derived(
    reads={"units_of": "optimisation.design", "units": _KINDS},
    columns=["energy_station", "year", "course", *_SUMS],
    grain=["energy_station", "year", "course"],
    period="year",
    time="year",
    title_zh="全年设计合计",
    title_en="The design year in sums",
)
def design_yearly(units_of: Any, units: Any) -> Any:
    """A station's year by plan and by rule: money, carbon dioxide, what it buys, and how much of its energy is renewable."""
    joined = units_of.left_join(units, ["energy_station", "station_unit"])
    return _sums(joined, ["energy_station", "year", "course"])


@derived(
    reads={"yearly": "optimisation.design_yearly"},
    columns=["energy_station", "year", *_SAVED],
    grain=["energy_station", "year"],
    period="year",
    time="year",
    title_zh="全年节省",
    title_en="Saved in the design year",
)
def design_saving(yearly: Any) -> Any:
    """What the plan of a whole year, which sees all of it at once, saves against the rule: at most so much is to be had."""
    return _saved(yearly, "year")


# What a statement's unit (UCUM) is multiplied by to be in the canonical unit of what it is compared with.
_UNITS = {"%": 1.0, "m2": 1.0, "t/a": 1000.0, "W": 0.001, "kW.h/a": 1.0, "kW": 1.0}
_OF_YEAR = {
    "renewable_share": "renewable_share",
    "heat_pump_share": "heat_pump_share",
    "ambient_heat_share": "ambient_heat_share",
}


@derived(
    reads={
        "claims": Read("optimisation.station_claim", trace={"energy_station": "energy_station", "claim_id": "claim_id"}),
        "statements": Read(
            "indicators.statement",
            columns=("claim_id", "value", "unit", "comparator", "status"),
            trace={"claim_id": "claim_id"},
        ),
        "yearly": "optimisation.design_yearly",
        "units_of": Read("optimisation.design", trace={"energy_station": "energy_station", "year": "year"}),
        "units": Read(
            "optimisation.station_unit",
            columns=("energy_station", "station_unit", "capacity"),
            trace={"energy_station": "energy_station"},
        ),
        "stations": Read("optimisation.energy_station", columns=("energy_station", "service_area")),
        "factors": Read(
            "carbon.factor_in_use",
            columns=("purpose", "carrier", "first_day", "last_day", "factor_value"),
            during=("first_day", "last_day"),
            trace={},
        ),
    },
    columns=[
        *("energy_station", "claim_measure", "claim_id", "year", "stated_value", "modelled_value", "rule_value"),
        *("reference_emission", "heat_made", "needed_factor", "origin", "stand_in"),
    ],
    grain=["energy_station", "claim_measure", "claim_id", "year"],
    period="year",
    time="year",
    title_zh="陈述与模型",
    title_en="Statements beside the model",
)
def claim_check(claims: Any, statements: Any, yearly: Any, units_of: Any, units: Any, stations: Any, factors: Any) -> Any:
    """What a report says of a station beside what a modelled year of it shows.

    A saving of emissions is reckoned against gas boilers that make the same heat, with the same cooling; `needed_factor`
    [kg/kWh of heat] is what a reference would have to emit for the statement to come true. Capacities and areas are what the
    registers hold.
    """
    best = yearly.filter(yearly.course == "plan")
    other = yearly.filter(yearly.course == "rule").select(
        "energy_station",
        "year",
        **{f"rule_{name}": yearly[name] for name in (*_OF_YEAR, "emission", "heat_made", "cooling_power")},
    )
    rows = claims.inner_join(statements, "claim_id").inner_join(best, "energy_station")
    rows = rows.inner_join(other, ["energy_station", "year"])
    rows = rows.left_join(stations.rename(of="energy_station"), rows.energy_station == stations.energy_station)
    capacities = units.rename(of_station="energy_station", of_unit="station_unit")
    rows = rows.left_join(capacities, [rows.energy_station == capacities.of_station, rows.station_unit == capacities.of_unit])
    made = units_of.group_by("energy_station", "year", "course", "station_unit").agg(unit_energy=units_of.energy_given.sum())
    for name, course in (("plan_energy", "plan"), ("rule_energy", "rule")):
        one = made.filter(made.course == course).select(
            **{f"{name}_station": made.energy_station, f"{name}_year": made.year, f"{name}_unit": made.station_unit},
            **{name: made.unit_energy.cast("float64")},
        )
        rows = rows.left_join(
            one,
            [
                rows.energy_station == one[f"{name}_station"],
                rows.year == one[f"{name}_year"],
                rows.station_unit == one[f"{name}_unit"],
            ],
        )
    rows = rows.mutate(year_begins=ibis.date(rows.year.cast("int32"), 1, 1))
    for carrier in ("natural_gas", "electricity"):
        holds = factors.filter((factors.purpose == "location_based") & (factors.carrier == carrier))
        holds = holds.select(
            **{f"{carrier}_first": holds.first_day, f"{carrier}_last": holds.last_day},
            **{f"{carrier}_factor": holds.factor_value.cast("float64")},
        )
        until = holds[f"{carrier}_last"]
        in_year = [holds[f"{carrier}_first"] <= rows.year_begins, until.isnull() | (until >= rows.year_begins)]
        rows = rows.left_join(holds, in_year)
    heat, rule_heat = rows.heat_made.cast("float64"), rows.rule_heat_made.cast("float64")
    cooling, rule_cooling = (
        power.cast("float64") * rows.electricity_factor for power in (rows.cooling_power, rows.rule_cooling_power)
    )
    boiler = rows.natural_gas_factor / rows.reference_efficiency
    reference, rule_reference = heat * boiler + cooling, rule_heat * boiler + rule_cooling
    scale = ibis.cases(*((rows.unit == unit, factor) for unit, factor in _UNITS.items()), else_=ibis.null("float64"))
    stated = rows.value * scale
    measure = rows.claim_measure
    saving = measure == "emission_saving"
    modelled = ibis.cases(
        *((measure == name, rows[column]) for name, column in _OF_YEAR.items()),
        (saving, reference - rows.emission.cast("float64")),
        (measure == "service_area", rows.service_area),
        (measure == "capacity", rows.capacity),
        (measure == "yearly_energy", rows.plan_energy),
        else_=ibis.null("float64"),
    )
    ruled = ibis.cases(
        *((measure == name, rows[f"rule_{column}"]) for name, column in _OF_YEAR.items()),
        (saving, rule_reference - rows.rule_emission.cast("float64")),
        (measure == "service_area", rows.service_area),
        (measure == "capacity", rows.capacity),
        (measure == "yearly_energy", rows.rule_energy),
        else_=ibis.null("float64"),
    )
    needed = (stated + rows.emission.cast("float64") - cooling) / heat.nullif(0.0)
    return rows.select(
        "energy_station",
        "claim_measure",
        "claim_id",
        "year",
        stated_value=stated,
        modelled_value=modelled,
        rule_value=ruled,
        reference_emission=ibis.ifelse(saving, reference, ibis.null("float64")).cast(DECIMAL),
        heat_made=rows.heat_made,
        needed_factor=ibis.ifelse(saving, needed, ibis.null("float64")),
        origin=ibis.literal("modelled"),
        stand_in=rows.stand_in,
    )
