"""CityJSON (1.0 to 2.0) and CityJSON text sequences: solids to footprints with height and elevation, read as a stream.

A city model is never held as a whole: its vertices lie in a temporary file that is mapped, its objects come one at a time, and
of a batch no more is kept than footprints. Each object with a geometry is a feature, a building's part too (`parent` in its
details; it has its parent's attributes where the parent, without a geometry of its own, stands before it). The footprint is the
ground surfaces where the model tells them, else the outline of all faces that do not stand upright; inner shells have no part.
"""

from __future__ import annotations

import mmap
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import ijson
import msgspec
import numpy as np
import pyarrow as pa

from scicity.kernel.problems import Problems
from scicity.space.formats import LONGEST, Asked, Opened
from scicity.space.formats.footprints import Broken, Plan, Vertices

WHOLE, SEQUENCES = (".city.json", ".cityjson"), (".city.jsonl", ".cityjsonl", ".city.jsonseq", ".cityjsonseq")
SUFFIXES = (*WHOLE, *SEQUENCES)
VERSIONS = ("1.0", "1.1", "2.0")
AT_ONCE = 20_000  # objects of a batch
BLOCK = 1 << 20
DEEPEST = 64  # brackets within brackets
MEMBERS = ("type", "version", "transform", "metadata", "CityObjects")
MOST_PARENTS = 1_000_000  # whose attributes are remembered
CODE = re.compile(r"/EPSG/[^/]*/(\d+)$")
BROKEN = (ijson.JSONError, msgspec.MsgspecError, UnicodeDecodeError, ValueError, TypeError, OverflowError, RecursionError)


def read(file: Path, place: str, asked: Asked, problems: Problems) -> Opened | None:
    """A city model. `part` names a level of detail (`lod2`, `2.2`), a kind of object (`Building`), or both with `/` between."""
    reading = _Reading(place, asked, problems)
    try:
        opened = _sequence(file, reading) if file.name.lower().endswith(SEQUENCES) else _model(file, reading)
    except BROKEN as error:
        problems.add("syntax", place, found=error, expected="CityJSON " + ", ".join(VERSIONS))
        return None
    return opened


def _check_head(head: dict[str, Any]) -> None:
    if head.get("type") != "CityJSON" or not str(head.get("version", "")).startswith(VERSIONS):
        raise ValueError(f"{head.get('type')} {head.get('version', '')}")


def _crs_of(head: dict[str, Any]) -> str | None:
    about = head.get("metadata")
    told = about.get("referenceSystem") if isinstance(about, dict) else None
    code = CODE.search(told) if isinstance(told, str) else None
    return f"EPSG:{code[1]}" if code else told if isinstance(told, str) else None


def _moved(head: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    told = head.get("transform")
    if told is None:
        return np.ones(3), np.zeros(3)
    if not isinstance(told, dict) or not {"scale", "translate"} <= told.keys():
        raise ValueError(f"transform {told}")
    scale, move = (np.array(told[name], dtype=float) for name in ("scale", "translate"))
    if scale.shape != (3,) or move.shape != (3,) or not np.isfinite([scale, move]).all():
        raise ValueError(f"transform {told}")
    return scale, move


# --- a whole model ---


def _model(file: Path, reading: _Reading) -> Opened:
    there = _members(file)
    head: dict[str, Any] = {name: _member(file, name) for name in ("type", "version", "transform", "metadata") if name in there}
    _check_head(head)
    vertices = Vertices(_vertices(file), *_moved(head))
    if "CityObjects" not in there:
        raise ValueError("no CityObjects")
    return Opened(_crs_of(head), reading.batches(_objects(file, vertices)))


def _objects(file: Path, vertices: Vertices) -> Iterator[tuple[str, Any, Vertices]]:
    with file.open("rb") as opened:
        for name, told in ijson.kvitems(opened, "CityObjects", use_float=True, buf_size=BLOCK):
            yield name, told, vertices


def _members(file: Path) -> set[str]:
    """The members that may be there, by their names alone. Raises ValueError where brackets stand too deep: ijson's time is
    the square of the depth."""
    found: set[str] = set()
    depth, inside, last = 0, False, b""
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            found |= {name for name in MEMBERS if f'"{name}"'.encode() in last + block}
            last = block[-40:]
            if (len(block) - len(block.rstrip(b"\\"))) % 2:
                block += opened.read(1)  # what is escaped stays with its mark
            text = np.frombuffer(block.replace(b"\\\\", b"").replace(b'\\"', b""), np.uint8)
            quoted = (np.cumsum(text == ord('"')) + inside) % 2 == 1
            steps = np.isin(text, (0x5B, 0x7B)).astype(np.int64) - np.isin(text, (0x5D, 0x7D))
            depths = depth + np.cumsum(np.where(quoted, 0, steps))
            if depths.size:
                if depths.max() > DEEPEST:
                    raise ValueError(f"brackets deeper than {DEEPEST}")
                depth, inside = int(depths[-1]), bool(quoted[-1])
    return found


def _member(file: Path, name: str) -> Any:
    """A small member of the model; None where there is none."""
    with file.open("rb") as opened:
        return next(ijson.items(opened, name, use_float=True, buf_size=BLOCK), None)


def _vertices(file: Path) -> np.ndarray:
    """All vertices, mapped from a temporary file that nobody else sees."""
    count = 0
    kept = tempfile.TemporaryFile(prefix="scicity-vertices-")  # noqa: SIM115  (the map keeps it)
    with file.open("rb") as opened:
        rows: list[Any] = []

        def write() -> None:
            block = np.array(rows, dtype=object)
            if block.shape != (len(rows), 3) or not all(type(number) in (int, float) for number in block.flat):
                raise ValueError(f"a vertex near number {count} that is no three numbers")
            kept.write(block.astype(float).tobytes())
            rows.clear()

        for row in ijson.items(opened, "vertices.item", use_float=True, buf_size=BLOCK):
            rows.append(row)
            count += 1
            if len(rows) == 100_000:
                write()
        if rows:
            write()
    kept.flush()
    return np.memmap(kept, float, "r", shape=(count, 3)) if count else np.empty((0, 3))


# --- a sequence ---


def _sequence(file: Path, reading: _Reading) -> Opened:
    with file.open("rb") as opened:
        line = opened.readline(LONGEST).strip(b"\x1e\xef\xbb\xbf \r\n")
    head = msgspec.json.decode(line, type=dict[str, Any])
    _check_head(head)
    moved = _moved(head)

    def objects() -> Iterator[tuple[str, Any, Vertices]]:
        with file.open("rb") as opened:
            opened.readline(LONGEST)
            number = 1
            while line := opened.readline(LONGEST):
                number += 1
                text = line.strip(b"\x1e\xef\xbb\xbf \r\n")
                if not text:
                    continue
                told = msgspec.json.decode(text, type=dict[str, Any])
                if told.get("type") != "CityJSONFeature" or not isinstance(told.get("CityObjects"), dict):
                    raise ValueError(f"line {number}: {told.get('type')} where a CityJSONFeature must stand")
                at = np.array(told.get("vertices") or np.empty((0, 3)))
                if at.ndim != 2 or at.shape[1] != 3 or at.dtype.kind not in "if":
                    raise ValueError(f"line {number}: vertices that are no rows of three numbers")
                for name, each in told["CityObjects"].items():
                    yield name, each, Vertices(at, *moved)

    return Opened(_crs_of(head), reading.batches(objects()))


# --- objects ---


class _Reading:
    """Makes features of objects as they come."""

    def __init__(self, place: str, asked: Asked, problems: Problems) -> None:
        self.place, self.asked, self.problems = place, asked, problems
        self.parents: dict[str, dict[str, Any]] = {}
        self.lod = self.kind = ""
        for word in (asked.part or "").split("/"):
            number = word.lower().removeprefix("lod")
            if number[:1].isdigit():
                self.lod = number
            else:
                self.kind = word

    def batches(self, objects: Iterable[tuple[str, Any, Vertices]]) -> Iterator[pa.RecordBatch]:
        """Features by some thousand; what is wrong with an object goes to the problems with its number."""
        plan, number, mapped = Plan(self.asked.names, self.refuse), 0, None
        try:
            for name, told, vertices in objects:
                number += 1
                mapped = getattr(vertices.at, "_mmap", None)
                try:
                    self._feature(name, told, vertices, plan, number)
                except Broken as error:
                    self.refuse(number, name, error)
                if len(plan.features) == AT_ONCE:
                    yield plan.batch()
                    plan = Plan(self.asked.names, self.refuse)
                    if mapped is not None:
                        mapped.madvise(mmap.MADV_DONTNEED)  # pages that were read need not stay
            if plan.features:
                yield plan.batch()
        except BROKEN as error:
            self.problems.add("syntax", self.place, number + 1, found=error, expected="CityJSON")

    def refuse(self, number: int, name: str, error: Broken) -> None:
        """Tells what is wrong with an object."""
        expected = "an object of CityJSON with its geometry"
        self.problems.add("geometry", self.place, number, "geometry", found=f"{name}: {error}", expected=expected)

    def _feature(self, name: str, told: Any, vertices: Vertices, plan: Plan, number: int) -> None:
        if not isinstance(told, dict) or not isinstance(told.get("type"), str):
            raise Broken("no object with a type")
        attributes = told.get("attributes") or {}
        if not isinstance(attributes, dict):
            raise Broken("attributes that are no object")
        geometry = told.get("geometry") or []
        if not isinstance(geometry, list) or not all(isinstance(each, dict) for each in geometry):
            raise Broken("geometry that is no list of geometries")
        if not geometry and told.get("children"):
            if len(self.parents) < MOST_PARENTS:
                self.parents[name] = attributes
            return
        if self.kind and told["type"] not in (self.kind, f"{self.kind}Part"):
            return
        chosen = self._chosen(geometry)
        if chosen is None:
            if self.lod and geometry:
                return  # not of the level that was asked for
            raise Broken("empty")
        parents = told.get("parents")
        parent = str(parents[0]) if isinstance(parents, list) and parents else None
        properties = {**self.parents.get(parent or "", {}), **attributes}
        if parent is not None:
            properties.setdefault("parent", parent)
        properties.setdefault("lod", str(chosen.get("lod", "")))
        properties.setdefault("feature_class", told["type"])
        plan.add((number, name, properties), chosen, vertices)

    def _chosen(self, geometry: list[dict[str, Any]]) -> dict[str, Any] | None:
        """The geometry of the level that is asked for, else of the highest."""
        best = None
        for each in geometry:
            lod = str(each.get("lod", "0"))
            if self.lod and lod != self.lod and lod.split(".")[0] != self.lod:
                continue
            if best is None or lod > str(best.get("lod", "0")):
                best = each
        return best
