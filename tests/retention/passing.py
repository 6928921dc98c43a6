"""A toy lake in which time passes as a test says, and retention over it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scicity.closing import Closings
from scicity.kernel.computing import Computing
from scicity.kernel.lake import Lake
from scicity.kernel.lineage import Figures
from scicity.retention import Gone, let_go
from scicity.stores import Store
from tests.kernel.toy import FIRST, METERS, Toy

BEGIN = datetime(2023, 4, 1, 4, tzinfo=UTC)  # noon in Beijing


class Passing(Toy):
    """A toy whose commits are stamped with `now`, which goes on by `day`."""

    def __init__(
        self, root: Path, buckets: int = 1, retention: Mapping[str, int] | None = None, store: Store | None = None
    ) -> None:
        super().__init__(root, buckets, store=store)
        self.now, self.retention, self._stamped = BEGIN, dict(retention or {}), set[str]()
        self.tariffs([(FIRST, None, "0.5")])
        self.read("first", [(f"{m}.e", FIRST + timedelta(hours=12 * k), 1.0 + k % 3, 0) for m in METERS for k in range(1, 100)])
        self.computing.bring_up_to_date()
        self.stamp()

    def stamp(self) -> None:
        """Stamps what was committed since with the time that it is now."""
        for log in sorted(self.lake.root.glob("*/*/_delta_log/*.json")):
            if str(log.relative_to(self.lake.root)) not in self._stamped:
                self._stamped.add(str(log.relative_to(self.lake.root)))
                lines = [json.loads(line) for line in log.read_text().splitlines()]
                for line in lines:
                    if "commitInfo" in line:
                        line["commitInfo"]["timestamp"] = round(self.now.timestamp() * 1000)
                log.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.lake.forget()

    def copy(self, root: Path) -> Passing:
        """Another lake that is as this one is."""
        shutil.copytree(self.lake.root, root)
        other = copy(self)
        other.retention, other._stamped = dict(self.retention), set(self._stamped)
        other.lake = Lake(root)
        other.computing = other.again()
        other.lake = other.computing.lake
        return other

    def late(self, name: str, value: float, days: float = 100, meter: str = "m2", revision: int = 0) -> None:
        """A reading that arrives now and heals."""
        self.read(name, [(f"{meter}.e", FIRST + timedelta(days=days), value, revision)])
        self.computing.bring_up_to_date()
        self.stamp()

    def later(self, **more: float) -> None:
        """Time passes."""
        self.now += timedelta(**more)

    def steps(self, days: int, a_day: int = 3) -> None:
        """Some days on each of which readings arrive a few times."""
        for _ in range(days):
            for _ in range(a_day):
                self.later(hours=1)
                number = (self.now - BEGIN) // timedelta(hours=1)
                self.late(f"at {self.now}", float(number % 7), 100 + number / 24)
            self.later(hours=24 - a_day)

    @property
    def closings(self) -> Closings:
        """Its closings, as a process that opens it now sees them."""
        return Closings(self.computing.engine, self.computing.catalog, self.computing.calendar)

    @property
    def figures(self) -> Figures:
        """Its figures, as a process that opens it now sees them."""
        figures = Figures(self.again())
        figures.closed = self.closings.of
        return figures

    def again(self) -> Computing:
        """Its computing, as a process that opens it now has it."""
        return Computing(Lake(self.lake.root), self.computing.catalog, self.computing.calendar, self.buckets)

    def let_go(self, computing: Computing | None = None, **more: Any) -> Gone:
        """One run of retention, by now."""
        district: Any = SimpleNamespace(settings={"retention": self.retention})
        bites = let_go(computing or self.again(), self.closings, district, self.now, **more)
        gone = reduce(Gone.__add__, bites, Gone())
        self.lake.forget()
        return gone

    def logs(self, table: str) -> list[int]:
        """The versions whose log is there."""
        return sorted(int(log.stem) for log in (self.lake.folder(table) / "_delta_log").glob("*.json"))

    def on_disk(self, table: str) -> set[str]:
        """The files of a table that are on disk."""
        folder = self.lake.folder(table)
        return {file.relative_to(folder).as_posix() for file in folder.rglob("period=*/**/*.parquet")}


def opened(figures: Figures, address: str, depth: int = 4) -> Any:
    """A figure opened down to the readings: its value and the rows below, without the versions that they are of."""
    why = figures.why(address)
    below = []
    for each in why.inputs:
        rows = [dict(row) for row in each.rows]
        first = [f"{row.figures[0].address}@{row.version}" for row in each.rows[:1] if each.kind == "derived" and depth]
        deeper = [opened(figures, address, depth - 1) for address in first]
        below.append((each.name, each.total, rows, deeper))
    return why.figure.value, why.code, below
