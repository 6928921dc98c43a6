"""Files of a district as they may come: only plain files inside of the folder are opened, and none without a limit."""

from __future__ import annotations

import csv
import io
import stat
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from scicity.kernel.problems import Problems
from scicity.kernel.tables import Source

LARGEST = 32 << 20  # bytes of a file that people write; readings and layers have limits of their own
MOST_FIELDS = 1_000  # of a row
MOST_ROWS = 500_000  # of a file that people write
MOST_BROKEN = 20  # rows with broken quotes after which a file is given up


def plain_files(base: Path, pattern: str, problems: Problems, largest: int = LARGEST) -> list[tuple[Path, str]]:
    """The files of a folder that fit a pattern, each with its place in the folder, in order.

    A link that leads out of the folder, a folder, pipe or device, and a file above `largest` [bytes] are problems and left out.
    """
    found = []
    for file in sorted(base.glob(pattern)):
        place = str(file.relative_to(base))
        if is_plain(file, place, problems, inside=base, largest=largest):
            found.append((file, place))
    return found


def is_plain(file: Path, place: str, problems: Problems, *, inside: Path | None = None, largest: int = LARGEST) -> bool:
    """Whether a file can be opened and read as a whole; where not, `problems` says why. Nothing of it is read."""
    try:
        if inside is not None and not file.resolve().is_relative_to(inside.resolve()):
            problems.add(
                "file-kind", place, found="a link that leads out of the folder", expected="a file of the folder itself"
            )
            return False
        state = file.stat()
    except FileNotFoundError:
        linked = file.is_symlink()
        found = "a link that leads nowhere" if linked else ""
        problems.add("file-kind" if linked else "file-missing", place, found=found, expected="a file")
        return False
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        problems.add("file-kind", place, found=error, expected="a file that can be read")
        return False
    if not stat.S_ISREG(state.st_mode):
        kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
        found = next((name for is_kind, name in kinds if is_kind(state.st_mode)), "a device")
        problems.add("file-kind", place, found=found, expected="a plain file")
        return False
    if state.st_size > largest:
        problems.add("too-large", place, found=f"{state.st_size} bytes", expected=f"at most {largest} bytes")
        return False
    return True


def text_of(raw: bytes, place: str, problems: Problems) -> str | None:
    """The text of a file in UTF-8, with or without its mark; None where it is none, with the line of the first fault."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        found = raw[error.start : error.start + 4].hex(" ")
        problems.add("encoding", place, line, found=f"bytes {found}{_looks_like(raw)}", expected="UTF-8")
        return None
    if "\x00" in text:
        problems.add("encoding", place, text[: text.index("\x00")].count("\n") + 1, found="NUL", expected="text")
        return None
    return text


def _looks_like(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ", which look like UTF-16"
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return ", which look like GB 18030"


def read_csv(file: Path, place: str, declared: Source, problems: Problems) -> list[dict[str, Any]]:
    """The rows of a CSV as text, each with its `source_row`; the header and the shape of each line are checked."""
    text = text_of(file.read_bytes(), place, problems)
    if text is None:
        return []
    lines = _records(list(io.StringIO(text, newline="")), place, problems)
    before = len(problems)
    _, header = next(lines, (1, []))
    if len(problems) > before:
        return []  # the header itself is broken, and no row can stand for it
    if len(header) > MOST_FIELDS:
        problems.add("too-large", place, 1, found=f"{len(header)} columns", expected=f"at most {MOST_FIELDS}")
        return []
    check_header(header, declared.columns, place, problems, declared.optional)
    rows: list[dict[str, Any]] = []
    for row, cells in lines:
        if len(rows) == MOST_ROWS:
            problems.add("too-large", place, row, found="more rows", expected=f"at most {MOST_ROWS} rows in a file")
            break
        if len(cells) != len(header):
            problems.add("row-width", place, row, found=f"{len(cells)} fields", expected=f"{len(header)} fields")
            continue
        rows.append({**dict(zip(header, cells, strict=True)), "source_row": row})
    return rows


def check_header(
    header: list[str], known: Collection[str], place: str, problems: Problems, optional: Collection[str] = ()
) -> None:
    """Adds a problem for every column that is missing, unknown or doubled."""
    for column in (c for c in known if c not in header and c not in optional):
        problems.add("column-missing", place, 1, column, found=", ".join(header), expected=f"a column {column}")
    for column, count in Counter(header).items():
        if column not in known:
            problems.add("column-unknown", place, 1, column, found=column, expected="one of " + ", ".join(known))
        if count > 1:
            problems.add("column-twice", place, 1, column, found=f"{count} columns {column}", expected="each column once")


def _records(lines: list[str], place: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV that are not empty, each with the line where it begins.

    Behind a record with broken quotes it goes on at the next line, so that one fault does not hide the others.
    """
    start, broken = 0, 0
    while start < len(lines):
        reader = csv.reader(lines[start:], strict=True)
        begin = start
        try:
            for cells in reader:
                if cells:
                    yield begin + 1, cells
                begin = start + reader.line_num
            return
        except csv.Error as error:
            broken += 1
            given_up = "; the rest of the file was not read" if broken == MOST_BROKEN else ""
            problems.add("syntax", place, begin + 1, found=f"{error}{given_up}", expected="CSV as RFC 4180 has it")
            if given_up:
                return
            start = begin + 1
