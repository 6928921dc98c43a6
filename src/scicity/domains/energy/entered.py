"""Virtual meters that people enter on a page, beside those of the register; which of them hold."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from scicity.domains.energy.methods import rights
from scicity.domains.energy.methods.trees import ALWAYS, instant_of, labels_of
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived, recorded

COLUMNS = ("meter", "name_zh", "name_en", "meter_formula", "carrier", "building", "enterprise", "valid_from", "valid_to")

virtual_entered = recorded(
    "energy.virtual_entered",
    columns=COLUMNS,
    grain=["meter", "valid_from"],
    title_zh="录入的虚拟表",
    title_en="Virtual meters entered",
    doc="The formulas that people entered; who and when is in the audit trail. `energy.virtual_in_force` has those that hold.",
)


def virtuals_of(rows: list[dict[str, Any]]) -> list[rights.Virtual]:
    """Rows of virtual meters as those who check them take them; a row's number is its place."""
    return [
        rights.Virtual(
            place,
            row["meter"],
            row["meter_formula"],
            row["enterprise"] or "",
            instant_of(row["valid_from"], -ALWAYS),
            instant_of(row["valid_to"], ALWAYS),
        )
        for place, row in enumerate(rows)
        if row["meter"] and row["meter_formula"]
    ]


def in_force(
    registered: list[dict[str, Any]],
    entered: list[dict[str, Any]],
    meters: list[dict[str, Any]],
    memberships: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Of the rows that were entered those that hold: none that a register took the name of, and none with a fault.

    Registers change: a meter may become another's, or go. What names one that does not hold does not hold either.
    """
    taken, labels = {row["meter"] for row in registered}, labels_of(memberships, "enterprise")
    kept = [row for row in entered if row["meter"] not in taken]
    while kept:
        rows = [*registered, *kept]
        wrong = {each.row for each in rights.faults(virtuals_of(rows), meters, labels)}
        held = [row for place, row in enumerate(rows) if place >= len(registered) and place not in wrong]
        if len(held) == len(kept):
            break
        kept = held
    return kept


@derived(
    reads={
        "registered": Read("energy.virtual_meter", columns=COLUMNS),
        "entered": Read("energy.virtual_entered", columns=COLUMNS),
        "meters": Read("energy.meter", columns=("meter", "parent", "role")),
        "memberships": Read("energy.membership", columns=("meter", "enterprise", "valid_from", "valid_to")),
    },
    columns=[*COLUMNS, "origin"],
    grain=["meter", "valid_from"],
    by_partition=True,
    title_zh="现行虚拟表",
    title_en="Virtual meters in force",
)
def virtual_in_force(slot: Slot, registered: pa.Table, entered: pa.Table, meters: pa.Table, memberships: pa.Table) -> pa.Table:
    """The virtual meters of the register and those that people entered, as far as these may name what they name."""
    register = registered.sort_by([("meter", "ascending"), ("valid_from", "ascending")]).to_pylist()
    written = entered.sort_by([("meter", "ascending"), ("valid_from", "ascending")]).to_pylist()
    kept = in_force(register, written, meters.to_pylist(), memberships.to_pylist())
    rows = [*register, *(row | {"origin": "manual"} for row in kept)]
    found = [{name: row.get(name) for name in virtual_in_force.schema.names} for row in rows]
    return pa.Table.from_pylist(found, virtual_in_force.schema)
