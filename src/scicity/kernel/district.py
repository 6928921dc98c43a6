"""A district is a folder, and nothing else: this reads it, and says everything that is wrong with it at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from scicity.kernel.calendar import Calendar
from scicity.kernel.files import is_plain, plain_files, read_csv, text_of
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Catalog, Source, source
from scicity.vocabulary import TYPES, conversion, term, terms

LONGEST_CELL = 20_000  # characters; longer is not a register's field
PARTITIONS = ("months", "days")  # of the large tables
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
# What keeps rows out of a table: whether others refer to what is not there cannot be told then.
HIDES_ROWS = ("column-missing", "encoding", "file-kind", "syntax", "too-large")
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
        settings = _read_toml(folder / "district.toml", "district.toml", problems)
        told = bool(settings)
        if not isinstance(settings.get("district", {}), dict):
            problems.add("value", "district.toml", None, "district", found=settings["district"], expected="a table [district]")
            settings["district"], told = {}, False
        about = settings.setdefault("district", {})
        for name in ("slug", "name", "timezone") if told else ():
            if name not in about:
                problems.add("field-missing", "district.toml", field=name, expected=f"{name} in the table [district]")
        _check_settings(settings, problems)
        return cls(folder, settings)

    @property
    def slug(self) -> str:
        """Its short name, as in its folder and addresses."""
        return str(self.settings["district"].get("slug", self.folder.resolve().name))

    def name(self, language: str) -> str:
        """Its name in `zh` or `en`."""
        names = self.settings["district"].get("name", {})
        return str(names.get("zh" if language.startswith("zh") else "en", self.slug))

    @property
    def buckets(self) -> int:
        """Into how many buckets keys are spread within a period (`[lake] buckets`, 1 unless said)."""
        return int(self.settings.get("lake", {}).get("buckets", 1))

    @property
    def by_days(self) -> bool:
        """Whether the large tables are partitioned by days, not by months (`[lake] partitions = "days"`)."""
        return bool(self.settings.get("lake", {}).get("partitions") == "days")

    @cached_property
    def calendar(self) -> Calendar:
        """The district's local time."""
        return Calendar(str(self.settings["district"].get("timezone", "UTC")))

    def sources(self, catalog: Catalog, problems: Problems) -> dict[str, pa.Table]:
        """Every source of the catalog as an Arrow table; all faults of all files go to `problems`."""
        tables: dict[str, pa.Table] = {}
        hidden: set[str] = set()
        for declared in catalog.sources:
            before = len(problems)
            tables[declared.name] = self.read(declared, problems)
            if any(problem.code in HIDES_ROWS for problem in problems.items[before:]):
                hidden.add(declared.name)
        for declared in catalog.sources:
            _check_references(declared, tables, hidden, problems)
            if declared.check:
                declared.check(tables[declared.name], tables, problems)
        return tables

    def read(self, declared: Source, problems: Problems) -> pa.Table:
        """A source as an Arrow table; its faults go to `problems`."""
        base = declared.packaged or self.folder
        rows: list[dict[str, Any]] = []
        # what district.toml is was told when it was opened
        about_files = Problems() if declared is ZONE else problems
        for file, place in plain_files(base, declared.path, about_files):
            raw = declared.parse(file, place, problems) if declared.parse else read_csv(file, place, declared, problems)
            rows += typed_rows(raw, place, declared, self.calendar, problems)
        _check_key(declared, rows, problems)
        _check_periods(declared, rows, self.calendar, problems)
        return pa.Table.from_pylist(rows, schema=declared.schema)


def _read_toml(file: Path, place: str, problems: Problems) -> dict[str, Any]:
    if not is_plain(file, place, problems, inside=file.parent):
        return {}
    text = text_of(file.read_bytes(), place, problems)
    try:
        return tomllib.loads(text or "")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:  # ValueError: numbers of too many digits
        at = re.search(r"at line (\d+)", str(error))
        problems.add("syntax", place, int(at[1]) if at else None, found=error, expected="TOML")
        return {}


def _check_settings(settings: dict[str, Any], problems: Problems) -> None:
    """Refuses settings that cannot be, and puts defaults in their place so that the other checks can run."""
    about, lake = settings["district"], settings.setdefault("lake", {})
    if "slug" in about and not (isinstance(about["slug"], str) and SLUG.fullmatch(about["slug"])):
        expected = "a short name of at most 64 of a-z, 0-9 and -"
        problems.add("value", "district.toml", field="slug", found=about.pop("slug"), expected=expected)
    names = about.get("name", {})
    if not isinstance(names, dict) or any(not isinstance(name, str) for name in names.values()):
        problems.add("value", "district.toml", field="name", found=about.pop("name"), expected='{ zh = "…", en = "…" }')
    try:
        ZoneInfo(about.setdefault("timezone", "UTC"))
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        problems.add("value", "district.toml", field="timezone", found=about["timezone"], expected="an IANA time zone")
        about["timezone"] = "UTC"
    buckets = lake.get("buckets", 1) if isinstance(lake, dict) else None
    if type(buckets) is not int or not 1 <= buckets <= 1024:
        problems.add("value", "district.toml", field="lake.buckets", found=buckets, expected="a whole number from 1 to 1024")
        lake = settings["lake"] = {}
    if lake.get("partitions", "months") not in PARTITIONS:
        found = lake.pop("partitions")
        problems.add("value", "district.toml", field="lake.partitions", found=found, expected=" or ".join(PARTITIONS))


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
            except (ValueError, InvalidOperation, OverflowError, RecursionError):
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
    if isinstance(cell, (list, dict)):  # TOML has them, a register's field has not
        raise ValueError("a list or a table")
    text = str(cell).strip()
    if kind == "text":
        if len(text) > LONGEST_CELL:
            raise ValueError(text[:20])
        text.encode()  # half a surrogate pair is no text
        return text
    if kind == "boolean":
        return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else _fault(text)
    if kind == "integer":
        return int(text) if abs(int(text)) < 2**63 else _fault(text)
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
            problems.add(
                "range", *where, found=value, expected=f"from {low:,.12g} to {high:,.12g} {term(column).symbol}".strip()
            )


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


def _check_periods(declared: Source, rows: list[dict[str, Any]], calendar: Calendar, problems: Problems) -> None:
    if not declared.during:
        return

    def told(moment: Any) -> str:
        return moment.astimezone(calendar.tz).isoformat() if isinstance(moment, datetime) else str(moment or "open")

    begin, end = declared.during
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        if row[begin] is not None and row[end] is not None and row[end] <= row[begin]:
            problems.add(
                "period", row["source_file"], row["source_row"], end, found=told(row[end]), expected=f"after {told(row[begin])}"
            )
        groups.setdefault(tuple(row[c] for c in declared.key_of_period or declared.grain), []).append(row)
    for group in groups.values():
        dated = sorted((row for row in group if row[begin] is not None), key=lambda row: row[begin])
        for earlier, later in _neighbours(dated, end):
            if earlier[end] is None or earlier[end] > later[begin]:
                problems.add(
                    "periods-overlap",
                    later["source_file"],
                    later["source_row"],
                    begin,
                    found=told(later[begin]),
                    expected=f"not before the end of row {earlier['source_row']} ({told(earlier[end])})",
                )


def _neighbours(dated: list[dict[str, Any]], end: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each row with the one before it that lasts longest."""
    longest: dict[str, Any] | None = None
    for row in dated:
        if longest is not None:
            yield longest, row
        if longest is None or row[end] is None or (longest[end] is not None and row[end] > longest[end]):
            longest = row


def _check_references(declared: Source, tables: dict[str, pa.Table], hidden: set[str], problems: Problems) -> None:
    for column, target in declared.references.items():
        name, _, theirs = target.rpartition(".")
        if name in hidden:
            continue  # some of its rows could not be read: which of them are missing cannot be told
        known = set(tables[name].column(theirs).to_pylist())
        table = tables[declared.name]
        for value, file, row in zip(*(table.column(c).to_pylist() for c in (column, "source_file", "source_row")), strict=True):
            if value is not None and value not in known:
                problems.add("reference", file, row, column, found=value, expected=f"a {theirs} of {name}")


def check_above(table: pa.Table, key: str, above: str, problems: Problems) -> None:
    """Adds a problem for every row that stands above itself: `above` names the row over it by its `key`."""
    rows = {row[key]: row for row in table.to_pylist()}
    over = {name: row[above] for name, row in rows.items()}
    for name, row in rows.items():
        path, at = [name], over[name]
        while at is not None and at in over and at not in path:
            path.append(at)
            at = over[at]
        if at is not None and at == name:
            found = " → ".join((*(str(step) for step in path), str(at)))
            problems.add("circle", row["source_file"], row["source_row"], above, found=found, expected=f"no {key} above itself")


ZONE_HEAD = re.compile(r"[ \t]*\[\[[ \t]*zone[ \t]*\]\]")


def _parse_zones(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
    ignored = Problems()  # reported where district.toml was opened
    zones = _read_toml(file, place, ignored).get("zone", [])
    if len(ignored):
        return []
    if not isinstance(zones, list) or any(not isinstance(zone, dict) for zone in zones):
        problems.add("value", place, None, "zone", found=zones, expected="a table [[zone]] for each zone")
        return []
    heads = [n for n, line in enumerate(file.read_text("utf-8-sig").split("\n"), start=1) if ZONE_HEAD.match(line)]
    rows = []
    for number, zone in enumerate(zones, start=1):
        line = heads[number - 1] if len(heads) == len(zones) else None
        for column in zone.keys() - set(ZONE.columns):
            problems.add("column-unknown", place, line, column, found=column, expected="one of " + ", ".join(ZONE.columns))
        rows.append({**dict.fromkeys(c for c in ZONE.columns if c not in ZONE.optional), **zone, "source_row": line or number})
    if not any(row.get("zone") == ROOT_ZONE for row in rows):
        found = ", ".join(str(row.get("zone")) for row in rows)
        problems.add("zone-root", place, None, "zone", found=found, expected=f"a zone {ROOT_ZONE!r}")
    return [{**row, **{k: "" for k, v in row.items() if v is None}} for row in rows]


def _check_zones(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    check_above(table, "zone", "parent", problems)


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
    check=_check_zones,
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
