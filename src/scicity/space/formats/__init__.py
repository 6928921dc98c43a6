"""Files of layers as streams of Arrow batches: one module per kind of file, found by the suffix.

Every kind holds little of a file at a time. What C libraries read (GDAL, Parquet) is read apart, in a process of its own
(`apart.py`), so that a file made to break them breaks nothing here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pyarrow as pa

from scicity.kernel.problems import Problems

# Columns of a batch beside the file's own attributes; PROPERTIES holds all attributes as a JSON object, where they
# differ by feature; then only those that are asked for are columns too.
GEOMETRY, NUMBER, ID, PROPERTIES = "\x1fgeometry", "\x1frow", "\x1fid", "\x1fproperties"
OURS = (GEOMETRY, NUMBER, ID, PROPERTIES)
AT_ONCE = 65_536  # features of a batch
LONGEST = 64 << 20  # bytes of one feature


@dataclass(frozen=True)
class Asked:
    """What is asked of a file: the layer within it, its CRS where the register says one, and the attributes that must be
    columns of their own."""

    part: str | None = None
    crs: str | None = None
    names: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Opened:
    """A file that is read: the CRS that it names (None where it names none), and its batches.

    A batch has GEOMETRY (WKB as in the file), NUMBER (from 1), ID (the file's own, or null), the attributes as columns, and
    PROPERTIES where the format has attributes that differ by feature. `ordered`: the format says how rings turn.
    """

    crs: Any
    batches: Iterator[pa.RecordBatch]
    ordered: bool = False


@cache
def kinds() -> dict[str, ModuleType]:
    """The modules of kinds of file by suffix: each has `SUFFIXES` and `read(file, place, asked, problems)`."""
    package = importlib.import_module(__name__)
    found: dict[str, ModuleType] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        found |= dict.fromkeys(getattr(module, "SUFFIXES", ()), module)
    return found


def suffix_of(name: str) -> str:
    """The longest known suffix of a file's name, or its last."""
    known = [suffix for suffix in kinds() if name.lower().endswith(suffix)]
    return max(known, key=len) if known else Path(name).suffix.lower()


def read(file: Path, place: str, asked: Asked, problems: Problems) -> Opened | None:
    """A file opened; None where it is none of a known kind or cannot be read, with its problem. Batches are read as they are
    taken, and what is wrong with them goes to `problems` then."""
    module = kinds().get(suffix_of(file.name))
    if module is None:
        problems.add("file-kind", place, found=file.name, expected="a file that ends in " + ", ".join(sorted(kinds())))
        return None
    opened: Opened | None = module.read(file, place, asked, problems)
    return opened


def glob_of(name: str) -> str:
    """A name as a pattern that fits it alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


class Gathering:
    """Gathers features with attributes that differ by feature until they make a batch."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.geometry: list[bytes | None] = []
        self.numbers: list[int] = []
        self.ids: list[str | None] = []
        self.properties: list[bytes | None] = []
        self.columns: dict[str, list[Any]] = {}

    def add(self, number: int, id_: str | None, properties: dict[str, Any], geometry: bytes | None = None) -> None:
        """One feature; its geometry can come later, for the whole batch."""
        at = len(self.numbers)
        self.numbers.append(number)
        self.ids.append(id_)
        self.geometry.append(geometry)
        for name in self.names.intersection(properties):
            self.columns.setdefault(name, []).extend([None] * (at - len(self.columns.get(name, ()))))
            self.columns[name].append(_text(properties[name]))
        told = {name: value for name, value in properties.items() if value is not None}
        self.properties.append(msgspec.json.encode(told, order="deterministic") if told else None)

    def batch(self, geometry: pa.Array | None = None) -> pa.RecordBatch:
        """What was gathered, as a batch; begins anew."""
        size = len(self.numbers)
        columns: dict[str, pa.Array] = {
            GEOMETRY: pa.array(self.geometry, pa.binary()) if geometry is None else geometry,
            NUMBER: pa.array(self.numbers, pa.int64()),
            ID: pa.array(self.ids, pa.string()),
        }
        for name, values in self.columns.items():
            columns[name] = pa.array([*values, *[None] * (size - len(values))], pa.string())
        columns[PROPERTIES] = pa.array(self.properties, pa.binary()).cast(pa.string())
        self.__init__(self.names)  # type: ignore[misc]
        return pa.record_batch(columns)


def _text(value: Any) -> str | None:
    """A value of JSON as text: words as they are, everything else as JSON writes it."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value, order="deterministic").decode()
