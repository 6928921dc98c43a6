"""Copies of a store's files in a folder of this machine, bounded: those that were asked for longest ago go first."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from scicity.stores.folder import StoreRefused, put

SPARED = 900  # [s] for which a copy that was asked for is not let go of: somebody may be reading it
CACHE = 10.0  # [GB] of copies, unless SCICITY_LAKE_CACHE says otherwise


class Copies:
    """Copies below `root`, at most `limit` bytes of them, of files that are named by the digest of their content."""

    def __init__(self, root: Path, limit: float | None = None) -> None:
        self.root, self.limit = Path(root), _limit() if limit is None else limit
        self._lock = threading.Lock()
        self._taken: float | None = None  # [bytes] that the copies take, about
        self._crowded = 0.0  # [bytes] from which on it is worth looking again, where all may be in use

    def keep(self, path: str, content: pa.Buffer) -> None:
        """Keeps a copy, and lets go of others where there are more than may be."""
        put(self.root / path, content)
        self._make_room(content.size)

    def drop(self, paths: Iterable[str]) -> None:
        """Lets go of copies of what is deleted in the store."""
        for path in paths:
            (self.root / path).unlink(missing_ok=True)

    def mend(self) -> list[str]:
        """Takes copies away that the machine's end tore: those that are not what their names say."""
        torn = []
        for file in self.root.rglob("*.parquet"):
            with file.open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest()[:32] != file.stem:
                    torn.append(file)
        for file in torn:
            file.unlink()
        return [f"{file.relative_to(self.root)}: a torn copy" for file in torn]

    def _make_room(self, more: int) -> None:
        """Lets go of the copies that were asked for longest ago, where there are more than may be."""
        with self._lock:
            if self._taken is not None:
                self._taken += more
            if self._taken is not None and self._taken <= max(self.limit, self._crowded):
                return
            found = []
            for file in self.root.rglob("*.*"):
                with suppress(FileNotFoundError):
                    found.append((file.stat().st_mtime, file.stat().st_size, file))
            self._taken = sum(size for _, size, _ in found)
            spared = time.time() - SPARED
            for asked, size, file in sorted(found):
                if self._taken <= self.limit * 0.9 or asked > spared:
                    break
                file.unlink(missing_ok=True)
                self._taken -= size
            self._crowded = self._taken + self.limit / 20 if self._taken > self.limit else 0.0


def _limit() -> float:
    said = os.environ.get("SCICITY_LAKE_CACHE") or str(CACHE)
    if not re.fullmatch(r"\d+(\.\d+)?", said):
        raise StoreRefused(f"SCICITY_LAKE_CACHE is {said!r}, and not a number of GB")
    return float(said) * 1e9


def touched(file: Path) -> bool:
    """Whether a copy is there; if so it was asked for just now."""
    try:
        os.utime(file)
    except FileNotFoundError:
        return False
    return True
