"""Restore: a back-up becomes the state of a district, wholly or not at all.

Everything is verified before anything is changed: the manifest, and every content by its digest, again while it is copied. The
new state is put together beside the place where it belongs and moved there at the end; what was there is set aside with a
number, never deleted. Nobody may be using it meanwhile.

After a restore the inbox still holds what had not been moved at the moment of the back-up, and the lake tells up to which
number it holds what came: `arrive` goes on from there. What was acknowledged later is gone, unless its device
remembers: `collect` asks for everything since the back-up, for that is when it last heard of each datastream.
"""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from scicity.cockpit.place import Place
from scicity.documents.keeping import CONTENTS
from scicity.kernel.lake import Lake
from scicity.kernel.problems import Problems
from scicity.operation import carrying
from scicity.operation.backup import (
    DUMP,
    INBOX,
    RECORDS,
    BackupFailed,
    content_of,
    damaged,
    digest_of_file,
    digest_of_folder,
    newest,
    postgres_tool,
    read_manifest,
    sync,
)
from scicity.operation.presence import LOCK, nobody_present
from scicity.stores import Objects, store_at

KEPT = ("secret", "arrival.log")  # of the state that was there: no back-up holds them
WORTHLESS = (LOCK, ".backup.lock", "lake", "cache")  # a lake without a table, copies of one


@dataclass(frozen=True)
class Restored:
    """What was restored: from which manifest, of when, how many files, and where what was there lies now."""

    manifest: Path
    taken: str
    files: int
    set_aside: Path | None
    same_folder: bool  # whether the district's folder is as it was


def restore(place: Place, source: Path, replace: bool = False) -> Restored:
    """Makes a back-up (a manifest, or the newest in a folder) the state of a district; with `replace` also where there is one.

    Raises Refused with every file of the back-up that is damaged, and BackupFailed where it is none, where it is another
    district's, where there is a state already, or where somebody uses it. Nothing has changed then.
    """
    manifest = newest(source, place.slug)
    told, problems = read_manifest(manifest), Problems()
    if told["district"] != place.slug:
        raise BackupFailed(f"{manifest} is of the district {told['district']}, not of {place.slug}")
    kind = "postgresql" if place.database else "sqlite"
    if told["database"] != kind:
        raise BackupFailed(f"{manifest} was taken with {told['database']}, and here is {kind} (SCICITY_DATABASE)")
    damaged(manifest, told, problems)
    problems.refuse()
    _refuse_occupied_store(place, manifest)
    with nobody_present(place.state) as alone:
        if not alone:
            raise BackupFailed(f"{place.state} is in use: end `up`, `serve`, `arrive` and `collect` first")
        occupied = is_occupied(place)
        if occupied and not replace:
            raise BackupFailed(f"{occupied} holds a state already; with --replace it is set aside")
        with Lake(place.state / "lake").alone() if (place.state / "lake").exists() else nullcontext():
            set_aside = _exchange(place, manifest, told["files"], bool(occupied))
    same = digest_of_folder(place.district) == told["district_folder"]
    return Restored(manifest, told["taken"], len(told["files"]), set_aside, same)


def is_occupied(place: Place) -> str:
    """Where there is a state already; empty where there is none."""
    if any((place.state / name).exists() for name in (INBOX, RECORDS)) or any((place.state / "lake").glob("*/*/_delta_log")):
        return str(place.state)
    if place.database:
        import psycopg

        query = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        try:
            with psycopg.connect(place.database, connect_timeout=30) as connection:
                row = connection.execute(query).fetchone()
        except psycopg.Error as error:
            raise BackupFailed(f"the database does not answer: {str(error).strip()}") from error
        if row and row[0]:
            return "the database"
    return ""


def _refuse_occupied_store(place: Place, manifest: Path) -> None:
    store = store_at(place.state, place.slug)
    try:
        there = isinstance(store, Objects) and carrying.occupied(store, manifest)
    except OSError as error:
        raise BackupFailed(str(error)) from error
    if there:
        raise BackupFailed(f"{store.address} holds a lake already, and none is set aside there: name another SCICITY_LAKE")


def _exchange(place: Place, manifest: Path, files: dict[str, list[object]], occupied: bool) -> Path | None:
    state, parent = place.state, place.state.parent
    fresh = parent / f".{place.slug}.restoring"
    shutil.rmtree(fresh, ignore_errors=True)  # of a restore that was killed
    fresh.mkdir(mode=0o700)
    try:
        dump = _copied(manifest, files, fresh)
        for name in KEPT:
            if (state / name).exists():
                shutil.copy2(state / name, fresh / name)
        store = store_at(place.state, place.slug)
        if isinstance(store, Objects):
            carrying.put(store, fresh / "lake", manifest)
        if dump:
            options = ["--single-transaction", "--exit-on-error", "--clean", "--if-exists", "--no-owner", "--no-privileges"]
            postgres_tool(place.database, "pg_restore", *options, str(dump))
            dump.unlink()
        fresh.chmod(state.stat().st_mode)
        number = 1 + sum(1 for _ in parent.glob(f"{place.slug}@*"))
        aside = parent / f"{place.slug}@{number}"
        state.rename(aside)
        fresh.rename(state)
        sync(parent)
    except OSError as error:
        raise BackupFailed(f"{type(error).__name__}: {error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    if occupied or {each.name for each in aside.iterdir()} - {*KEPT, *WORTHLESS}:
        return aside
    shutil.rmtree(aside)
    return None


def _copied(manifest: Path, files: dict[str, list[object]], to: Path) -> Path | None:
    """Copies the contents to their paths and looks at each again; the dump of a database, where there is one."""
    for path, (digest, *_) in files.items():
        target = to / path
        if not target.resolve().is_relative_to(to.resolve()):
            raise BackupFailed(f"{manifest} names {path}, which lies outside of the state")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(content_of(manifest.parent, str(digest)), target)
        sync(target)
        if digest_of_file(target) != digest:
            raise BackupFailed(f"{path} could not be copied whole")
        if path in (INBOX, RECORDS, DUMP):
            target.chmod(0o600)
        if path.startswith(f"{CONTENTS}/"):  # closed to others, as documents/keeping.py makes them
            target.chmod(0o600)
            target.parent.chmod(0o700)
            target.parent.parent.chmod(0o700)
    return to / DUMP if DUMP in files else None
