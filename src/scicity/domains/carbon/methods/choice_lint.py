"""Whether the factors that a district chose can answer what they were chosen for.

Source: rules of this project over what `carbon.quantity` says of each quantity, with its document (`standards/quantities.csv`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scicity.domains.carbon.methods.factor_lint import EQUAL_VALUE, Fault, Row

LOCATION_BASED = "location_based"
STANDARD_COAL_EQUIVALENT = "standard_coal_equivalent"
STANDARD_COAL_EQUAL = "standard_coal_equal"
MARKET_BASED = "market_based"
SUPPLY_CHAIN = "supply_chain"
HEAT_VALUE = "heat_value"
PURPOSES = (LOCATION_BASED, MARKET_BASED, SUPPLY_CHAIN, HEAT_VALUE, STANDARD_COAL_EQUIVALENT, STANDARD_COAL_EQUAL)
DIRECT_ONLY = (LOCATION_BASED, MARKET_BASED)  # emissions of scopes 1 and 2
OF_SCOPE = (*DIRECT_ONLY, SUPPLY_CHAIN)
RATIO = "net_per_gross"
ELECTRICITY = "electricity"


def faults_of(
    choices: Sequence[Row], factors: Sequence[Row], quantities: Mapping[str, Row], scopes: Mapping[str, int]
) -> list[Fault]:
    """Every fault of a district's choices.

    `choices`: rows of `carbon.factor_choice`; `factors`: rows of `carbon.factor`; `quantities`: rows of `carbon.quantity` by
    name; `scopes`: scope of each carrier. A series that does not exist is told by the register's references.
    """
    found: list[Fault] = []
    for choice in choices:
        series = [row for row in factors if row["factor"] == choice["factor"]]
        ratios = [row for row in factors if choice["ratio"] and row["factor"] == choice["ratio"]]
        found += _fits(choice, series, quantities, scopes)
        found += _ratio_fits(choice, ratios)
    return found


def _fits(choice: Row, series: Iterable[Row], quantities: Mapping[str, Row], scopes: Mapping[str, int]) -> Iterable[Fault]:
    carrier, purpose = choice["carrier"], choice["purpose"]
    for quantity, of, boundary, scope in sorted(
        {(r["quantity"], r["carrier"], r["boundary"], r["emission_scope"]) for r in series}, key=str
    ):
        name = f"{choice['factor']} ({quantity})"
        if of != carrier:
            yield Fault(choice, "factor-choice", "factor", f"{choice['factor']} of {of}", f"a factor of {carrier}")
        if purpose in DIRECT_ONLY and boundary != "direct":
            yield Fault(choice, "factor-boundary", "factor", f"{name}, {boundary}", "a direct factor: a footprint is none")
        elif purpose == STANDARD_COAL_EQUIVALENT and quantity == EQUAL_VALUE:
            yield Fault(choice, "factor-mixed", "factor", name, "an equivalent value: the equal value has its own book")
        elif purpose == STANDARD_COAL_EQUAL and carrier == ELECTRICITY and quantity != EQUAL_VALUE:
            yield Fault(choice, "factor-mixed", "factor", name, "an equal value: the equivalent value has its own book")
        elif quantity in quantities and purpose not in (quantities[quantity]["purpose"] or "").split():
            able = sorted(q for q, row in quantities.items() if purpose in (row["purpose"] or "").split())
            yield Fault(choice, "factor-choice", "factor", name, f"a series of one of {', '.join(able)}")
        if purpose in OF_SCOPE and carrier in scopes and scope != scopes[carrier]:
            yield Fault(choice, "factor-choice", "factor", f"{name}, scope {scope}", f"scope {scopes[carrier]} of {carrier}")


def _ratio_fits(choice: Row, ratios: Iterable[Row]) -> Iterable[Fault]:
    for quantity, carrier in sorted({(row["quantity"], row["carrier"]) for row in ratios}, key=str):
        if quantity != RATIO or carrier != choice["carrier"]:
            found = f"{choice['ratio']} ({quantity} of {carrier})"
            yield Fault(choice, "factor-choice", "ratio", found, f"a series {RATIO} of {choice['carrier']}")
