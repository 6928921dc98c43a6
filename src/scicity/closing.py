"""Closed periods: figures that were published stay as they were, and what changed since stands beside them as corrections.

Closing a year or a month keeps the rows that every table of months or years has of it. Whatever heals below them afterwards
does not change these rows: each figure that would come out otherwise gets a correction, a reversal of what stood there and an
entry of what is known now. Reopening is an act of somebody with a reason; then the figures are those of today again. Acts are
files that are written once, each with the digest of the one before, so that none is changed or taken out unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from scicity.kernel.calendar import Calendar
from scicity.kernel.engine import Engine, quoted
from scicity.kernel.lineage import Closed, address
from scicity.kernel.tables import Catalog, Derived
from scicity.vocabulary import term

PERIOD = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?")
MEASURED = ("real", "decimal", "factor", "integer")
ABOUT = ("coverage", "flags")  # columns that tell about the figures of their row
CORRECTION = pa.schema(
    [("at", pa.timestamp("us", "UTC")), ("version", pa.int64())]
    + [(name, pa.string()) for name in ("table", "column", "address", "symbol", "before", "after")]
)


class ClosingRefused(ValueError):  # noqa: N818  (reads as what happened)
    """An act that cannot be: what is wrong in Chinese and in English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass(frozen=True)
class Act:
    """Somebody closed or reopened a period; `tables` tells of a closing the version of each table that was kept.

    `digest` is that of the act as it is written, `before` that of the act before.
    """

    number: int
    action: Literal["closed", "reopened"]
    period: str
    at: datetime
    who: str
    reason: str
    before: str = ""
    tables: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True)
class Correction:
    """A closed figure that is known otherwise by now: the pair of a reversal and an entry, and their sum, the difference.

    The values are exact, in the unit `symbol`; None is unknown. `version` is that of the table that tells otherwise.
    """

    at: datetime
    version: int
    table: str
    column: str
    address: str
    symbol: str
    before: Decimal | None
    after: Decimal | None

    @property
    def now(self) -> str:
        """The address of the figure as it is known now."""
        return f"{self.address}@{self.version}"

    @property
    def reversal(self) -> Decimal | None:
        """What takes the figure away that stood there."""
        return None if self.before is None else -self.before

    @property
    def difference(self) -> Decimal | None:
        """What the pair comes to; unknown where either side is."""
        return None if self.before is None or self.after is None else self.after - self.before


class Closings:
    """The acts and corrections of a lake. Whoever writes is alone (`Lake.alone`)."""

    def __init__(self, engine: Engine, catalog: Catalog, calendar: Calendar) -> None:
        self.engine, self.catalog, self.calendar = engine, catalog, calendar
        self.folder = engine.lake.root / "_closings"
        self._lock = threading.Lock()
        self._seen: tuple[int, tuple[Act, ...]] = (-1, ())
        self._posted: dict[tuple[int, str], int] = {}
        self._files: dict[Path, list[Correction]] = {}

    def acts(self) -> tuple[Act, ...]:
        """All acts in their order."""
        changed = self.folder.stat().st_mtime_ns if self.folder.exists() else 0
        with self._lock:
            if changed != self._seen[0]:
                files = sorted(self.folder.glob("[0-9]*/act.json"))
                self._seen = changed, tuple(_read(file) for file in files)
            return self._seen[1]

    def broken(self) -> int | None:
        """The number of the first act that does not follow from the one before it, or None where all do."""
        before = ""
        for at, act in enumerate(self.acts(), start=1):
            if act.number != at or act.before != before:
                return act.number
            before = act.digest
        return None

    def closed(self) -> dict[str, Act]:
        """The periods that are closed now, with the act that closed each."""
        found: dict[str, Act] = {}
        for act in self.acts():
            if act.action == "closed":
                found[act.period] = act
            else:
                found.pop(act.period, None)
        return found

    def of(self, table: str) -> list[Closed]:
        """What is closed of a table, as `Figures` reads it; a year goes before its months."""
        acts = [act for _, act in sorted(self.closed().items()) if table in act.tables]
        years = {act.period for act in acts}
        return [
            Closed(act.period, act.tables[table], self._condition(self.catalog[table], act.period), str(self._file(act, table)))
            for act in acts
            if len(act.period) == 4 or act.period[:4] not in years
        ]

    def close(self, period: str, who: str, reason: str, now: datetime) -> Act:
        """Closes a year (`2023`) or a month (`2023-05`). Raises ClosingRefused for one that is not over, closed, or empty."""
        self._check(period, reason, now)
        if period in self.closed() or period[:4] in self.closed():
            raise ClosingRefused(f"{period} 已经关账", f"{period} is closed already")
        number, passing = self._begin()
        tables = {}
        for table in self.catalog.derived:
            condition = self._condition(table, period)
            version = self.engine.lake.snapshot(table.name).version
            if not condition or version < 0:
                continue
            listed = ", ".join(map(quoted, table.schema.names))
            rows = self.engine.sql(f"SELECT {listed} FROM {self.engine.relation(table, version)} WHERE {condition}")
            if rows.num_rows:
                _write(passing / f"{table.name}.parquet", rows.cast(table.schema))
                tables[table.name] = version
        if not tables:
            shutil.rmtree(passing)
            raise ClosingRefused(f"{period} 没有任何指标值", f"there are no figures of {period}")
        return self._act(passing, Act(number, "closed", period, now, who, reason, tables=tables))

    def reopen(self, period: str, who: str, reason: str, now: datetime) -> Act:
        """Reopens a closed period. Raises ClosingRefused for one that is not closed, or without a reason."""
        self._check(period, reason, now)
        if period not in self.closed():
            raise ClosingRefused(f"{period} 未关账", f"{period} is not closed")
        number, passing = self._begin()
        return self._act(passing, Act(number, "reopened", period, now, who, reason))

    def post(self, now: datetime) -> int:
        """Posts a correction for every closed figure that came out otherwise since; returns how many. Again it posts none."""
        count = 0
        for act in self.closed().values():
            found: list[dict[str, Any]] = []
            looked = {}
            for name in act.tables:
                table = self.catalog.tables.get(name)
                if not isinstance(table, Derived):
                    continue
                version = self.engine.lake.snapshot(name).version
                if self._posted.get((act.number, name), act.tables[name]) != version:
                    found += self._otherwise(act, table, version, now)
                    looked[act.number, name] = version
            if found:
                home = self._home(act)
                following = len(list(home.glob("corrections-*.parquet"))) + 1
                _write(home / f"corrections-{following:06d}.parquet", pa.Table.from_pylist(found, schema=CORRECTION))
                os.utime(self.folder)
            self._posted |= looked
            count += len(found)
        return count

    def corrections(self, act: Act) -> list[Correction]:
        """The corrections of a closed period in the order in which they were posted."""
        return [each for file in sorted(self._home(act).glob("corrections-*.parquet")) for each in self._corrections_in(file)]

    def standing(self, act: Act) -> dict[str, Correction]:
        """Of each figure that is known otherwise than it was closed: one pair, from what was closed to what is known now."""
        found: dict[str, Correction] = {}
        for each in self.corrections(act):
            first = found.get(each.address)
            found[each.address] = Correction(**(vars(each) | {"before": first.before if first else each.before}))
        return {where: each for where, each in found.items() if each.before != each.after}

    def _otherwise(self, act: Act, table: Derived, version: int, now: datetime) -> Iterator[dict[str, Any]]:
        """What a table tells otherwise than what was posted last of it."""
        names, grain = table.schema.names, table.grain
        listed, keys = ", ".join(map(quoted, names)), ", ".join(map(quoted, grain))
        file = self._file(act, table.name)
        if pq.read_schema(file).names != names:
            return  # the table has other columns by now; what was closed stays, and cannot be compared
        closed = f"(SELECT {listed} FROM read_parquet('{_text(file)}'))"
        condition = self._condition(table, act.period)
        live = f"(SELECT {listed} FROM {self.engine.relation(table, version)} WHERE {condition})"
        differing = f"SELECT DISTINCT {keys} FROM ((FROM {closed} EXCEPT FROM {live}) UNION (FROM {live} EXCEPT FROM {closed}))"
        posted = {each.address: each.after for each in self.corrections(act) if each.table == table.name}
        sides = []
        for side in (closed, live):
            same = " AND ".join(f"a.{quoted(name)} IS NOT DISTINCT FROM b.{quoted(name)}" for name in grain)
            which = (
                f"WHERE EXISTS (FROM ({differing}) b WHERE {same})" if not posted else ""
            )  # what was posted may be as closed again
            rows = self.engine.sql(f"SELECT * FROM {side} a {which}").to_pylist()
            sides.append({tuple(row[name] for name in grain): row for row in rows})
        was, now_is = sides
        for key in dict.fromkeys([*was, *now_is]):
            row = now_is.get(key) or was[key]
            for column in (name for name in names if name not in (*grain, *ABOUT) and term(name).type in MEASURED):
                where = address(table, column, row)
                after = _exact(now_is[key][column]) if key in now_is else None
                stood = _exact(was[key][column]) if key in was else None
                before = posted.get(where, stood)
                if before != after:
                    yield {
                        "at": now,
                        "version": version,
                        "table": table.name,
                        "column": column,
                        "address": where,
                        "symbol": term(column).symbol or str(row.get("symbol") or ""),
                        "before": None if before is None else str(before),
                        "after": None if after is None else str(after),
                    }

    def _condition(self, table: Any, period: str) -> str:
        """SQL text for the rows of a period in a table of months or years; empty for other tables."""
        if "month" in table.grain:
            return f"year(month) = {period}" if len(period) == 4 else f"month = DATE '{period}-01'"
        return f"year = {period}" if "year" in table.grain and len(period) == 4 else ""

    def _check(self, period: str, reason: str, now: datetime) -> None:
        if not PERIOD.fullmatch(period):
            raise ClosingRefused("账期应为年（2023）或月（2023-05）", "a period is a year (2023) or a month (2023-05)")
        if not reason.strip():
            raise ClosingRefused("请写明理由", "a reason is needed")
        if self.calendar.bounds(period)[1] > now.timestamp() * 1e6:
            raise ClosingRefused(f"{period} 尚未结束", f"{period} is not over yet")
        if self.broken() is not None:
            raise ClosingRefused("关账记录已被改动", f"act {self.broken()} does not follow from the one before it")

    def _begin(self) -> tuple[int, Path]:
        number = len(self.acts()) + 1
        passing = self.folder / f".{number:04d}"
        shutil.rmtree(passing, ignore_errors=True)
        passing.mkdir(parents=True)
        return number, passing

    def _act(self, passing: Path, act: Act) -> Act:
        acts = self.acts()
        told = asdict(act) | {"at": act.at.isoformat(), "before": acts[-1].digest if acts else ""}
        del told["digest"]
        file = passing / "act.json"
        with file.open("w", encoding="utf-8") as out:
            json.dump(told, out, ensure_ascii=False, sort_keys=True)
            out.flush()
            os.fsync(out.fileno())
        _sync(passing)
        passing.rename(self.folder / f"{act.number:04d}")
        _sync(self.folder)
        return self.acts()[-1]

    def _home(self, act: Act) -> Path:
        return self.folder / f"{act.number:04d}"

    def _file(self, act: Act, table: str) -> Path:
        return self._home(act) / f"{table}.parquet"

    def _corrections_in(self, file: Path) -> list[Correction]:
        if file not in self._files:
            exact = ("before", "after")
            self._files[file] = [
                Correction(**(row | {name: None if row[name] is None else Decimal(row[name]) for name in exact}))
                for row in pq.ParquetFile(file).read().to_pylist()
            ]
        return self._files[file]


def _exact(value: Any) -> Decimal | None:
    return None if value is None else value if isinstance(value, Decimal) else Decimal(repr(value))


def _text(path: Path) -> str:
    return str(path).replace("'", "''")


def _read(file: Path) -> Act:
    content = file.read_bytes()
    told = json.loads(content)
    return Act(**(told | {"at": datetime.fromisoformat(told["at"]), "digest": hashlib.sha256(content).hexdigest()}))


def _write(file: Path, rows: pa.Table) -> None:
    passing = file.with_name(f".{file.name}")
    with passing.open("wb") as out:
        pq.write_table(rows, out, compression="zstd")
        out.flush()
        os.fsync(out.fileno())
    passing.replace(file)
    _sync(file.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
