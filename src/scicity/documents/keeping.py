"""Where contents lie: below the state folder, each once, named by its SHA-256, never overwritten. Knows no Django.

<state>/documents/ab/abcd…      contents
<state>/uploads/<id>.part       what is coming
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CONTENTS, UPLOADS = "documents", "uploads"  # folders of the state folder
PIECE = 1 << 20  # [bytes]
SPARE = 200_000_000  # [bytes] of a disk that no document may take


@dataclass(frozen=True)
class Kept:
    """A file on its way in: where it lies, how long it is and its SHA-256."""

    file: Path
    size: int
    sha256: str


def path_of(state: Path, sha256: str) -> Path:
    """Where a content lies. Raises ValueError for what is no SHA-256."""
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise ValueError(f"{sha256[:80]!r} is no SHA-256")
    return state / CONTENTS / sha256[:2] / sha256


def part_of(state: Path, name: str) -> Path:
    """Where an upload is put together."""
    return folder_of(state, UPLOADS) / f"{name}.part"


def folder_of(state: Path, name: str) -> Path:
    """A folder of the state folder that is closed to others; made where it is missing."""
    folder = state / name
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync(state)
    return folder


@contextmanager
def incoming(state: Path, pieces: Iterable[bytes], most: int) -> Iterator[Kept]:
    """Pieces as a file on stable storage, for as long as the block lasts. Raises OverflowError behind `most` bytes."""
    file = part_of(state, f"form-{uuid.uuid4()}")
    digest, size = hashlib.sha256(), 0
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for piece in pieces:
                size += len(piece)
                if size > most:
                    raise OverflowError(f"more than {most} bytes")
                digest.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        yield Kept(file, size, digest.hexdigest())
    finally:
        with suppress(FileNotFoundError):
            file.unlink()


def measured(file: Path) -> Kept:
    """A file that lies there whole."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Kept(file, file.stat().st_size, digest)


def keep(state: Path, kept: Kept) -> Path:
    """Puts a content, which is on stable storage already, where it belongs; when this returns its name is so too.

    Raises OSError where other bytes lie there, which only a damaged disk can have done.
    """
    folder_of(state, CONTENTS)
    place = path_of(state, kept.sha256)
    if not place.parent.is_dir():
        place.parent.mkdir(mode=0o700, exist_ok=True)
        sync(place.parent.parent)
    kept.file.chmod(0o600)
    try:
        os.link(kept.file, place)
    except FileExistsError:
        if place.stat().st_size != kept.size:
            raise OSError(f"{place} is damaged: {place.stat().st_size} bytes, not {kept.size}") from None
    sync(place.parent)
    return place


def room(state: Path) -> int:
    """How many bytes the disk still takes."""
    told = os.statvfs(folder_of(state, UPLOADS))
    return max(0, told.f_bavail * told.f_frsize - SPARE)


def sync(path: Path) -> None:
    """Puts a folder's list of names on stable storage."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
