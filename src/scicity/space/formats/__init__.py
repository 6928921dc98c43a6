"""Files of layers as streams of Arrow batches: one module per kind of file, found by the suffix."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import pyarrow as pa

from scicity.kernel.problems import Problems

GEOMETRY, NUMBER, ID = "geometry", "source_row", "feature_id"  # columns of a batch beside the file's own attributes
AT_ONCE = 65_536  # features of a batch


@dataclass(frozen=True)
class Asked:
    """What is asked of a file: the layer within it, a condition on its attributes, the CRS where the file names none."""

    part: str | None = None
    where: str | None = None
    crs: str | None = None


@dataclass(frozen=True)
class Opened:
    """A file that is read: its CRS (None where neither it nor the register names one), and its batches.

    A batch has `geometry` (WKB as in the file), `source_row` (from 1), `feature_id` (the file's own, or null), the attributes.
    """

    crs: str | None
    batches: Iterator[pa.RecordBatch]


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
    """A file opened; None where it is none of a known kind or cannot be read, with its problem."""
    module = kinds().get(suffix_of(file.name))
    if module is None:
        problems.add("file-kind", place, found=file.name, expected="a file that ends in " + ", ".join(sorted(kinds())))
        return None
    opened: Opened | None = module.read(file, place, asked, problems)
    return opened
