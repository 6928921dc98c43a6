"""A register's dated rows make the partitions of a table, also where nothing else does: from nothing and healed alike."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import Computing, Slot
from scicity.kernel.lake import Lake, Part
from scicity.kernel.tables import Catalog, Read, TableError, derived, source

TARIFF = source(
    "made.tariff",
    path="registers/tariffs.csv",
    columns=["carrier", "valid_from", "valid_to", "multiplier"],
    optional=("valid_to",),
    grain=["carrier", "valid_from"],
    during=("valid_from", "valid_to"),
)
DURING = ("valid_from", "valid_to")


def yearly(makes: bool) -> Any:
    """A table of the years that tariffs touch."""

    @derived(
        name="made.yearly",
        reads={"tariffs": Read("made.tariff", during=DURING, makes=makes)},
        columns=["carrier", "year", "multiplier"],
        grain=["carrier", "year"],
        period="year",
        time="year",
        by_partition=True,
    )
    def of_year(slot: Slot, tariffs: pa.Table) -> pa.Table:
        """The tariffs that hold in a year."""
        rows = [
            {"carrier": row["carrier"], "year": int(slot.part.period), "multiplier": row["multiplier"]}
            for row in tariffs.to_pylist()
            if row["valid_from"].timestamp() * 1e6 < slot.end
            and (row["valid_to"] is None or row["valid_to"].timestamp() * 1e6 > slot.start)
        ]
        return pa.Table.from_pylist(rows, schema=of_year.schema)

    return of_year


def tariff(carrier: str, first: int, until: int | None, multiplier: int = 1) -> dict[str, Any]:
    begin, end = (None if year is None else datetime(year - 1, 12, 31, 16, tzinfo=UTC) for year in (first, until))
    return {"carrier": carrier, "valid_from": begin, "valid_to": end, "multiplier": Decimal(multiplier)}


def computed(root: Path, *states: list[dict[str, Any]]) -> tuple[Computing, list[frozenset[Part]]]:
    """The table over each state of the register in turn; and the partitions that each computed."""
    computing = Computing(Lake(root), Catalog([TARIFF, yearly(makes=True)]), Calendar("Asia/Shanghai"))
    done = []
    for rows in states:
        found = pa.Table.from_pylist(rows, schema=TARIFF.schema)
        computing.lake.replace(TARIFF.name, {Part("all"): found}, TARIFF.schema, inputs={}, code="", durable=True)
        done.append(frozenset(part for each in computing.bring_up_to_date() for part in each.computed))
    return computing, done


def test_dated_rows_make_their_partitions_and_only_what_changed_is_computed(tmp_path: Path) -> None:
    first = [tariff("a", 2021, 2023), tariff("b", 2022, 2023)]
    second = [first[0], tariff("b", 2025, 2026)]
    healed, done = computed(tmp_path / "healed", first, second, second)
    assert done == [{Part("2021"), Part("2022")}, {Part("2022"), Part("2025")}, frozenset()]
    anew, _ = computed(tmp_path / "anew", second)
    assert healed.lake.snapshot("made.yearly").paths == anew.lake.snapshot("made.yearly").paths


def test_rows_that_last_for_ever_make_none_and_hold_in_those_there_are(tmp_path: Path) -> None:
    computing, _ = computed(tmp_path, [tariff("a", 2021, 2022), tariff("b", 2020, None)])
    rows = computing.engine.rows(computing.catalog["made.yearly"]).to_pylist()
    assert [(row["carrier"], row["year"]) for row in rows] == [("a", 2021), ("b", 2021)]


def test_a_table_of_periods_needs_what_makes_them() -> None:
    with pytest.raises(TableError, match="reads no table that has any"):
        Catalog([TARIFF, yearly(makes=False)])
