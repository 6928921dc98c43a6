"""Whether the members of an archive are as large as its list says: each is unpacked, a piece at a time, and nothing is kept.

A list that says less than there is deceives whoever reserves room by it. ZIP APPNOTE 4.3.7 (local headers), 4.4.5 (methods),
4.4.7 (CRC-32), RFC 1951 (DEFLATE). Knows no Django.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

PIECE = 1 << 20  # [bytes] that are read, and at most unpacked, at once
LOCAL = struct.Struct("<4sHHHHHIIIHH")
SIGNATURE = b"PK\x03\x04"
UTF8 = 0x800  # the flag of a name in UTF-8
DEFLATE = -15  # a stream without a head of its own
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class NotAsListed(Exception):  # noqa: N818  (reads as what happened)
    """A member that is not as its archive lists it: what was found, and what was expected."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"found {found}; expected {expected}")
        self.found, self.expected = found, expected


def refuse_false_sizes(file: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Raises NotAsListed for the first member whose name, size or sum of check is not as listed, or that is packed otherwise.

    At most as many bytes are unpacked as the list says, and a piece more.
    """
    with file.open("rb") as content:
        for member in members:
            if member.compress_type not in METHODS:
                found = f"{member.filename!r} packed by method {member.compress_type}"
                raise NotAsListed(found, "members that are stored or deflated")
            _to_content(content, member)
            size, check = 0, 0
            for piece in _unpacked(content, member):
                size, check = size + len(piece), zlib.crc32(piece, check)
                if size > member.file_size:
                    raise _other(member, f"more than {member.file_size} bytes unpacked")
            if size != member.file_size:
                raise _other(member, f"{size} bytes unpacked")
            if check != member.CRC:
                raise NotAsListed(f"{member.filename!r} with another sum of check", "members that are whole")


def _to_content(content: BinaryIO, member: zipfile.ZipInfo) -> None:
    """Goes behind a member's own header. Raises NotAsListed where that names another file than the list."""
    content.seek(member.header_offset)
    head = content.read(LOCAL.size)
    if len(head) < LOCAL.size or head[:4] != SIGNATURE:
        raise NotAsListed(f"no member where {member.filename!r} is listed", "a whole ZIP archive")
    fields = LOCAL.unpack(head)
    flags, method, long, extra = fields[2], fields[3], fields[9], fields[10]
    name = content.read(long).decode("utf-8" if flags & UTF8 else "cp437", "replace")
    if name != member.orig_filename or method != member.compress_type:
        raise NotAsListed(f"{name!r} where {member.orig_filename!r} is listed", "members that are as listed")
    content.seek(extra, 1)


def _unpacked(content: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """What a member unpacks to, in pieces. Raises NotAsListed where its packed bytes are not one whole stream."""
    left = member.compress_size
    if member.compress_type == zipfile.ZIP_STORED:
        while left and (piece := content.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
        return
    stream, waiting = zlib.decompressobj(DEFLATE), b""
    try:
        while not stream.eof:
            if not waiting:
                waiting = content.read(min(PIECE, left))
                left -= len(waiting)
            piece = stream.decompress(waiting, PIECE)
            if not (waiting or piece or stream.eof):
                raise NotAsListed(f"{member.filename!r} that is cut off", "members that are whole")
            waiting = stream.unconsumed_tail
            yield piece
    except zlib.error as error:
        raise NotAsListed(f"{member.filename!r} damaged ({error})", "members that are whole") from None
    if left or stream.unused_data:
        raise NotAsListed(f"something behind {member.filename!r}", "members that are one whole stream")


def _other(member: zipfile.ZipInfo, found: str) -> NotAsListed:
    return NotAsListed(f"{member.filename!r}, {found}", f"{member.file_size} bytes, as the archive lists it")
