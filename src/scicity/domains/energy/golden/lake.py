"""A lake with the meters of a test: readings go through the door of the kernel, tables are computed as in a district."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from scicity.domains.energy import tables
from scicity.domains.energy.golden.arrow import installation_row
from scicity.domains.energy.golden.meter import Device, Reading
from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import Computing
from scicity.kernel.district import DATASTREAM, KERNEL_SOURCES
from scicity.kernel.lake import Lake, Part
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch, take
from scicity.kernel.tables import Catalog, Source, Table, finer

ARRIVED = datetime(2026, 1, 1, tzinfo=UTC)
STREAM = {"property": "energy_register", "unit": "kWh", "flow": "forward", "interval_seconds": 900, "origin": "measured"}
METER = {"carrier": "electricity", "role": "main", "parent": None, "zero_is_gap": False, "origin": "measured"}
TABLES: tuple[Table, ...] = (
    *KERNEL_SOURCES,
    tables.meter,
    tables.installation,
    tables.meter_hourly,
    tables.reading_set_aside,
    tables.consumption_hourly,
    tables.gap_account,
)


@dataclass
class Metered:
    """A meter of a test: its devices, its row in the register, and its datastreams by flow."""

    devices: list[Device] = field(default_factory=lambda: [Device()])
    row: dict[str, Any] = field(default_factory=dict)
    flows: dict[str, dict[str, Any]] = field(default_factory=lambda: {"forward": {}})


class Site:
    """Meters over a lake of their own; a datastream is called `<meter>.<flow>`."""

    def __init__(
        self, root: Path, meters: dict[str, Metered], zone: str = "Asia/Shanghai", buckets: int = 1, by_days: bool = False
    ) -> None:
        self.lake, self.calendar, self.buckets = Lake(root), Calendar(zone), buckets
        self.computing = Computing(self.lake, Catalog(finer(TABLES) if by_days else TABLES), self.calendar, buckets)
        self.streams = _filled(
            DATASTREAM,
            [
                {"datastream": f"{meter}.{flow}", "thing": meter, **STREAM, "flow": flow, **given}
                for meter, metered in meters.items()
                for flow, given in metered.flows.items()
            ],
        )
        self._write(DATASTREAM, self.streams)
        self._write(tables.meter, _filled(tables.meter, [{"meter": m, **METER, **d.row} for m, d in meters.items()]))
        rows = [{**installation_row(d, self.calendar), "meter": m} for m, metered in meters.items() for d in metered.devices]
        self._write(tables.installation, _filled(tables.installation, rows))

    def _write(self, table: Source, rows: pa.Table) -> None:
        self.lake.replace(table.name, {Part("all"): rows}, table.schema, inputs={}, code="")

    def arrive(self, batch: str, readings: dict[str, Iterable[Reading]]) -> dict[str, int]:
        """A batch of readings by datastream. Raises Refused where the door finds a problem."""
        rows = [(name, row.time, row.value, row.revision) for name, several in readings.items() for row in several]
        columns = zip(*rows, strict=True) if rows else [()] * len(ARRIVAL)
        problems = Problems()
        arriving = Batch(batch, pa.table(list(map(list, columns)), schema=ARRIVAL), ARRIVED)
        taken = take(self.lake, arriving, self.streams, self.calendar, self.buckets, problems)
        problems.refuse()
        return taken

    def compute(self, only: str | None = None) -> dict[str, frozenset[str]]:
        """Brings all (or what one table needs) up to date; the files of every derived table, named by their content."""
        self.computing.bring_up_to_date(only=only)
        return {t.name: self.lake.snapshot(t.name).paths for t in self.computing.catalog.derived}

    def rows(self, table: str, where: str) -> list[dict[str, Any]]:
        """Rows of a table in the order of its grain; `where` is SQL text."""
        declared = self.computing.catalog[table]
        rows = self.computing.engine.rows(declared, where, order=", ".join(declared.grain))
        found: list[dict[str, Any]] = rows.to_pylist()
        return found


def _filled(table: Source, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of a register with the places in which they would stand."""
    places = [{"source_file": table.path, "source_row": number} for number in range(2, len(rows) + 2)]
    return pa.Table.from_pylist([{**row, **place} for row, place in zip(rows, places, strict=True)], schema=table.schema)
