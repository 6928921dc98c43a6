"""A district is a folder, and nothing else: this reads it, and says everything that is wrong with it at once."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from scicity.kernel.calendar import Calendar
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Catalog, Source, source
from scicity.vocabulary import TYPES, conversion, term, terms

LONGEST_CELL = 20_000  # characters; longer is not a register's field
ORIGINS = ("measured", "reported", "modelled", "estimated", "allocated", "manual", "stand-in")


@dataclass(frozen=True)
class District:
    """The folder of one district and what its `district.toml` says."""

    folder: Path
    settings: dict[str, Any]

    @classmethod
    def open(cls, folder: Path, problems: Problems) -> District:
        """Reads `district.toml`; faults go to `problems`, and defaults stand in so that the other checks can run."""
        folder = Path(folder)
        file = folder / "district.toml"
        settings: dict[str, Any] = {}
        try:
            settings = tomllib.loads(file.read_bytes().decode("utf-8"))
        except FileNotFoundError:
            problems.add("file-missing", file.name, expected="a file district.toml in the district's folder")
        except UnicodeDecodeError as error:
            problems.add("encoding", file.name, found=error.object[error.start : error.end].hex(), expected="UTF-8")
        except tomllib.TOMLDecodeError as error:
            problems.add("syntax", file.name, found=str(error), expected="TOML")
        about = settings.setdefault("district", {})
        if settings and not {"slug", "name", "timezone"} <= about.keys():
            missing = sorted({"slug", "name", "timezone"} - about.keys())
            problems.add("field-missing", file.name, field=", ".join(missing), expected="slug, name and timezone")
        try:
            ZoneInfo(about.setdefault("timezone", "UTC"))
        except (KeyError, ValueError, TypeError, OSError):
            problems.add("value", file.name, field="timezone", found=about["timezone"], expected="an IANA time zone")
            about["timezone"] = "UTC"
        return cls(folder, settings)

    @property
    def slug(self) -> str:
        """Its short name, as in its folder and addresses."""
        return str(self.settings["district"].get("slug", self.folder.name))

    def name(self, language: str) -> str:
        """Its name in `zh` or `en`."""
        names = self.settings["district"].get("name", {})
        return str(names.get("zh" if language.startswith("zh") else "en", self.slug))

    @property
    def buckets(self) -> int:
        """Into how many buckets keys are spread within a period (`[lake] buckets`, 1 unless said)."""
        return int(self.settings.get("lake", {}).get("buckets", 1))

    @cached_property
    def calendar(self) -> Calendar:
        """The district's local time."""
        return Calendar(str(self.settings["district"]["timezone"]))

    def sources(self, catalog: Catalog, problems: Problems) -> dict[str, pa.Table]:
        """Every source of the catalog as an Arrow table; all faults of all files go to `problems`."""
        tables = {declared.name: self._read(declared, problems) for declared in catalog.sources}
        for declared in catalog.sources:
            _check_references(declared, tables, problems)
            if declared.check:
                declared.check(tables[declared.name], tables, problems)
        return tables

    def _read(self, declared: Source, problems: Problems) -> pa.Table:
        base = declared.packaged or self.folder
        rows: list[dict[str, Any]] = []
        for file in sorted(base.glob(declared.path)):
            place = str(file.relative_to(base))
            raw = declared.parse(file, place, problems) if declared.parse else read_csv(file, place, declared, problems)
            rows += typed_rows(raw, place, declared, self.calendar, problems)
        _check_key(declared, rows, problems)
        _check_periods(declared, rows, problems)
        return pa.Table.from_pylist(rows, schema=declared.schema)


def read_csv(file: Path, place: str, declared: Source, problems: Problems) -> list[dict[str, Any]]:
    """The rows of a CSV as text, each with its `source_row`; the header and the shape of each line are checked."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.add("encoding", place, line, found=error.object[error.start : error.start + 4].hex(), expected="UTF-8")
        return []
    if "\x00" in text:
        problems.add("encoding", place, text[: text.index("\x00")].count("\n") + 1, found="NUL", expected="text")
        return []
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = next(reader, [])
        missing = [c for c in declared.columns if c not in header and c not in declared.optional]
        for column in missing:
            problems.add("column-missing", place, 1, column, found=", ".join(header), expected=f"a column {column}")
        for column in header:
            if column not in declared.columns:
                problems.add("column-unknown", place, 1, column, found=column, expected=", ".join(declared.columns))
        for column in {c for c in header if header.count(c) > 1}:
            problems.add("column-twice", place, 1, column, found=column, expected="each column once")
        rows = []
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                problems.add("row-width", place, reader.line_num, found=f"{len(cells)} fields", expected=f"{len(header)}")
                continue
            rows.append({**dict(zip(header, cells, strict=True)), "source_row": reader.line_num})
        return rows
    except csv.Error as error:
        problems.add("syntax", place, reader.line_num, found=str(error), expected="CSV as RFC 4180 has it")
        return []


def typed_rows(
    raw: Iterable[dict[str, Any]], place: str, declared: Source, calendar: Calendar, problems: Problems
) -> list[dict[str, Any]]:
    """Rows with each cell in its term's type; a cell that cannot be is a problem and becomes null."""
    rows = []
    for cells in raw:
        row: dict[str, Any] = {"source_file": place, "source_row": cells.get("source_row")}
        for column in declared.columns:
            cell = cells.get(column)
            where = (place, cells.get("source_row"), column)
            if cell is None or cell == "":
                row[column] = None
                if column not in declared.optional and column in cells:
                    problems.add("value-missing", *where, expected=term(column).en or column)
                continue
            try:
                row[column] = value_of(cell, term(column).type, calendar)
            except (ValueError, InvalidOperation, OverflowError):
                row[column] = None
                problems.add("value", *where, found=cell, expected=EXPECTED[term(column).type])
                continue
            _check_value(declared, column, row[column], where, problems)
        rows.append(row)
    return rows


EXPECTED = {
    "text": f"text of at most {LONGEST_CELL} characters",
    "integer": "a whole number",
    "real": "a finite number with a point",
    "decimal": "a decimal number with at most 6 places",
    "factor": "a decimal number with at most 12 places",
    "boolean": "true or false",
    "date": "a date such as 2023-05-31",
    "instant": "a time such as 2023-05-31T14:37:00+08:00, or a date",
}


def value_of(cell: Any, kind: str, calendar: Calendar) -> Any:
    """A cell in the type `kind` of the vocabulary; instants without an offset are local. Raises ValueError."""
    text = str(cell).strip()
    if kind == "text":
        if len(text) > LONGEST_CELL:
            raise ValueError(text[:20])
        return text
    if kind == "boolean":
        return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else _fault(text)
    if kind == "integer":
        return int(text)
    if kind == "real":
        number = float(text)
        return number if abs(number) < float("inf") else _fault(text)
    if kind in ("decimal", "factor"):
        scale = TYPES[kind].scale
        exact = Decimal(text)
        if not exact.is_finite() or abs(exact) >= Decimal(10) ** (18 - scale) or exact != round(exact, scale):
            raise ValueError(text)
        return exact
    if kind == "date":
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=calendar.tz)).astimezone(UTC)


def _fault(text: str) -> Any:
    raise ValueError(text)


def _check_value(declared: Source, column: str, value: Any, where: tuple[Any, ...], problems: Problems) -> None:
    choices = declared.choices.get(column, ORIGINS if column == "origin" else None)
    if choices and value not in choices:
        problems.add("choice", *where, found=value, expected="one of " + ", ".join(choices))
    if column in declared.ranges:
        low, high = declared.ranges[column]
        if not low <= float(value) <= high:
            problems.add("range", *where, found=value, expected=f"from {low:g} to {high:g} {term(column).symbol}".strip())


def _check_key(declared: Source, rows: list[dict[str, Any]], problems: Problems) -> None:
    seen: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[column] for column in declared.grain)
        if None in key:
            continue  # already reported as a missing or wrong value
        first = seen.setdefault(key, row)
        if first is not row:
            problems.add(
                "key-twice",
                row["source_file"],
                row["source_row"],
                ", ".join(declared.grain),
                found=", ".join(str(part) for part in key),
                expected=f"one row for it; the first is row {first['source_row']} of {first['source_file']}",
            )


def _check_periods(declared: Source, rows: list[dict[str, Any]], problems: Problems) -> None:
    if not declared.during:
        return
    begin, end = declared.during
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        if row[begin] is not None and row[end] is not None and row[end] <= row[begin]:
            problems.add("period", row["source_file"], row["source_row"], end, found=row[end], expected=f"after {row[begin]}")
        groups.setdefault(tuple(row[c] for c in declared.key_of_period or declared.grain), []).append(row)
    for group in groups.values():
        dated = sorted((row for row in group if row[begin] is not None), key=lambda row: row[begin])
        for earlier, later in pairwise(dated):
            if earlier[end] is None or earlier[end] > later[begin]:
                problems.add(
                    "periods-overlap",
                    later["source_file"],
                    later["source_row"],
                    begin,
                    found=later[begin],
                    expected=f"not before the end of row {earlier['source_row']} ({earlier[end] or 'open'})",
                )


def _check_references(declared: Source, tables: dict[str, pa.Table], problems: Problems) -> None:
    for column, target in declared.references.items():
        name, _, theirs = target.rpartition(".")
        known = set(tables[name].column(theirs).to_pylist())
        table = tables[declared.name]
        for value, file, row in zip(*(table.column(c).to_pylist() for c in (column, "source_file", "source_row")), strict=True):
            if value is not None and value not in known:
                problems.add("reference", file, row, column, found=value, expected=f"a {theirs} of {name}")


def _parse_zones(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
    try:
        zones = tomllib.loads(file.read_text(encoding="utf-8")).get("zone", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return []  # reported where district.toml was opened
    rows = []
    for number, zone in enumerate(zones, start=1):
        for column in zone.keys() - set(ZONE.columns):
            problems.add("column-unknown", place, number, column, found=column, expected=", ".join(ZONE.columns))
        rows.append({**dict.fromkeys(c for c in ZONE.columns if c not in ZONE.optional), **zone, "source_row": number})
    if not any(row.get("zone") == ROOT_ZONE for row in rows):
        problems.add("zone-root", place, found=", ".join(str(r.get("zone")) for r in rows), expected=f"zone {ROOT_ZONE!r}")
    return [{**row, **{k: "" for k, v in row.items() if v is None}} for row in rows]


def _check_datastreams(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        known = terms().get(row["property"] or "")
        if row["property"] and (known is None or known.type not in ("real", "decimal")):
            problems.add("property", *where, "property", found=row["property"], expected="a measurable term of the vocabulary")
        elif known and row["unit"]:
            try:
                conversion(row["unit"], known.unit)
            except ValueError:
                problems.add("unit", *where, "unit", found=row["unit"], expected=f"a unit that converts to {known.unit}")


ROOT_ZONE = "district"

ZONE = source(
    "district.zone",
    path="district.toml",
    columns=["zone", "parent", "name_zh", "name_en", "area", "construction_land_area", "residents", "jobs", "source"],
    optional=("parent", "area", "construction_land_area", "residents", "jobs", "source"),
    grain=["zone"],
    references={"parent": "district.zone.zone"},
    parse=_parse_zones,
    title_zh="分区",
    title_en="Zones",
    doc="The zones of the district; the zone `district` is the whole.",
)

DATASTREAM = source(
    "district.datastream",
    path="registers/datastreams.csv",
    columns=["datastream", "thing", "property", "unit", "flow", "interval_seconds", "origin", "source"],
    optional=("flow", "source"),
    grain=["datastream"],
    choices={"flow": ("forward", "reverse")},
    ranges={"interval_seconds": (1, 31_622_400)},
    check=_check_datastreams,
    title_zh="数据流",
    title_en="Datastreams",
    doc="What each device sends: which property of which thing, in which unit, how often, and whether it is measured.",
)

KERNEL_SOURCES = (ZONE, DATASTREAM)
