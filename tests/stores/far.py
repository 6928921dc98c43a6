"""The toy lake in which time passes, in an object store."""

from __future__ import annotations

import json
from copy import copy
from pathlib import Path

from scicity.kernel.computing import Computing
from scicity.kernel.lake import Lake
from scicity.stores import Objects
from scicity.stores.folder import LOG
from tests.retention.passing import Passing


class Far(Passing):
    """Passing, whose lake lies in a store; `again` opens it as another process of the same machine does."""

    def __init__(self, root: Path, store: Objects) -> None:
        self.store = store
        super().__init__(root, store=store)

    def stamp(self) -> None:
        """Stamps what was committed since with the time that it is now."""
        for path, _, _ in self.store.listed():
            if f"/{LOG}/" in path and path.endswith(".json") and path not in self._stamped:
                self._stamped.add(path)
                lines = [json.loads(line) for line in bytes(self.store.read(path)).splitlines()]
                for line in lines:
                    if "commitInfo" in line:
                        line["commitInfo"]["timestamp"] = round(self.now.timestamp() * 1000)
                lines = sorted(lines, key=lambda line: "commitInfo" not in line)
                text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
                self.store.write(path, text.encode())
        self.lake.forget()

    def again(self) -> Computing:
        """Its computing, as a process that opens it now has it."""
        store = Objects(self.store.address, self.store.copies.root)
        return Computing(Lake(self.lake.root, store), self.computing.catalog, self.computing.calendar, self.buckets)

    def copy(self, root: Path) -> Far:
        """Another lake that is as this one is."""
        other = copy(self)
        other.store = Objects(f"{self.store.address}-{root.parent.name}", root.parent / "cache")
        for path, _, _ in self.store.listed():
            other.store.write(path, self.store.read(path))
        other._stamped, other.retention = set(self._stamped), dict(self.retention)
        other.lake = Lake(root, other.store)
        other.computing = other.again()
        other.lake = other.computing.lake
        return other

    def logs(self, table: str) -> list[int]:
        """The versions whose log is there."""
        log = f"{table.replace('.', '/')}/{LOG}"
        names = [path.rpartition("/")[2] for path, _, _ in self.store.listed(log)]
        return sorted(int(name.removesuffix(".json")) for name in names if name[:20].isdigit() and name.endswith(".json"))

    def on_disk(self, table: str) -> set[str]:
        """The files of a table that lie in the store."""
        return set(self.store.files_of(table))
