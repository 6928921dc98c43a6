"""Retired readings: months whose readings were let go of, and what was computed from them, which stays as it is for ever.

Retiring is told in one file of the lake before any reading goes, with the code and the inputs by which each table that reads
readings stood then. From there on the partitions of such a table that end before the first kept month are *frozen*: they
are never computed again, because what they came from is not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scicity.kernel.record import Commit, Part
from scicity.kernel.tables import READING_PREFIX, Derived, Table
from scicity.stores import Store

RETIRED = "_retired.json"  # of the lake
FORM = 1


@dataclass(frozen=True)
class Retirement:
    """The readings of the months before `before` (`2021-01`) went on the day `on` [at: ms] by a rule.

    `tables` tells of each table that read them the code by which it stood and the versions of its inputs.
    """

    before: str
    on: str
    at: int
    rule: str
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def code(self, table: str) -> str:
        """The digest of the code by which the figures of a table were computed; empty for one that did not read them then."""
        return str(self.tables.get(table, {}).get("code", ""))

    def commit(self, table: str, version: int) -> Commit:
        """What the frozen partitions of a table came from."""
        told = self.tables.get(table, {})
        return Commit(version, told.get("inputs", {}), self.code(table), at=self.at)

    def said(self, table: str) -> str:
        """The statement with which a figure of a frozen partition opens."""
        code = self.code(table)
        computed = f"computed with code {code}" if code else "nothing was computed from them by this table"
        return f"its readings were retired on {self.on} by the district's rule ({self.rule}); {computed}"


def ends_before(period: str, month: str) -> bool:
    """Whether a period (`2023-05`, `2023`, `all`) is over before a month begins."""
    return period != "all" and (period if "-" in period else f"{period}-12") < month


def reads_readings(table: Table) -> bool:
    """Whether a table is computed from readings themselves, and not from what was computed from them."""
    return isinstance(table, Derived) and any(read.table.startswith(READING_PREFIX) for read in table.reads.values())


def retirement_of(retirements: Sequence[Retirement], table: Table, part: Part) -> Retirement | None:
    """The act by which a partition of a table was frozen; None where it was not."""
    if not retirements or not reads_readings(table):
        return None
    return next((each for each in retirements if ends_before(part.period, each.before)), None)


def read(store: Store) -> tuple[Retirement, ...]:
    """The acts of a lake in their order. Raises LookupError for what a later SciCity wrote."""
    text = store.noted("", RETIRED)
    if text is None:
        return ()
    told = json.loads(text)
    if told["form"] != FORM:
        raise LookupError(f"{RETIRED} has form {told['form']}; this SciCity reads {FORM}")
    return tuple(Retirement(**each) for each in told["acts"])


def write(store: Store, retirements: Sequence[Retirement]) -> None:
    """Puts the acts on stable storage; a file that is linked elsewhere stays as it was."""
    told = {"form": FORM, "acts": [asdict(each) for each in retirements]}
    store.note("", RETIRED, json.dumps(told, sort_keys=True, indent=0))


def carried_over(rows: pa.Table, table: Table) -> pa.Table:
    """Frozen rows of a table as it was declared then, in its columns of now: what there was not is unknown.

    Raises ValueError where they cannot be: a column of the grain is new, or values do not go into their new type.
    """
    lacking = [name for name in table.grain if name not in rows.column_names]
    if lacking:
        raise ValueError(f"frozen rows of {table.name} have no {', '.join(lacking)}")
    columns = [
        rows.column(name).cast(kind) if name in rows.column_names else pa.nulls(rows.num_rows, kind)
        for name, kind in zip(table.schema.names, table.schema.types, strict=True)
    ]
    return pa.table(columns, schema=table.schema)


def rows_of(paths: Sequence[Path]) -> pa.Table:
    """The rows of some files, without the names of their folders."""
    return pa.concat_tables([pq.ParquetFile(path).read() for path in paths])
