"""What a file is by its content, and whether it is that and nothing else. Knows no Django.

Signatures: PDF ISO 32000-1 7.5.2; PNG ISO/IEC 15948 5.2; JPEG ISO/IEC 10918-1 B.1.1; TIFF 6.0 section 2; WebP RFC 9649; DWG by
its version string; DXF Reference (AutoCAD); IFC ISO 10303-21 clause 5; SQLite file format 1.3 with the application id of OGC
12-128 (GeoPackage); ZIP APPNOTE 4.3 with the parts of ECMA-376-2 for DOCX and XLSX; CSV is text and has no signature.
"""

from __future__ import annotations

import codecs
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from scicity.documents.unpacking import NotAsListed, refuse_false_sizes

HEAD = 4096  # bytes of a beginning that are looked at
TAIL = 1024
PIECE = 1 << 20
LOCAL_HEADER = 30  # bytes at least, before the name of a member
ARCHIVE_END = b"PK\x05\x06"
ARCHIVE_TAIL = 65_557  # an archive's end record and the longest comment behind it
MOST_MEMBERS = 10_000
MOST_UNPACKED = 4_000_000_000  # bytes
MOST_RATIO, SMALL = 200, 1_000_000  # a member that unpacks to more than `SMALL` bytes may be packed so much, and no more
MARKUP = re.compile(rb"<\s*(?:!doctype\s+html|html|script|svg|iframe|body|\?php|object|embed)\b|<\?php", re.IGNORECASE)
SQLITE = b"SQLite format 3\0"
GEOPACKAGE = (b"GPKG", b"GP10", b"GP11")  # application ids at byte 68


class NotTaken(Exception):  # noqa: N818  (reads as what happened)
    """A content that is not taken: the code of its problem, what was found, and what was expected."""

    def __init__(self, code: str, found: str, expected: str) -> None:
        super().__init__(f"found {found}; expected {expected}")
        self.code, self.found, self.expected = code, found, expected


def recognised(file: Path, suffix: str) -> str:
    """The name of the type of a file. `suffix` decides only where contents have no signature (CSV).

    Raises NotTaken for what is nothing that is known, or is two things at once, or unpacks to more than is sensible.
    """
    with file.open("rb") as content:
        head = content.read(HEAD)
    found = _by_signature(head)
    if found == "zip":
        found = _archive(file)
    elif found is None and suffix == "csv":
        _refuse_no_text(file)
        found = "csv"
    if found is None:
        raise NotTaken("document-type", f"a content beginning with {head[:16].hex(' ') or 'nothing'}", "a type that is taken")
    _refuse_two_things(file, found, head)
    return found


def _by_signature(head: bytes) -> str | None:
    if head.startswith(b"%PDF-1.") or head.startswith(b"%PDF-2."):
        return "pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if re.match(rb"AC10\d\d", head):
        return "dwg"
    if head.startswith(b"AutoCAD Binary DXF\r\n\x1a\0") or re.match(
        rb"(?:\xef\xbb\xbf)?(?:\s*999\r?\n[^\n]*\n)*\s*0\s*\r?\n\s*SECTION\s*\r?\n", head
    ):
        return "dxf"
    if re.match(rb"(?:\xef\xbb\xbf)?ISO-10303-21\s*;", head):
        return "ifc"
    if head.startswith(SQLITE) and head[68:72] in GEOPACKAGE:
        return "gpkg"
    return "zip" if head.startswith((b"PK\x03\x04", ARCHIVE_END)) else None


def _archive(file: Path) -> str:
    """`docx`, `xlsx` or `zip`; members are unpacked to see that the list of them is true, and not kept. Raises NotTaken."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, OverflowError) as error:
        raise NotTaken("document-content", f"a damaged archive ({error})", "a whole ZIP archive") from None
    if len(members) > MOST_MEMBERS:
        raise NotTaken("document-content", f"{len(members)} members", f"an archive of at most {MOST_MEMBERS}")
    unpacked = sum(member.file_size for member in members)
    if unpacked > MOST_UNPACKED:
        raise NotTaken("document-content", f"{unpacked} bytes unpacked", f"at most {MOST_UNPACKED} bytes unpacked")
    for member in members:
        _refuse_member(member)
    _refuse_overlap(members, file.stat().st_size)
    try:
        refuse_false_sizes(file, members)
    except NotAsListed as other:
        raise NotTaken("document-content", other.found, other.expected) from None
    names = {member.filename for member in members}
    if "[Content_Types].xml" not in names:
        return "zip"
    if any(PurePosixPath(name).name.lower() in ("vbaproject.bin", "vbadata.xml") for name in names):
        raise NotTaken("document-content", "macros", "a document without macros")
    for name, part in (("docx", "word/document.xml"), ("xlsx", "xl/workbook.xml")):
        if part in names:
            return name
    return "zip"


def _refuse_member(member: zipfile.ZipInfo) -> None:
    name = member.filename
    parts = re.split(r"[/\\]", name)
    if ".." in parts or name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or "\0" in member.orig_filename:
        raise NotTaken("document-content", f"a member named {name!r}", "members that stay within their archive")
    if member.external_attr >> 28 == 0xA:
        raise NotTaken("document-content", f"a link named {name!r}", "members that are files")
    if member.flag_bits & 1:
        raise NotTaken("document-content", f"a member under a password ({name!r})", "members that can be looked at")
    if member.file_size > SMALL and member.file_size > MOST_RATIO * max(member.compress_size, 1):
        expected = f"members that unpack to at most {MOST_RATIO} times their size"
        raise NotTaken("document-content", f"{name!r}, {member.compress_size} to {member.file_size} bytes", expected)


def _refuse_overlap(members: list[zipfile.ZipInfo], size: int) -> None:
    """Members that lie upon each other unpack to far more than the archive holds."""
    end = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < end or member.header_offset + member.compress_size > size:
            raise NotTaken("document-content", f"{member.filename!r} lies upon another", "members one behind the other")
        end = member.header_offset + LOCAL_HEADER + member.compress_size


def _refuse_no_text(file: Path) -> None:
    """Raises NotTaken for what is not text of UTF-8 or GB 18030, and for markup that a browser would run."""
    for name in ("utf-8-sig", "gb18030"):
        try:
            for number, text in enumerate(_decoded(file, name)):
                if number == 0 and MARKUP.search(text[:TAIL].encode("utf-8", "replace")):
                    raise NotTaken("document-content", "markup", "a table of text")
                if re.search(r"[\x00-\x08\x0e-\x1f]", text):
                    raise NotTaken("document-content", "control characters", "a table of text")
            return
        except UnicodeDecodeError:
            continue
    raise NotTaken("document-content", "bytes that are no text", "text of UTF-8 or GB 18030")


def _decoded(file: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    with file.open("rb") as content:
        while piece := content.read(PIECE):
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)


def _refuse_two_things(file: Path, found: str, head: bytes) -> None:
    """A file that other programs would take for something else is not taken: an archive behind a picture, a page in it."""
    size = file.stat().st_size
    with file.open("rb") as content:
        content.seek(max(0, size - ARCHIVE_TAIL))
        tail = content.read()
    packed = found in ("zip", "docx", "xlsx")
    if not packed and ARCHIVE_END in tail and zipfile.is_zipfile(file):
        raise NotTaken("document-content", f"{found} and an archive in one", "one thing alone")
    if packed and not head.startswith(b"PK"):
        raise NotTaken("document-content", "something before an archive", "one thing alone")
    if found != "pdf" and b"%PDF-" in head[:TAIL]:
        raise NotTaken("document-content", f"{found} and PDF in one", "one thing alone")
    if found not in ("pdf", "csv") and MARKUP.search(head[:256]):
        raise NotTaken("document-content", f"{found} and markup in one", "one thing alone")
    if found == "pdf" and b"%%EOF" not in tail[-2 * TAIL :]:
        raise NotTaken("document-content", "a PDF without its end", "a whole file")
    if found == "png" and b"IEND" not in tail[-TAIL:]:
        raise NotTaken("document-content", "a PNG without its end", "a whole file")
    if found == "ifc" and b"END-ISO-10303-21" not in tail[-TAIL:]:
        raise NotTaken("document-content", "an IFC without its end", "a whole file")
