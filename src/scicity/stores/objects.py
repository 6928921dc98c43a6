"""The files of a lake in an object store that speaks S3."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from scicity.stores.copies import Copies, touched
from scicity.stores.folder import LOG, StoreRefused, commit_of

ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>(/[\w.=-]+)*)/?")
PLAIN = re.compile(r"[^/.][^/]*(/[^/.][^/]*)*")  # a path that leads nowhere else
LOOKS = 1.0  # [s] between two looks for commits of others in an object store; each costs a request
NOTES = 60.0  # [s] between two looks for notes: they tell of versions of hours ago
SIDE_BY_SIDE = 8  # files that are fetched at once
CONNECTS, ANSWERS, WHOLE = 3, 10, 30  # [s] within which a store connects, sends something, and has answered deltalake
TRIES = 3


class Objects:
    """The files of a lake in a bucket of an object store, below a prefix, with copies of what was read in a folder."""

    strict = True

    def __init__(self, address: str, cache: Path, limit: float | None = None) -> None:
        """`address` is `s3://bucket/prefix`; `limit` is how many bytes of copies remain. Who may ask, and of which server, is
        told by the usual variables: AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.

        Raises StoreRefused for an address of another form.
        """
        told = ADDRESS.fullmatch(address)
        if told is None:
            found = re.sub(r"//[^/@]*@", "//***@", address)
            raise StoreRefused(f"SCICITY_LAKE is {found!r}, and not s3://bucket/prefix, without a key in it")
        self.address, self.copies = address.rstrip("/"), Copies(cache, limit)
        self.base = told["bucket"] + told["prefix"]
        self._looked: dict[str, float] = {}  # when others' commits to a table were looked for
        self._absent: dict[str, float] = {}  # when a table was not there
        self._name, self._alone = uuid.uuid4().hex.encode(), False
        self._said: dict[tuple[str, str], str] = {}
        self._states: dict[tuple[str, str], tuple[float, Hashable | None]] = {}  # of notes, and when they were looked for
        self._sizes: dict[str, tuple[int, dict[str, int]]] = {}
        self._answered = 0.0

    def __reduce__(self) -> tuple[Any, ...]:
        return Objects, (
            self.address,
            self.copies.root,
            self.copies.limit,
        )  # and no key: another process has an environment of its own

    @cached_property
    def options(self) -> dict[str, str]:
        """What deltalake is told of the store."""
        named = ("ENDPOINT_URL", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
        said = {f"AWS_{name}": os.environ[f"AWS_{name}"] for name in named if os.environ.get(f"AWS_{name}")}
        return said | {
            "AWS_REGION": _region(),
            "AWS_ALLOW_HTTP": "true" if said.get("AWS_ENDPOINT_URL", "").startswith("http://") else "false",
            "aws_conditional_put": "etag",  # a commit that is there already is not written over
            "connect_timeout": f"{CONNECTS}s",
            "timeout": f"{WHOLE}s",
            "max_retries": str(TRIES - 1),
            "retry_timeout": f"{WHOLE}s",
        }

    @cached_property
    def files(self) -> Any:
        """The store as a file system of pyarrow."""
        from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

        named = {"access_key": "ACCESS_KEY_ID", "secret_key": "SECRET_ACCESS_KEY", "session_token": "SESSION_TOKEN"}
        return S3FileSystem(
            **{theirs: os.environ.get(f"AWS_{name}") or None for theirs, name in named.items()},
            endpoint_override=os.environ.get("AWS_ENDPOINT_URL") or None,
            region=_region(),
            connect_timeout=CONNECTS,
            request_timeout=ANSWERS,
            retry_strategy=AwsStandardS3RetryStrategy(max_attempts=TRIES),
            allow_delayed_open=True,  # a small file is one request
        )

    def _uri(self, table: str) -> str:
        return f"{self.address}/{_below(table)}"

    def _key(self, table: str, path: str = "") -> str:
        return "/".join(each for each in (self.base, _below(table), path) if each)

    @contextmanager
    def asked(self) -> Iterator[None]:
        """While the store is asked for something. Raises StoreRefused where it is away or refuses."""
        try:
            yield
        except (StoreRefused, CommitFailedError, LookupError, FileNotFoundError):
            raise
        except (OSError, DeltaError, pa.ArrowException) as error:
            words = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).replace("↳", "").split())
            raise StoreRefused(f"the lake's store {self.address} does not answer as it should: {words[:400]}") from error

    def begin(self) -> None:
        """What is known of others' commits may be old: they are looked for again."""
        self._looked.clear()
        self._absent.clear()
        self._states.clear()

    @contextmanager
    def written_by_us_alone(self, lock: BinaryIO) -> Iterator[None]:
        """While a writer holds the lake's lock, in which it writes who it is.

        Where it was also the last to hold it, it knows all commits, and looks for none. If another machine wrote by mistake,
        the next commit meets its, fails, and all is looked for again.
        """
        lock.seek(0)
        if lock.read() != self._name:
            self.begin()
            lock.truncate(0)
            lock.write(self._name)
            lock.flush()
        self._alone = True
        try:
            yield
        finally:
            self._alone = False

    def looked(self, table: str) -> bool:
        """Whether others' commits to a table were looked for since a writer began."""
        return table in self._looked

    def open(self, table: str, version: int | None = None) -> DeltaTable | None:
        """A table at a version or the newest; None where it is not written yet, as far as was looked."""
        if version is None and table in self._absent and (self._alone or time.monotonic() - self._absent[table] < LOOKS):
            return None
        with self.asked():
            try:
                found = DeltaTable(self._uri(table), version=version, storage_options=self.options)
            except DeltaError as error:
                if version is not None:
                    self._states.clear()  # it may have been let go of just now
                    raise LookupError(f"{table} has no version {version}") from error
                if not isinstance(error, TableNotFoundError):
                    raise
                found, self._absent[table] = None, time.monotonic()
        if version is None:
            self._looked[table] = time.monotonic()
        return found

    def create(self, table: str, schema: Any, partitions: Sequence[str], configuration: Mapping[str, str]) -> DeltaTable:
        """A new table without rows. Raises CommitFailedError where another has just made it."""
        self._absent.pop(table, None)
        with self.asked():
            try:
                return DeltaTable.create(
                    self._uri(table),
                    schema,
                    partition_by=list(partitions),
                    configuration=dict(configuration),
                    storage_options=self.options,
                )
            except DeltaError as error:
                if self.open(table) is None:
                    raise
                raise CommitFailedError(f"{table} was made by another") from error

    def refresh(self, table: str, delta: DeltaTable) -> None:
        """Brings a table to its newest version; looks at most once in `LOOKS`."""
        if not self._known(table):
            with self.asked():
                delta.update_incremental()
            self._looked[table] = time.monotonic()

    def history(self, table: str, delta: DeltaTable, limit: int) -> list[dict[str, Any]]:
        """What the newest commits tell of themselves, each with its `version`; as far back as the log goes.

        Read here and not by deltalake, which would keep Python's lock, and with it all pages, while it waits for the store.
        """

        def told(version: int) -> dict[str, Any] | None:
            try:
                lines = bytes(self.read(f"{_below(table)}/{LOG}/{version:020d}.json")).splitlines()
            except FileNotFoundError:  # of before the log begins
                return None
            actions = [json.loads(line) for line in lines if line.startswith(b'{"commitInfo"')]
            return {**(actions[0]["commitInfo"] if actions else {}), "version": version}

        newest = int(delta.version())
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            found = list(pool.map(told, range(newest, max(newest - limit, -1), -1)))
        return [each for each in found if each is not None]

    def logged(self, table: str, since: int) -> Iterator[tuple[int, str]]:
        """The versions of a table from one on, as far as the log goes, each with what its commit says (lines of JSON)."""
        many = 1
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            while True:
                versions = range(since, since + many)
                for version, told in zip(
                    versions, pool.map(lambda at: self.noted(table, commit_of(at)), versions), strict=True
                ):
                    if told is None:
                        return
                    yield version, told
                since, many = since + many, 2 * SIDE_BY_SIDE

    def _known(self, table: str) -> bool:
        looked = self._looked.get(table)
        return looked is not None and (self._alone or time.monotonic() - looked < LOOKS)

    def keep(self, table: str, path: str, content: pa.Buffer, durable: bool, live: Iterable[str]) -> int:
        """Puts a file into the store unless the newest version has it (`live`), with a copy here; returns the time [ms]."""
        if path not in live:
            self.write(f"{_below(table)}/{path}", content)
            self.copies.keep(f"{_below(table)}/{path}", content)
        return int(time.time() * 1000)

    def sync(self, table: str, version: int) -> None:
        """A commit that the store acknowledged is on stable storage."""

    def local(self, table: str, paths: Sequence[str]) -> list[Path]:
        """Copies of files of a table, made where they are missing. Raises StoreRefused where one cannot be had."""
        base = self.copies.root / _below(table)
        strange = next((path for path in paths if not PLAIN.fullmatch(path)), None)
        if strange is not None:
            raise StoreRefused(f"{self.address} names {strange!r} in the log of {table}, which is no file of a lake")
        found = [base / path for path in paths]
        missing = [(path, file) for path, file in zip(paths, found, strict=True) if not touched(file)]
        if len(missing) == 1:
            self._fetch(table, *missing[0])
        elif missing:
            with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                list(pool.map(lambda each: self._fetch(table, *each), missing))
        return found

    def _fetch(self, table: str, path: str, file: Path) -> None:
        try:
            content = self.read(f"{_below(table)}/{path}")
        except FileNotFoundError:
            raise StoreRefused(f"{self.address} lacks {table}/{path}, which its log names") from None
        digest = hashlib.sha256(content).hexdigest()[:32]
        if digest != file.stem:
            raise StoreRefused(f"{self.address} holds {table}/{path} with SHA-256 {digest}…, which is not its name")
        self.copies.keep(f"{_below(table)}/{path}", content)

    def sizes(self, table: str, paths: Iterable[str], delta: DeltaTable | None) -> dict[str, int]:
        """The size of files [bytes] as the newest version tells; 0 for one that it has not."""
        if delta is None:
            return dict.fromkeys(paths, 0)
        at, known = self._sizes.get(table, (-1, {}))
        if at != delta.version():
            with self.asked():
                actions = pa.table(delta.get_add_actions())
            known = dict(zip(actions.column("path").to_pylist(), actions.column("size_bytes").to_pylist(), strict=True))
            self._sizes[table] = delta.version(), known
        return {path: int(known.get(path, 0)) for path in paths}

    def written(self, table: str, version: int) -> datetime | None:
        """When a version was committed, as the store tells."""
        with self.asked():
            told = self.files.get_file_info(self._key(table, f"{LOG}/{version:020d}.json"))
        return told.mtime

    def tables(self, domain: str) -> list[str]:
        """The tables of a domain that were written, but for those set aside."""
        names = {path.split("/")[1] for path, _, _ in self.listed(domain, recursive=False)}
        return [f"{domain}.{name}" for name in sorted(names) if "@" not in name]

    def set_aside(self, table: str) -> None:
        """Moves a table out of the way: a store cannot rename, so all of it is copied, and then the old one is taken away.

        Its log goes first, the newest commit before the others: what was cut off in between is still a table, and the next
        setting aside takes the rest of it away, without copying it again.
        """
        domain, name = table.split(".")
        mine = [path.removeprefix(f"{domain}/{name}/") for path, _, _ in self.listed(f"{domain}/{name}")]
        logs = sorted((path for path in mine if path.startswith(f"{LOG}/")), reverse=True)
        with self.asked(), ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            if not self._was_copied(table, logs):
                taken = {path.split("/")[1] for path, _, _ in self.listed(domain, recursive=False)}
                aside = f"{domain}.{name}@{sum(each.startswith(f'{name}@') for each in taken)}"
                list(pool.map(lambda path: self.files.copy_file(self._key(table, path), self._key(aside, path)), mine))
            notes = [path for path in mine if "/" not in path]
            for path in (
                *notes,
                *logs,
            ):  # notes first: a table of that name may be made anew; `_last_checkpoint` before numbers
                self.delete(f"{_below(table)}/{path}")
            rest = [f"{_below(table)}/{path}" for path in mine if path not in {*notes, *logs}]
            list(pool.map(self.delete, rest))
        self._states = {key: seen for key, seen in self._states.items() if key[0] != table}
        self._looked.pop(table, None)
        self._sizes.pop(table, None)
        self._said = {key: word for key, word in self._said.items() if key[0] != table}

    def _was_copied(self, table: str, logs: Sequence[str]) -> bool:
        """Whether a setting aside was cut off when it took away the log, behind the copying: all that is left lies there."""
        for aside in self.aside(table)[:1]:
            there = {path.removeprefix(f"{_below(aside)}/") for path, _, _ in self.listed(f"{_below(aside)}/{LOG}")}
            return bool(logs) and set(logs) < there and self.state(table, logs[-1]) == self.state(aside, logs[-1])
        return False

    def aside(self, table: str) -> list[str]:
        """The names, as of tables, of what was set aside of a table, the newest first."""
        domain, name = table.split(".")
        names = {path.split("/")[1] for path, _, _ in self.listed(domain, recursive=False)}
        numbers = [int(each.partition("@")[2]) for each in names if re.fullmatch(rf"{re.escape(name)}@\d+", each)]
        return [f"{table}@{number}" for number in sorted(numbers, reverse=True)]

    def state(self, table: str, path: str) -> Hashable | None:
        """What tells whether a file of a table (of the lake, where that is "") was written anew; None where there is none."""
        try:
            with self.asked(), self.files.open_input_file(self._key(table, path)) as found:
                told = found.metadata()
        except FileNotFoundError:
            return None
        return told.get("ETag") or told.get(b"ETag")

    def seen(self, table: str, path: str) -> Hashable | None:
        """The same for a note, as it was when last looked for: at most once in `NOTES`, and not by whoever alone writes."""
        at, state = self._states.get((table, path), (None, None))
        if at is None or not (self._alone or time.monotonic() - at < NOTES):
            state = self.state(table, path)
            self._states[table, path] = time.monotonic(), state
        return state

    def noted(self, table: str, path: str) -> str | None:
        """A note of a table or of the lake, or a commit, as it is now; None where there is none."""
        try:
            return bytes(self.read(self._key(table, path).removeprefix(f"{self.base}/"))).decode()
        except FileNotFoundError:
            return None

    def note(self, table: str, path: str, word: str) -> None:
        """Puts a note into the store."""
        self.write(self._key(table, path).removeprefix(f"{self.base}/"), word.encode())
        self._states.pop((table, path), None)

    def settle(self, table: str, paths: Sequence[str], whole_log: bool = False) -> None:
        """What the store acknowledged is on stable storage."""

    def files_of(self, table: str) -> Iterator[str]:
        """All data files that lie below a table, whoever names them."""
        for path, _, _ in self.listed(_below(table)):
            if "/period=" in path and path.endswith(".parquet"):
                yield path.removeprefix(f"{_below(table)}/")

    def weights(self, table: str) -> Callable[[Iterable[str]], int]:
        """Tells how many bytes files of a table take that lie there now, whoever names them."""
        there = {path.removeprefix(f"{_below(table)}/"): size for path, size, _ in self.listed(_below(table))}
        return lambda paths: sum(there.get(path, 0) for path in paths)

    def delete_files(self, table: str, paths: Sequence[str]) -> None:
        """Takes files of a table out of the store, and copies of them out of the folder."""
        self._delete_all([f"{_below(table)}/{path}" for path in paths])
        self.copies.drop(f"{_below(table)}/{path}" for path in paths)

    def clear_log(self, table: str, through: int, most: int) -> int:
        """Takes away the oldest of the log before a version, with its checkpoints, at most so many files; how many."""
        log, before = f"{_below(table)}/{LOG}", f"{through:020d}"
        names = sorted(path.rpartition("/")[2] for path, _, _ in self.listed(log))
        old = [f"{log}/{name}" for name in names if name[:20].isdigit() and name[:20] < before][:most]
        self._delete_all(old)
        return len(old)

    def _delete_all(self, paths: Sequence[str]) -> None:
        def delete(path: str) -> None:
            with suppress(FileNotFoundError):  # by a run that ended
                self.delete(path)

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            list(pool.map(delete, paths))

    def said(self, table: str, name: str) -> str | None:
        """A word that was written beside a table; None where there is none."""
        if (table, name) not in self._said:
            try:
                self._said[table, name] = bytes(self.read(f"{_below(table)}/{name}")).decode()
            except FileNotFoundError:
                return None
        return self._said[table, name]

    def say(self, table: str, name: str, word: str) -> None:
        """Writes a word beside a table."""
        self.write(f"{_below(table)}/{name}", word.encode())
        self._said[table, name] = word

    def mend(self) -> list[str]:
        """Takes copies away that the machine's end tore: those that are not what their names say."""
        return self.copies.mend()

    def trouble(self) -> str:
        """Why the store does not answer; empty where it does. Asks at most once in `LOOKS`."""
        if time.monotonic() - self._answered < LOOKS:
            return ""
        try:
            self.listed("reading", recursive=False)
        except StoreRefused as refused:
            return str(refused)
        self._answered = time.monotonic()
        return ""

    def listed(self, below: str = "", recursive: bool = True) -> list[tuple[str, int, int]]:
        """What the store holds below a folder of the lake: path in the lake, size [bytes], time [ns]; folders have neither."""
        from pyarrow.fs import FileSelector, FileType

        where = f"{self.base}/{below}".rstrip("/")
        with self.asked():
            found = self.files.get_file_info(FileSelector(where, allow_not_found=True, recursive=recursive))
        kinds = (FileType.File,) if recursive else (FileType.File, FileType.Directory)
        wanted = [each for each in found if each.type in kinds]
        return sorted((each.path.removeprefix(f"{self.base}/"), each.size or 0, each.mtime_ns or 0) for each in wanted)

    def read(self, path: str) -> pa.Buffer:
        """The content of a file of the lake. Raises FileNotFoundError where there is none."""
        with self.asked(), self.files.open_input_file(f"{self.base}/{path}") as source:
            return source.read_buffer()

    def write(self, path: str, content: pa.Buffer | bytes) -> None:
        """Puts a file of the lake into the store; when this returns, the store has acknowledged all of it."""
        with self.asked(), self.files.open_output_stream(f"{self.base}/{path}") as out:
            out.write(content)

    def delete(self, path: str) -> None:
        """Takes a file of the lake out of the store."""
        with self.asked():
            self.files.delete_file(f"{self.base}/{path}")


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def _below(table: str) -> str:
    """Where in a lake a table lies."""
    return table.replace(".", "/")
