"""Small files of every type that is taken, as their own programs write them; and what looks like one and is not."""

from __future__ import annotations

import io
import sqlite3
import struct
import zipfile
import zlib
from pathlib import Path

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
TIFF = b"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
DWG = b"AC1032\x00\x00\x00\x00\x00" + bytes(64)
DXF = b"999\nmade up\n  0\nSECTION\n  2\nHEADER\n  0\nENDSEC\n  0\nEOF\n"
IFC = b"ISO-10303-21;\nHEADER;\nFILE_SCHEMA(('IFC4'));\nENDSEC;\nDATA;\nENDSEC;\nEND-ISO-10303-21;\n"
CSV = "建筑,面积\n一号楼,1200\n".encode()


def png() -> bytes:
    """A picture of one point."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def zipped(members: dict[str, bytes], packed: bool = True) -> bytes:
    """An archive of members, the same bytes whenever it is made."""
    out, how = io.BytesIO(), zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, how)
    return out.getvalue()


def docx(**more: bytes) -> bytes:
    """A document of Word with as little in it as can be."""
    return zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:document/>", **more})


def xlsx() -> bytes:
    """A workbook of Excel with as little in it as can be."""
    return zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})


def gpkg(folder: Path) -> bytes:
    """A GeoPackage without layers."""
    file = folder / "made.gpkg"
    file.unlink(missing_ok=True)
    with sqlite3.connect(file) as made:
        made.execute("PRAGMA application_id = 0x47504B47")
        made.execute("CREATE TABLE gpkg_contents (table_name TEXT)")
    made.close()
    return file.read_bytes()


def every(folder: Path) -> dict[str, tuple[str, bytes]]:
    """A name and content of each type."""
    return {
        "pdf": ("a.pdf", PDF),
        "png": ("a.png", png()),
        "jpeg": ("a.JPG", JPEG),
        "tiff": ("a.tif", TIFF),
        "webp": ("a.webp", WEBP),
        "docx": ("a.docx", docx()),
        "xlsx": ("a.xlsx", xlsx()),
        "dwg": ("a.dwg", DWG),
        "dxf": ("a.dxf", DXF),
        "ifc": ("a.ifc", IFC),
        "csv": ("a.csv", CSV),
        "gpkg": ("a.gpkg", gpkg(folder)),
        "zip": ("a.zip", zipped({"plan.txt": b"plan"})),
    }


def overlapping() -> bytes:
    """An archive of twenty members that are all the same bytes of it."""
    content = zlib.compress(bytes(200_000))[2:-4]
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0, zlib.crc32(bytes(200_000)), len(content), 200_000, 1, 0)
    body = local + b"a" + content
    listed = b""
    for number in range(20):
        name = f"{number}".encode()
        fields = (
            0x02014B50,
            20,
            20,
            0,
            8,
            0,
            0,
            zlib.crc32(bytes(200_000)),
            len(content),
            200_000,
            len(name),
            0,
            0,
            0,
            0,
            0,
            0,
        )
        listed += struct.pack("<IHHHHHHIIIHHHHHII", *fields) + name
    return body + listed + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 20, 20, len(listed), len(body), 0)


def lying(content: bytes, says: int, packed: bytes | None = None, checked: bool = True) -> bytes:
    """An archive of one member that says of itself, and lists, another size than it unpacks to.

    Where it is `checked`, the sum of check is that of as many bytes as it says, so that who stops there sees no fault.
    """
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = stream.compress(content) + stream.flush() if packed is None else packed
    check = zlib.crc32(content[:says]) if checked else 0
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0, check, len(packed), says, 1, 0) + b"a" + packed
    listed = struct.pack(
        "<IHHHHHHIIIHHHHHII", *(0x02014B50, 20, 20, 0, 8, 0, 0, check, len(packed), says, 1), *(0, 0, 0, 0, 0, 0)
    )
    return local + listed + b"a" + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(listed) + 1, len(local), 0)
