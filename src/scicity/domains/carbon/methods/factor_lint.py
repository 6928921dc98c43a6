"""The linter of factors: finds values that are known to be wrong, that their own parts do not give, or that cannot be.

It looks at rows of `carbon.factor` as they were read, and returns all that it finds; it changes and chooses nothing.

Source: the documents named in `standards/known_wrong.csv`, `standards/constants.csv` and `standards/quantities.csv`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from scicity.domains.carbon.methods import exact, fuel

Row = Mapping[str, Any]

ENERGY_UNIT = "kWh"
PARTS = ("carbon_content", "oxidation")
# combustion factor: the heat value that it needs besides the parts; None is a factor by energy
COMBUSTION = {"combustion_volume": "heat_value_volume", "combustion_mass": "heat_value_mass", "combustion_energy": None}
# standard-coal factor: the heat value behind it; None is the energy itself
STANDARD_COAL = {
    "standard_coal_volume": "coal_heat_volume",
    "standard_coal_mass": "coal_heat_mass",
    "standard_coal_energy": None,
}
SAME_THING = ("quantity", "carrier", "variety", "region", "boundary", "gas")
EQUAL_VALUE = "standard_coal_equal"
OF_VERIFIED = ("document_number", "published_on", "clause")


@dataclass(frozen=True)
class Fault:
    """One fault of one row: the code of the problem, the field, what was found and what was expected."""

    row: Row
    code: str
    field: str
    found: str
    expected: str


@dataclass(frozen=True)
class Constants:
    """What the arithmetic needs: heat of standard coal [kWh/kgce], and the ratio of the molar masses of CO2 and C [1]."""

    heat_of_standard_coal: Fraction
    carbon_dioxide_per_carbon: Fraction


def constants_of(rows: Iterable[Row]) -> Constants:
    """The constants from rows of `carbon.constant`. Raises KeyError where one is missing."""
    found = {str(row["constant"]): (str(row["printed"]), str(row["unit"])) for row in rows}
    mass = {name: exact.canonical(*found[f"molar_mass_{name}"], "g/mol") for name in ("carbon", "carbon_dioxide")}
    return Constants(
        exact.canonical(*found["standard_coal_heat_value"], f"{ENERGY_UNIT}/kgce"), mass["carbon_dioxide"] / mass["carbon"]
    )


def faults_of(
    factors: Sequence[Row], known_wrong: Sequence[Row], quantities: Mapping[str, Row], constants: Constants
) -> list[Fault]:
    """Every fault of a set of factors, row by row in their order.

    `factors`: rows of `carbon.factor`; those whose value or quantity could not be read are passed over, their fault is already
    told. `known_wrong`: rows of `carbon.known_wrong`; `quantities`: rows of `carbon.quantity` by name.
    """
    sound = [row for row in factors if row["factor_value"] is not None and row["quantity"] in quantities]
    found: list[Fault] = []
    for row in sound:
        found += _known(row, known_wrong)
        found += _possible(row, quantities[row["quantity"]])
        found += _boundary(row, quantities[row["quantity"]])
        found += _years(row)
        found += _arithmetic(row, sound, constants)
        found += _equal_value(row, constants)
    return [*found, *_corrections(sound), *_one_value_a_year(sound)]


def _exactly(row: Row) -> Fraction:
    return exact.canonical(row["printed"], row["unit"], row["canonical_unit"])


def _known(row: Row, known_wrong: Iterable[Row]) -> Iterable[Fault]:
    """A value that is known to be wrong for what it says to be. One row of the list is enough to refuse it."""
    for wrong in known_wrong:
        if any(wrong[column] and wrong[column] != row[column] for column in ("carrier", "region", "quantity", "data_year")):
            continue
        if wrong["document"] and wrong["document"] not in f"{row['document']} {row['document_number']}":
            continue
        if wrong["published_before"] and row["published_on"] and row["published_on"] >= wrong["published_before"]:
            continue
        try:
            factor = exact.scale(wrong["unit"], row["canonical_unit"])
        except ValueError:
            continue  # another quantity
        if wrong["printed"] and exact.printed_number(wrong["printed"]) * factor != _exactly(row):
            continue
        yield Fault(
            row, "factor-known-wrong", "printed", f"{row['printed']} {row['unit']} ({wrong['reason_en']})", wrong["truth"]
        )
        return


def _possible(row: Row, quantity: Row) -> Iterable[Fault]:
    """A value outside of what its quantity can be: mostly a unit that is off by a power of ten."""
    value = float(row["factor_value"])
    if not quantity["lowest"] <= value <= quantity["highest"]:
        expected = f"from {quantity['lowest']:g} to {quantity['highest']:g} {quantity['unit']}"
        yield Fault(row, "range", "printed", f"{row['printed']} {row['unit']} = {value:g} {quantity['unit']}", expected)


def _boundary(row: Row, quantity: Row) -> Iterable[Fault]:
    """A footprint that is called direct, or the other way round; a footprint under scope 1 or 2."""
    if row["boundary"] != quantity["boundary"]:
        yield Fault(row, "factor-boundary", "boundary", str(row["boundary"]), f"{quantity['boundary']} for {row['quantity']}")
    if row["boundary"] == "life_cycle" and row["emission_scope"] in (1, 2):
        expected = "no scope, or 3: what comes before and after is no emission of scope 1 or 2"
        yield Fault(row, "factor-boundary", "emission_scope", str(row["emission_scope"]), expected)


def _years(row: Row) -> Iterable[Fault]:
    """Data that are younger than the document; a verified row that does not say where it stands."""
    if row["data_year"] and row["published_on"] and row["data_year"] > row["published_on"].year:
        expected = f"a year before the document was published ({row['published_on']})"
        yield Fault(row, "factor-year", "data_year", str(row["data_year"]), expected)
    if row["review"] == "verified":
        for column in OF_VERIFIED:
            if not row[column]:
                yield Fault(row, "value-missing", column, "", f"{column} of a row that is verified")


def _holds_with(row: Row, other: Row) -> bool:
    ends, begins = row["valid_to"], row["valid_from"]
    return bool(
        (other["valid_to"] is None or begins is None or other["valid_to"] > begins)
        and (ends is None or other["valid_from"] is None or other["valid_from"] < ends)
    )


def _beside(row: Row, others: Iterable[Row], quantity: str) -> Row | None:
    """The row of another quantity of the same carrier, variety and region that the same document lists for the same time."""
    same = ("carrier", "variety", "region", "document", "document_number", "revision")
    found = (o for o in others if o["quantity"] == quantity and all(o[c] == row[c] for c in same) and _holds_with(row, o))
    return next(found, None)


def _arithmetic(row: Row, others: Sequence[Row], constants: Constants) -> Iterable[Fault]:
    """A factor that is not what the heat value, carbon content and oxidation beside it give.

    One unit of the last printed digit is allowed, because documents round on the way: GB/T 2589 prints 0.1229 kgce/kWh, from
    860/7000, where 3600/29 307.6 is 0.12283.
    """
    expected, words = _expected(row, others, constants)
    if expected is None:
        if row["quantity"] in STANDARD_COAL and words:
            yield Fault(row, "factor-arithmetic", "quantity", row["quantity"], words)
        return
    per_unit = exact.scale(row["unit"], row["canonical_unit"])
    if abs(expected - _exactly(row)) >= exact.last_place(row["printed"]) * per_unit:
        yield Fault(
            row, "factor-arithmetic", "printed", f"{row['printed']} {row['unit']}", f"{float(expected / per_unit):.6g}: {words}"
        )


def _expected(row: Row, others: Sequence[Row], constants: Constants) -> tuple[Fraction | None, str]:
    """What the parts give [canonical unit of the row] and in words how; None where the parts are not there."""
    quantity = row["quantity"]
    heat = COMBUSTION.get(quantity) or STANDARD_COAL.get(quantity)
    heat_row = _beside(row, others, heat) if heat else None
    if quantity in STANDARD_COAL:
        if heat and heat_row is None:
            return None, f"a row {heat} of the same carrier, region and document, from which it can be computed again"
        heat_value = _exactly(heat_row) if heat_row else Fraction(1)
        return fuel.standard_coal(heat_value, constants.heat_of_standard_coal), "heat value over that of standard coal"
    parts = [_beside(row, others, part) for part in PARTS] if quantity in COMBUSTION else [None]
    content, oxidation = (parts[0], parts[-1])
    if content is None or oxidation is None or (heat and heat_row is None):
        return None, ""
    heat_value = _exactly(heat_row) if heat_row else Fraction(1)
    product = fuel.fuel_factor(heat_value, _exactly(content), _exactly(oxidation), constants.carbon_dioxide_per_carbon)
    return product, "heat value x carbon content x oxidation x 44/12" if heat else "carbon content x oxidation x 44/12"


def _equal_value(row: Row, constants: Constants) -> Iterable[Fault]:
    """The equal value of electricity is local and dated, and above the heat of the electricity itself."""
    if row["quantity"] != EQUAL_VALUE:
        return
    if not row["data_year"] and row["valid_to"] is None:
        yield Fault(
            row, "factor-mixed", "valid_to", "open", "an end or a data year: an equal value holds for its own years only"
        )
    rounding = exact.last_place(row["printed"]) * exact.scale(row["unit"], row["canonical_unit"])
    if _exactly(row) - rounding <= fuel.standard_coal(Fraction(1), constants.heat_of_standard_coal):
        expected = "more than the equivalent value, because power stations lose heat"
        yield Fault(row, "factor-mixed", "printed", f"{row['printed']} {row['unit']}", expected)


def _corrections(rows: Sequence[Row]) -> Iterable[Fault]:
    """A revision without a row that it corrects, or published before it."""
    for row in rows:
        if not row["revision"]:
            continue
        earlier = [
            o for o in rows if o["factor"] == row["factor"] and (o["revision"] or 0) < row["revision"] and _holds_with(row, o)
        ]
        if not earlier:
            yield Fault(row, "factor-year", "revision", str(row["revision"]), "a row of a lower revision that it corrects")
        for other in earlier:
            if row["published_on"] and other["published_on"] and row["published_on"] < other["published_on"]:
                expected = f"not before {other['published_on']}, when what it corrects was published"
                yield Fault(row, "factor-year", "published_on", str(row["published_on"]), expected)


def _one_value_a_year(rows: Sequence[Row]) -> Iterable[Fault]:
    """Two values for the data of one year, none of them a correction."""
    first: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        if row["data_year"] is None:
            continue
        key = (*(row[column] for column in SAME_THING), row["data_year"], row["revision"])
        other = first.setdefault(key, row)
        if other["factor_value"] != row["factor_value"]:
            expected = f"{other['printed']} {other['unit']} as in row {other.get('source_row')} of {other.get('source_file')}"
            yield Fault(row, "factor-year", "data_year", f"{row['printed']} {row['unit']} for {row['data_year']}", expected)
