"""A zipped Shapefile: its parts alone are taken out, by their endings, into a folder of our own, none without a limit."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pyarrow as pa

from scicity.kernel.problems import Problems
from scicity.space.formats import Asked, Opened, gdal

SUFFIXES = (".zip",)
PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
MOST_ENTRIES = 1_000
LARGEST = 4 << 30  # bytes of all parts together
RATIO = 200  # times that a part may be larger than it is packed
BLOCK = 1 << 20


def read(file: Path, place: str, asked: Asked, problems: Problems) -> Opened | None:
    """The Shapefile of an archive; `part` names it where there are several."""
    folder = Path(tempfile.mkdtemp(prefix="scicity-zip-"))
    opened = None
    try:
        taken = _taken_out(file, folder, place, asked, problems)
        if taken is not None:
            opened = gdal.read(taken, place, Asked(None, asked.crs, asked.names), problems)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        problems.add("syntax", place, found=error, expected="a ZIP archive")
    except RuntimeError as error:  # as zipfile says that a part is encrypted
        problems.add("syntax", place, found=error, expected="a ZIP archive without a password")
    if opened is None:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return Opened(opened.crs, _until_read(opened.batches, folder), opened.ordered)


def _until_read(batches: Iterator[pa.RecordBatch], folder: Path) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _taken_out(file: Path, folder: Path, place: str, asked: Asked, problems: Problems) -> Path | None:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            problems.add("too-large", place, found=f"{len(entries)} entries", expected=f"at most {MOST_ENTRIES} entries")
            return None
        parts: dict[str, dict[str, zipfile.ZipInfo]] = {}
        for entry in entries:
            name = PurePosixPath(entry.filename.replace("\\", "/"))
            hidden = name.name.startswith(".") or "__MACOSX" in name.parts
            if name.suffix.lower() in PARTS and not hidden and not entry.is_dir():
                parts.setdefault(str(name.with_suffix("")), {})[name.suffix.lower()] = entry
        whole = {PurePosixPath(stem).name: found for stem, found in parts.items() if ".shp" in found}
        stem = asked.part or (next(iter(whole)) if len(whole) == 1 else None)
        if stem not in whole:
            expected = "one of its Shapefiles: " + ", ".join(sorted(whole)[:50]) if whole else "an archive with a Shapefile"
            problems.add("reference", place, found=asked.part or "none told", expected=expected)
            return None
        left = LARGEST
        for suffix, entry in whole[stem].items():
            if stat.S_ISLNK(entry.external_attr >> 16):
                problems.add("file-kind", place, found=f"a link {entry.filename}", expected="plain files")
                return None
            most = min(left, max(entry.compress_size, 1) * RATIO + BLOCK)
            with archive.open(entry) as packed, (folder / f"layer{suffix}").open("wb") as out:
                size = 0
                while block := packed.read(BLOCK):
                    size += len(block)
                    if size > most:
                        found, expected = f"{entry.filename}, packed in {entry.compress_size} bytes", f"at most {most} bytes"
                        problems.add("too-large", place, found=found, expected=expected)
                        return None
                    out.write(block)
            left -= size
    return folder / "layer.shp"
