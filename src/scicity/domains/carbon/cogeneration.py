"""Plants of combined cooling, heating and power: what they made, and their fuel split between it by each method in use."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.carbon.fuels import MILLION, by_month
from scicity.domains.carbon.methods import allocation, exact, spreading
from scicity.domains.carbon.sources import PERIOD, REVIEW
from scicity.kernel.computing import Slot
from scicity.kernel.district import ORIGINS
from scicity.kernel.files import read_csv
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Read, derived, source

OUTSIDE = "outside"
DESTINATIONS = ("inside", OUTSIDE, "own_use")
ENERGY = "kWh"
_STATE = ("heat_temperature", "heat_return_temperature", "cold_temperature", "ambient_temperature")
_REFERENCES = ("reference_power_efficiency", "reference_heat_efficiency", "reference_cold_efficiency")
_SHARES = ("power_share", "heat_share", "cold_share")


def _check_plants(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        made = (row["products"] or "").split()
        if unknown := [name for name in made if name not in allocation.PRODUCTS]:
            expected = "some of " + ", ".join(allocation.PRODUCTS)
            problems.add("choice", *where, "products", found=" ".join(unknown), expected=expected)
        shares = [row[name] for name in _SHARES if row[name] is not None]
        if shares and abs(sum(shares) - 1) > 1e-9:
            problems.add("range", *where, ", ".join(_SHARES), found=f"{sum(shares):.9g}", expected="shares that sum to 1")


PLANT = source(
    "carbon.plant",
    path="registers/cogeneration.csv",
    columns=[
        *("plant", "name_zh", "name_en", "zone", "enterprise", "products", "allocation", *_STATE, *_REFERENCES, *_SHARES),
        *("document", "review", "origin", "source"),
    ],
    optional=("enterprise", *_STATE, *_REFERENCES, *_SHARES),
    grain=["plant"],
    references={"zone": "district.zone.zone", "enterprise": "buildings.enterprise.enterprise"},
    choices={"allocation": tuple(allocation.METHODS), "review": REVIEW},
    ranges={
        **{"heat_temperature": (20, 600), "heat_return_temperature": (0, 300), "cold_temperature": (-40, 20)},
        **{"ambient_temperature": (-30, 40), **dict.fromkeys(_REFERENCES[:2], (0.05, 1.1)), _REFERENCES[2]: (0.1, 10)},
        **dict.fromkeys(_SHARES, (0, 1)),
    },
    check=_check_plants,
    title_zh="冷热电联供站",
    title_en="Plants of combined cooling, heating and power",
    doc="A plant with what its allocation needs: temperatures, efficiencies of separate production, shares that were agreed, "
    "and the method that the district uses, with the document of each.",
)


def _parse_output(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
    rows = read_csv(file, place, OUTPUT, problems)
    for row in rows:
        where = (place, row["source_row"])
        if row.get("output_energy"):
            expected = "nothing: it is computed"
            problems.add("column-unknown", *where, "output_energy", found=row["output_energy"], expected=expected)
        row["output_energy"] = None
        if not row.get("printed") or not row.get("unit"):
            continue
        try:
            number, slope = exact.printed_number(row["printed"]), exact.scale(row["unit"], ENERGY)
        except ValueError as error:
            field = "printed" if "plain decimal" in str(error) else "unit"
            expected = "a plain decimal number" if field == "printed" else "a unit of energy such as kWh, MWh or GJ"
            problems.add("value" if field == "printed" else "unit", *where, field, found=row[field], expected=expected)
            continue
        row["output_energy"] = f"{exact.six_places(number * slope):f}"
    return rows


def _check_output(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """What is an enterprise's says so in each row, so that others do not see it."""
    of_plant = {row["plant"]: row["enterprise"] for row in tables["carbon.plant"].to_pylist()}
    for row in table.to_pylist():
        if row["plant"] in of_plant and row["enterprise"] != of_plant[row["plant"]]:
            where = (row["source_file"], row["source_row"], "enterprise")
            expected = f"{of_plant[row['plant']] or 'nothing'}, whose plant it is"
            problems.add("reference", *where, found=row["enterprise"] or "", expected=expected)


OUTPUT = source(
    "carbon.plant_output",
    path="registers/cogeneration_output.csv",
    columns=[
        *("entry", "plant", "enterprise", "product", "destination", *PERIOD, "printed", "unit", "origin", "source"),
        "output_energy",
    ],
    optional=("enterprise", "output_energy"),
    grain=["entry"],
    during=PERIOD,
    references={"plant": "carbon.plant.plant"},
    choices={"product": allocation.PRODUCTS, "destination": DESTINATIONS},
    ranges={"output_energy": (0, 1e11)},
    parse=_parse_output,
    check=_check_output,
    title_zh="联供站产出",
    title_en="Output of plants",
    doc="What a plant made of power, heat and cold in a period, and whether it went inside or outside of the district.",
)


@derived(
    reads={"entries": Read("carbon.plant_output", during=PERIOD, makes=True, trace={"entry": "entry"})},
    columns=["entry", "month", "plant", "enterprise", "product", "destination", "output_energy", "stand_in"],
    grain=["entry", "month"],
    period="year",
    time="month",
    by_partition=True,
    title_zh="联供站逐月产出",
    title_en="Output of plants by month",
)
def plant_output_monthly(slot: Slot, entries: pa.Table) -> pa.Table:
    """The part of each entry of output that falls into each month; the months sum to the entry."""
    names = ("entry", "plant", "enterprise", "product", "destination", "origin")
    return by_month(slot, entries, "output_energy", names).select(plant_output_monthly.schema.names)


@derived(
    reads={
        "outputs": "carbon.plant_output_monthly",
        "fuels": Read(
            "carbon.fuel_emission_monthly",
            columns=("entry", "month", "plant", "energy", "emission", "review", "missing", "stand_in"),
            trace={"plant": "plant", "month": "month"},
        ),
        "plants": "carbon.plant",
    },
    columns=[
        *("plant", "month", "method", "product", "enterprise", "fuel_energy", "emission", "output_energy", "sold_energy"),
        *(
            "allocation_share",
            "allocated_energy",
            "allocated_emission",
            "output_factor",
            "exported_emission",
            "review",
            "missing",
            "stand_in",
        ),
    ],
    grain=["plant", "month", "method", "product"],
    period="year",
    time="month",
    by_partition=True,
    title_zh="联供站逐月燃料分摊",
    title_en="Fuel of plants by product and month",
)
def cogeneration_monthly(slot: Slot, outputs: pa.Table, fuels: pa.Table, plants: pa.Table) -> pa.Table:
    """The fuel of a plant and its emissions in a month, split between power, heat and cold by every method.

    The methods and their sources stand in `methods/allocation.py`.
    The parts of each method sum to the fuel and to its emissions to the last digit. Where an amount of fuel or of a product is
    not known, or a method needs what the register does not state, there is no split, and `missing` says so.
    """
    burnt: dict[tuple[str, Any], list[dict[str, Any]]] = defaultdict(list)
    made: dict[tuple[str, Any], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in fuels.to_pylist():
        if row["plant"]:
            burnt[row["plant"], row["month"]].append(row)
    for row in outputs.to_pylist():
        made[row["plant"], row["month"]][row["product"]].append(row)
    of_plant = {row["plant"]: row for row in plants.to_pylist()}
    keys = sorted(key for key in {*burnt, *made} if key[0] in of_plant)
    if not keys:
        return cogeneration_monthly.schema.empty_table()
    told = [_month(of_plant[key[0]], burnt[key], made[key]) for key in keys]
    rows = []
    for method, found in zip(allocation.METHODS, _split(told, [of_plant[key[0]] for key in keys]), strict=True):
        for key, month, split in zip(keys, told, found, strict=True):
            rows += [
                {
                    **{"plant": key[0], "month": key[1], "method": method, "product": product},
                    **{"enterprise": of_plant[key[0]]["enterprise"], **_of_product(month, split, number)},
                }
                for number, product in enumerate(allocation.PRODUCTS)
                if product in month["products"]
            ]
    return pa.Table.from_pylist(rows, schema=cogeneration_monthly.schema)


def _month(plant: dict[str, Any], burnt: list[dict[str, Any]], made: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """A plant's month: its fuel, its products and what of it is missing."""
    products = [name for name in allocation.PRODUCTS if name in (plant["products"] or "").split() or made.get(name)]
    energy, emission = (_total([row[column] for row in burnt]) for column in ("energy", "emission"))
    output = [_total([row["output_energy"] for row in made.get(name, ())]) for name in allocation.PRODUCTS]
    sold = [
        _total([row["output_energy"] for row in made.get(name, ()) if row["destination"] == OUTSIDE]) or Decimal(0)
        for name in allocation.PRODUCTS
    ]
    unknown = [name for name, value in zip(allocation.PRODUCTS, output, strict=True) if name in products and value is None]
    missing = "fuel" if energy is None or emission is None else "output" if unknown or not any(output) else None
    return {
        **{"products": products, "energy": energy, "emission": emission, "output": output, "sold": sold, "missing": missing},
        "review": min([*(row["review"] for row in burnt if row["review"]), plant["review"]]),
        "stand_in": plant["origin"] == ORIGINS[-1]
        or any(row["stand_in"] for row in burnt)
        or any(row["stand_in"] for rows in made.values() for row in rows),
    }


def _total(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if values and len(known) == len(values) else None


def _split(months: list[dict[str, Any]], plants: list[dict[str, Any]]) -> list[list[dict[str, Any] | None]]:
    """The split of every month by every method: shares, and fuel and emissions of each product in millionths; or None."""

    def stated(names: tuple[str, ...]) -> np.ndarray:
        return np.array([[np.nan if plant[name] is None else plant[name] for name in names] for plant in plants], dtype=float)

    state = stated(_STATE)
    about = allocation.Plant(state[:, 0], state[:, 1], state[:, 2], state[:, 3], stated(_REFERENCES), stated(_SHARES))
    whole = np.array([month["missing"] is None for month in months])
    output = np.array([[float(value or 0) for value in month["output"]] for month in months])
    energy, emission = (
        np.array([int((month[name] or 0) * MILLION) for month in months], dtype=np.int64) for name in ("energy", "emission")
    )
    found = []
    for method in allocation.METHODS.values():
        shares = method(output, energy / MILLION, about)
        possible = whole & np.isfinite(shares).all(axis=1)
        each: list[dict[str, Any] | None] = [None] * len(months)
        parts = [spreading.spread(total[possible], shares[possible]) for total in (energy, emission)] if possible.any() else []
        for number, at in enumerate(np.flatnonzero(possible)):
            each[at] = {"shares": shares[at], "energy": parts[0][number], "emission": parts[1][number]}
        found.append(each)
    return found


def _of_product(month: dict[str, Any], split: dict[str, Any] | None, number: int) -> dict[str, Any]:
    output, sold = month["output"][number], month["sold"][number]
    told: dict[str, Any] = {
        **{"fuel_energy": month["energy"], "emission": month["emission"], "output_energy": output, "sold_energy": sold},
        **{"review": month["review"], "stand_in": month["stand_in"]},
    }
    if split is None:
        return told | {"missing": month["missing"] or "method"}
    energy, emission = (Decimal(int(split[name][number])).scaleb(-6) for name in ("energy", "emission"))
    told |= {
        "allocation_share": 100 * float(split["shares"][number]),
        "allocated_energy": energy,
        "allocated_emission": emission,
    }
    if output:
        told["output_factor"] = exact.twelve_places(Fraction(emission) / Fraction(output))
        told["exported_emission"] = exact.six_places(Fraction(emission) * Fraction(sold) / Fraction(output))
    return told


@derived(
    reads={"monthly": "carbon.cogeneration_monthly"},
    columns=[
        *("plant", "method", "product", "year", "enterprise", "fuel_energy", "emission", "output_energy", "sold_energy"),
        *("allocation_share", "allocated_energy", "allocated_emission", "exported_emission", "coverage", "review", "stand_in"),
    ],
    grain=["plant", "method", "product", "year"],
    period="year",
    time="year",
    title_zh="联供站逐年燃料分摊",
    title_en="Fuel of plants by product and year",
)
def cogeneration_yearly(monthly: Any) -> Any:
    """The fuel of a plant and its emissions in a year by product and method: the sum of the months that could be split.

    Of what went across the border of the district: energy and emissions, which stay in scope 1 of the producer and are told
    beside it (GPC, 6; unverified).
    """
    rows = monthly.mutate(year=monthly.month.year().cast("int64"))
    rows = rows.mutate(split=rows.allocated_energy.notnull().cast("int64"))
    sums = rows.group_by("plant", "method", "product", "year").agg(
        enterprise=rows.enterprise.max(),
        fuel_energy=rows.fuel_energy.sum(),
        emission=rows.emission.sum(),
        output_energy=rows.output_energy.sum(),
        sold_energy=rows.sold_energy.sum(),
        allocated_energy=rows.allocated_energy.sum(),
        allocated_emission=rows.allocated_emission.sum(),
        exported_emission=rows.exported_emission.sum(),
        coverage=rows.split.sum().cast("float64") / 12,
        review=rows.review.min(),
        stand_in=rows.stand_in.max(),
    )
    share = 100.0 * sums.allocated_energy.cast("float64") / sums.fuel_energy.cast("float64").nullif(0.0)
    return sums.mutate(allocation_share=share)
