"""A lake in an object store, carried into a back-up and out of one.

A back-up of it has the same form as one of a lake in a folder, so that it can be restored into either: that is how a lake
moves. Objects are listed under the lake's lock and fetched behind it, because they never change; one that the back-up before
knows by its path, size and time is not fetched again. Notes (`_record.json`) are written over: nothing is let go of meanwhile,
and they are fetched each time. A restore puts all where nothing lies yet, and touches nothing else.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from scicity.kernel.retired import RETIRED
from scicity.stores import Objects, StoreRefused
from scicity.stores.folder import LOG

HINT = "_last_checkpoint"  # of a log; the one object that is written over, and can be done without
UNDER_WAY = ".restoring"  # beside the tables, while they are put there
SIDE_BY_SIDE = 8

Known = dict[str, list[Any]]  # digest, size [bytes] and time [ns] by path, as a manifest has them
Listed = list[tuple[str, int, int]]


def listed(store: Objects) -> Listed:
    """What a lake holds: path, size [bytes], time [ns]. Raises StoreRefused for one that a restore did not finish."""
    found = [each for each in store.listed() if not each[0].endswith(HINT)]
    if any(path == UNDER_WAY for path, _, _ in found):
        raise StoreRefused(f"a restore into {store.address} was cut off; restore again first")
    return found


def fetch(store: Objects, found: Listed, lake: Path, known: Known, has: Callable[[str], bool]) -> Known:
    """Fetches a lake's objects into a folder, but those whose content the back-up has; these are returned.

    Raises StoreRefused for one that is not what its name says, or is gone.
    """
    same: Known = {}
    missing = []
    for path, size, time in found:
        entry = known.get(f"lake/{path}", ["", -1, -1])
        if entry[1:] == [size, time] and has(entry[0]) and not _is_note(path):
            same[f"lake/{path}"] = entry
        else:
            missing.append((path, time))

    def one(each: tuple[str, int]) -> None:
        path, time = each
        content, target = store.read(path), lake / path
        if path.endswith(".parquet") and LOG not in path and hashlib.sha256(content).hexdigest()[:32] != target.stem:
            raise StoreRefused(f"{store.address} holds {path}, which is not what its name says")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        os.utime(target, ns=(time, time))

    _each(one, missing)
    return same


def occupied(store: Objects, manifest: Path) -> bool:
    """Whether something lies in a lake's place already, but for a restore of the same back-up that was cut off."""
    there = {path for path, _, _ in store.listed(recursive=False)}
    if UNDER_WAY in there:
        return bytes(store.read(UNDER_WAY)).decode() != manifest.name
    return bool(there)


def put(store: Objects, lake: Path, manifest: Path) -> None:
    """Puts the tables of a restored lake into an empty place, logs behind files, and takes them out of the folder."""
    lake.mkdir(exist_ok=True)
    tables = [each for each in lake.iterdir() if each.is_dir() and not each.name.startswith(("_", "."))]
    files = [file.relative_to(lake).as_posix() for table in tables for file in sorted(table.rglob("*")) if file.is_file()]
    notes = [RETIRED] if (lake / RETIRED).exists() else []
    store.write(UNDER_WAY, manifest.name.encode())
    before = [*notes, *(path for path in files if f"/{LOG}/" not in path)]
    _each(lambda path: store.write(path, (lake / path).read_bytes()), before)
    for path in (path for path in files if f"/{LOG}/" in path and not path.endswith(HINT)):
        store.write(path, (lake / path).read_bytes())
    store.delete(UNDER_WAY)
    for table in tables:
        shutil.rmtree(table)
    for name in notes:
        (lake / name).unlink()


def _is_note(path: str) -> bool:
    """Whether an object of a lake is a note, which is written over, and not named by its content."""
    return path.rpartition("/")[2].startswith("_") and f"/{LOG}/" not in path


def _each(function: Callable[[Any], None], many: Iterable[Any]) -> None:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(function, many))
