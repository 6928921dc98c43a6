"""After a power cut: what had not reached the disk is found, taken away, and computed again.

Readings and registers are on stable storage before anybody is told so, and derived tables are not, because they can be computed
again. What a machine that lost its power may have torn is: a checkpoint of a table's log, the last commits of a log, and
files of derived tables, whose names are the digests of what they should hold. The look is taken at the first writing after
each start of the machine.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scicity.kernel import record as records
from scicity.kernel.computing import SAME
from scicity.kernel.lake import Lake
from scicity.kernel.tables import Catalog
from scicity.retention.checkpoint import CHECKPOINT, files_of, put_together
from scicity.stores import Folder, Objects

BOOT = Path("/proc/sys/kernel/random/boot_id")  # another one after each start of the machine
LATEST = 3_600  # [s] before a table's newest file: what is older has long been written to the disk by the system itself
log = logging.getLogger(__name__)


def mend(lake: Lake, catalog: Catalog) -> list[str]:
    """Mends what the machine's last end may have torn, once per start of the machine; returns what was found, in words.

    Where anything of a derived table was torn, all derived tables are computed again with the next update.
    """
    marker, boot = lake.root / "boot", _boot()
    if not lake.root.exists() or (marker.exists() and marker.read_text(encoding="utf-8") == boot):
        return []
    with lake.alone():
        found = [word for folder in sorted(lake.root.glob("*/*/_delta_log")) for word in _mend_log(folder, catalog)]
        found += lake.store.mend()
        lake.forget()
        (lake.root / SAME).unlink(missing_ok=True)  # it may tell of commits that are gone
        shutil.rmtree(lake.root / "_compiled", ignore_errors=True)  # texts that had not reached the disk may be empty
        torn = [table.name for table in catalog.derived if _torn(lake, table.name)]
        derived = {table.name for table in catalog.derived}
        if torn or any(word.split(": ")[0] in derived for word in found):
            for table in catalog.derived:
                lake.distrust(table.name)
        found += [f"{name}: files that had not reached the disk" for name in torn]
        for word in found:
            log.warning("after the machine's last end: %s", word)
        passing = marker.with_suffix(".tmp")
        passing.write_text(boot, encoding="utf-8")
        passing.replace(marker)  # never written over: a back-up may hold a link to it
    return found


def _boot() -> str:
    try:
        return BOOT.read_text(encoding="utf-8")
    except OSError:
        return uuid.uuid4().hex  # a system that does not tell: the look is taken each time


def _mend_log(folder: Path, catalog: Catalog) -> list[str]:
    """Takes checkpoints that cannot be read out of a table's log, and torn commits at its end.

    The log begins where the table's record ends, if it has one; the checkpoint there can be put together again.
    """
    table, found = f"{folder.parent.parent.name}.{folder.parent.name}", list[str]()
    record = records.read(Folder(folder.parents[2]), table)
    for checkpoint in folder.glob("*.checkpoint*.parquet"):
        try:
            pq.read_metadata(checkpoint)
        except (pa.ArrowInvalid, OSError):
            checkpoint.unlink()
            found.append(f"{table}: torn checkpoint {checkpoint.name}")
    pointer = folder / "_last_checkpoint"
    if pointer.exists():
        with suppress(ValueError, KeyError, TypeError):
            if (folder / f"{json.loads(pointer.read_text(encoding='utf-8'))['version']:020d}.checkpoint.parquet").exists():
                pointer = Path()
        if pointer.name:
            pointer.unlink()
            found.append(f"{table}: a checkpoint that is not there")
    known = catalog.tables.get(table)
    if record.through >= 0 and known is not None and not (folder / CHECKPOINT.format(record.through)).exists():
        put_together(folder.parent, record.through, known.schema, files_of(record))
    commits = sorted(commit for commit in folder.glob("[0-9]*.json") if int(commit.stem) >= record.through)
    first = int(commits[0].stem) if commits else 0
    newest = max((commit.stat().st_mtime for commit in commits), default=0)
    whole = next(
        (at for at, commit in enumerate(commits) if int(commit.stem) != first + at or not _whole(commit, newest)), len(commits)
    )
    for commit in reversed(commits[whole:]):
        commit.unlink()
        found.append(f"{table}: torn commit {int(commit.stem)}")
    if commits and not whole:
        folder.parent.rename(folder.parent.with_name(f"{folder.parent.name}@torn-{uuid.uuid4().hex[:8]}"))
    return found


def _whole(commit: Path, newest: float) -> bool:
    if commit.stat().st_size > 0 and commit.stat().st_mtime < newest - LATEST:
        return True
    try:
        lines = commit.read_text(encoding="utf-8").splitlines()
        return bool(lines) and all(isinstance(json.loads(line), dict) for line in lines)
    except ValueError:
        return False


def _torn(lake: Lake, table: str) -> bool:
    """Whether a file that a derived table's newest version names is not what its name says; an object store's are not torn."""
    if isinstance(lake.store, Objects):
        return False
    files = [lake.folder(table) / path for path in lake.snapshot(table).paths]
    if not all(file.exists() for file in files):
        return True
    newest = max((file.stat().st_mtime for file in files), default=0)
    late = [file for file in files if file.stat().st_mtime > newest - LATEST]
    torn = [file for file in late if hashlib.sha256(file.read_bytes()).hexdigest()[:32] != file.stem]
    for file in torn:
        file.unlink()  # else computing would find a file of that name and take it for its own
    return bool(torn)
