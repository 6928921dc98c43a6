"""Back-up: lake, inbox, records and documents of a running district as of one moment, in a folder that holds each content once.

**Why one moment, and which.** A batch leaves the inbox in three steps: it is committed to the lake, with its number; then the
inbox forgets it. From an inbox that is older than the lake, numbers would be given again that the lake holds already, and the
readings behind them would be taken for moved: lost. From a lake that is older than the inbox, what was moved in between is in
neither: lost. So neither may come first. All moving is done under the lake's lock (`Lake.alone`); under the same lock, which
is held for as long as it takes to name files and no longer, the lake's files are linked and the inbox' state is pinned by a
transaction that reads. Senders are acknowledged meanwhile, but nothing moves. What is acknowledged before that moment is in
the back-up, in the lake or in the inbox; what comes behind it is not. The files are copied afterwards: those of the lake never
change, and the transaction goes on seeing the inbox as it was. Records (people, devices, what they did) depend on neither.
Documents never change either, and lie there before a record names them: they are linked behind that moment. Of uploads that
are not finished the back-up has no content; they begin anew.

    TO/<district>-<moment>.json     the manifest: every file with its digest, and a digest of the manifest itself
    TO/content/ab/abcd…             each content once, named by its SHA-256, for all back-ups in the folder

A file that the back-up before knows by its path, size and time is not read again. On the same file system contents are hard
links; a back-up that is to survive the disk goes to another. The key that signs sessions is not in it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scicity.cockpit.place import Place
from scicity.documents.keeping import CONTENTS
from scicity.kernel.lake import Lake
from scicity.kernel.problems import Problems
from scicity.operation import carrying
from scicity.retention import held_back
from scicity.stores import Objects, store_at

FORMAT = 1
INBOX, RECORDS, DUMP = "inbox.sqlite3", "records.sqlite3", "database.dump"
PATIENCE = 30  # [s] for another that writes
CHUNK = 1 << 20  # [bytes]
STAGE = ".backup"  # of the state folder: what is linked and copied until it is in the back-up
OTHER_LOCK = "lock"  # the lake's own; it holds nothing


class BackupFailed(Exception):  # noqa: N818  (reads as what happened)
    """A back-up or restore that could not be made, and why; nothing was changed but what it says."""


@dataclass(frozen=True)
class BackedUp:
    """What a back-up did: its manifest, how many files it holds, and how many of them (and bytes) were new."""

    manifest: Path
    files: int
    fresh: int
    fresh_bytes: int


def back_up(place: Place, to: Path, keep: int = 0) -> BackedUp:
    """Backs a district up while it runs. With `keep`, so many of its newest back-ups in the folder remain, and no older.

    Raises BackupFailed where another back-up is under way, or what has to be read or written cannot be.
    """
    if to.resolve().is_relative_to(place.state.resolve()):
        raise BackupFailed(f"{to} lies within the state that is to be backed up")
    try:
        to.mkdir(parents=True, exist_ok=True)
        place.state.mkdir(parents=True, exist_ok=True)
        with _alone(to / "lock"), _alone(place.state / f"{STAGE}.lock"), _stage(place.state / STAGE) as stage:
            before = _manifests(to, place.slug)
            known = read_manifest(before[-1])["files"] if before else {}
            taken, same = copy_of(place, stage, known, lambda digest: content_of(to, digest).is_file())
            files, fresh, size = _kept(stage, to, known)
            files |= same
            told = {
                "format": FORMAT,
                "district": place.slug,
                "taken": taken.isoformat(),
                "database": "postgresql" if place.database else "sqlite",
                "district_folder": digest_of_folder(place.district),
                "files": files,
            }
            manifest = to / f"{place.slug}-{taken:%Y%m%dT%H%M%S.%fZ}.json"
            _write(manifest, json.dumps(told | {"digest": digest_of(told)}, indent=0).encode())
            _let_go(to, place.slug, keep)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"{type(error).__name__}: {error}") from error
    return BackedUp(manifest, len(files), fresh, size)


def copy_of(place: Place, stage: Path, known: carrying.Known, has: Callable[[str], bool]) -> tuple[datetime, carrying.Known]:
    """Links and copies lake, inbox and records into an empty folder, all as of one moment, which is returned.

    Beside it: what of a lake in an object store was not copied, because it is `known` and the back-up `has` its content.
    """
    store = store_at(place.state, place.slug)
    lake, pinned, snapshot = Lake(place.state / "lake", store), dict[str, sqlite3.Connection](), ""
    with ExitStack() as until_copied:
        if isinstance(store, Objects):
            until_copied.enter_context(held_back(lake))  # a folder's files are linked, and stay
        with lake.alone():
            taken = datetime.now(UTC)
            objects = carrying.listed(store) if isinstance(store, Objects) else []
            _link(lake.root, stage / "lake")
            if place.database:
                snapshot = until_copied.enter_context(_pinned_postgres(place.database))
            else:
                there = [name for name in (INBOX, RECORDS) if (place.state / name).exists()]
                pinned = {name: until_copied.enter_context(_pinned_sqlite(place.state / name)) for name in there}
        _link(place.state / CONTENTS, stage / CONTENTS)  # none is changed or deleted: all that the records name are there
        for name, connection in pinned.items():
            _copy_sqlite(connection, stage / name)
        if snapshot:
            _dump(place.database, snapshot, stage / DUMP)
        if isinstance(store, Objects):
            return taken, carrying.fetch(store, objects, stage / "lake", known, has)
    return taken, {}


def read_manifest(file: Path) -> dict[str, Any]:
    """A manifest, whole. Raises BackupFailed where it is none, is damaged, or was written by a later SciCity."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        digest, form = told.pop("digest"), told["format"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupFailed(f"{file} is no manifest of a back-up, or a damaged one: {error}") from error
    if digest != digest_of(told):
        raise BackupFailed(f"{file} is damaged: its digest is not that of its content")
    if form != FORMAT:
        raise BackupFailed(f"{file} has form {form}; this SciCity reads {FORMAT}")
    return told


def newest(source: Path, district: str) -> Path:
    """The manifest that is meant: the file itself, or the newest of a district in a folder. Raises BackupFailed for none."""
    if source.is_file():
        return source
    found = _manifests(source, district)
    if not found:
        raise BackupFailed(f"{source} holds no back-up of {district}")
    return found[-1]


def damaged(manifest: Path, told: dict[str, Any], problems: Problems) -> None:
    """Adds a problem for each file of a back-up whose content is missing or is not what it was."""
    seen: dict[str, str] = {}
    for path, (digest, size, _) in told["files"].items():
        if digest not in seen:
            seen[digest] = _fault(content_of(manifest.parent, digest), digest, size)
        if seen[digest]:
            problems.add("backup-damaged", path, found=seen[digest], expected=f"{size} bytes with SHA-256 {digest}")


def content_of(folder: Path, digest: str) -> Path:
    """Where a folder of back-ups keeps a content."""
    return folder / "content" / digest[:2] / digest


def digest_of(told: dict[str, Any]) -> str:
    """The SHA-256 of what a manifest tells."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def digest_of_file(file: Path) -> str:
    """The SHA-256 of a file's content."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def digest_of_folder(folder: Path) -> str:
    """A SHA-256 of the names and contents of all files below a folder, hidden ones left out."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.is_file() and not any(part.startswith(".") for part in name.parts):
            digest.update(f"{name.as_posix()}\0{digest_of_file(file)}\n".encode())
    return digest.hexdigest()


def sync(path: Path) -> None:
    """Puts a file, or a folder's list of names, on stable storage."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def postgres_tool(address: str, *command: str) -> None:
    """Runs a program of PostgreSQL on a database, its password in the environment and not in the list of processes.

    Raises BackupFailed with what it said where it is missing or fails.
    """
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    told = conninfo_to_dict(address)
    password = told.pop("password", None)
    secret = {} if password is None else {"PGPASSWORD": str(password)}
    program = shutil.which(command[0])
    if program is None:
        raise BackupFailed(f"{command[0]} is not installed (Debian: postgresql-client)")
    arguments = [program, *command[1:], f"--dbname={make_conninfo(**told)}"]
    done = subprocess.run(arguments, env=os.environ | secret, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BackupFailed(f"{command[0]}: {done.stderr.strip()}")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFailed(f"another back-up or restore is under way ({lock})") from None
        yield


@contextmanager
def _stage(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)  # of a back-up that was killed
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    """Links every file of the lake but its lock and what somebody was writing when they were killed."""
    for folder, _, names in os.walk(source):
        there = target / Path(folder).relative_to(source)
        there.mkdir(parents=True, exist_ok=True)
        for name in names:
            if not name.endswith(".tmp") and (folder, name) != (str(source), OTHER_LOCK):
                os.link(Path(folder) / name, there / name)


@contextmanager
def _pinned_sqlite(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that goes on seeing a file as it is now."""
    with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it reads
        yield connection


def _copy_sqlite(source: sqlite3.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, with no journal beside it
    target.chmod(0o600)
    sync(target)


@contextmanager
def _pinned_postgres(address: str) -> Iterator[str]:
    """The name of a snapshot of a database as it is now, which others can read while this holds."""
    import psycopg

    try:
        connection = psycopg.connect(address, connect_timeout=PATIENCE)
    except psycopg.Error as error:
        raise BackupFailed(f"the database does not answer: {str(error).strip()}") from error
    with connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield str(row[0]) if row else ""


def _dump(address: str, snapshot: str, target: Path) -> None:
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
    postgres_tool(address, "pg_dump", *options)
    target.chmod(0o600)


def _kept(stage: Path, to: Path, known: dict[str, list[Any]]) -> tuple[dict[str, list[Any]], int, int]:
    """Puts what is new into the contents; digest, size [bytes] and time [ns] of each file by its path; files and bytes new."""
    files, fresh, size = {}, 0, 0
    for file in sorted(each for each in stage.rglob("*") if each.is_file()):
        path, state = file.relative_to(stage).as_posix(), file.stat()
        digest, *same = known.get(path, ["", 0, 0])
        if same != [state.st_size, state.st_mtime_ns] or not content_of(to, digest).is_file():
            digest = digest_of_file(file)
            if not content_of(to, digest).is_file():
                _keep(file, content_of(to, digest))
                fresh, size = fresh + 1, size + state.st_size
        files[path] = [digest, state.st_size, state.st_mtime_ns]
    for folder in {content_of(to, digest).parent for digest, *_ in files.values()}:
        sync(folder)
    return files, fresh, size


def _keep(file: Path, content: Path) -> None:
    content.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, content)
    except OSError:  # another file system
        passing = content.with_suffix(".tmp")
        shutil.copyfile(file, passing)
        shutil.copymode(file, passing)
        sync(passing)
        passing.replace(content)


def _write(file: Path, content: bytes) -> None:
    passing = file.with_suffix(".tmp")
    passing.write_bytes(content)
    sync(passing)
    passing.replace(file)
    sync(file.parent)


def _manifests(folder: Path, district: str) -> list[Path]:
    """The back-ups of a district in a folder, the newest last."""
    return sorted(folder.glob(f"{district}-[0-9]*T*Z.json"))


def _let_go(to: Path, district: str, keep: int) -> None:
    """Removes all back-ups of a district but so many of the newest, and the contents that no back-up of the folder names."""
    old = _manifests(to, district)[:-keep] if keep else []
    if not old:
        return
    for manifest in old:
        manifest.unlink()
    named = {digest for left in to.glob("*-[0-9]*T*Z.json") for digest, *_ in read_manifest(left)["files"].values()}
    for content in to.glob("content/*/*"):
        if content.name not in named:
            content.unlink()


def _fault(content: Path, digest: str, size: int) -> str:
    """What is wrong with a content; empty where nothing is."""
    try:
        if content.stat().st_size != size:
            return f"{content.stat().st_size} bytes"
        found = digest_of_file(content)
    except OSError as error:
        return f"{content}: {error.strerror}"
    return "" if found == digest else f"SHA-256 {found}"
