"""The attributes of a file as the columns of a layer: each by what the register says, else by its usual name."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from scicity.kernel.calendar import Calendar
from scicity.kernel.district import ORIGINS
from scicity.kernel.problems import Problems
from scicity.space.formats import GEOMETRY, ID, NUMBER, OURS, PROPERTIES
from scicity.space.register import ANY, STRATA, Given, Spec, givens
from scicity.space.where import Condition

# column of a layer: the field of its specification that names the attribute, and attributes that are taken untold
ATTRIBUTES = {
    "feature": ("feature_from", ("feature", "id")),
    "name_zh": ("name_zh_from", ("name_zh", "name:zh")),
    "name_en": ("name_en_from", ("name_en", "name:en", "name")),
    "feature_class": ("class_from", ("feature_class",)),
    "stratum": ("", ("stratum",)),
    "elevation": ("elevation_from", ("elevation",)),
    "height": ("height_from", ("height",)),
    "depth": ("depth_from", ("depth",)),
    "valid_from": ("valid_from_from", ("valid_from",)),
    "valid_to": ("valid_to_from", ("valid_to",)),
    "restricted_to": ("restricted_from", ("restricted_to",)),
    "origin": ("", ("origin",)),
    "source": ("", ("source",)),
}
NUMBERS, TIMES = ("elevation", "height", "depth"), ("valid_from", "valid_to")
LONGEST_ID, LONGEST_DETAILS = 200, 100_000  # characters
CONVERTED = "converted_from"  # a detail of features that were shifted
ESTIMATED = "_estimated_from"  # behind a column: the detail that tells by what a number of metres was estimated
OWN_ID = "@id"  # as an attribute: the id that the file itself gives to a feature


class Telling:
    """Tells the columns of a layer from the batches of its file."""

    def __init__(self, spec: Spec, place: str, calendar: Calendar, problems: Problems, chosen: Condition | None = None) -> None:
        self.spec, self.place, self.calendar, self.problems, self.chosen = spec, place, calendar, problems, chosen
        self.shifted = ""
        self.seen: dict[str, None] = {}  # attributes of all batches
        self.told = {
            column: told
            for column, (named, _) in ATTRIBUTES.items()
            if named and (told := givens(getattr(spec, named), column in NUMBERS))
        }
        usual = {name for column in ATTRIBUTES for name in self._usual(column)}
        given = {each.name for told in self.told.values() for each in told}
        self.asked = {*(chosen.names if chosen else ()), *(name for name, _, _ in spec.classes)}  # by which features are chosen
        self.names = frozenset(given | usual | self.asked)
        self.connection = duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": False})
        self.connection.execute(f"SET TimeZone = '{calendar.tz.key}'")

    def _usual(self, column: str) -> tuple[str, ...]:
        usual = ATTRIBUTES[column][1]
        return (*usual, self.spec.layer.removesuffix("s")) if column == "feature" else usual  # `zone` of the layer `zones`

    def met(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The features of a batch that meet the condition and have a class, where classes are told; an attribute that the batch
        has not is null."""
        self.seen |= dict.fromkeys(name for name in batch.schema.names if name not in OURS)
        if not self.asked:
            return batch
        columns = {name: batch.column(name) for name in batch.schema.names if name in self.asked}
        if OWN_ID in self.asked and OWN_ID not in columns and ID in batch.schema.names:
            columns[OWN_ID] = batch.column(ID)
            self.seen[OWN_ID] = None
        columns |= {name: pa.nulls(len(batch), pa.string()) for name in self.asked if name not in columns}
        asked = [self.chosen.sql] if self.chosen else []
        asked += [f"{self._class(list(columns))} IS NOT NULL"] if self.spec.classes else []
        text = f"SELECT coalesce({' AND '.join(f'({each})' for each in asked)}, FALSE) AS met FROM data"
        return batch.filter(self._asked(text, pa.table(columns)).column("met").combine_chunks())

    def _class(self, theirs: list[str]) -> str:
        """The class of a feature by the rows that tell it, the first that fits."""
        cases = []
        for name, value, feature_class in self.spec.classes:
            if name in theirs:
                cell = _cell(name)
                fits = f"{cell} IS NOT NULL" if value == ANY else f"{cell} = {_text(value)}"
                cases.append(f"WHEN {fits} THEN {_text(feature_class)}")
        return f"CASE {' '.join(cases)} END" if cases else "NULL::VARCHAR"

    def _asked(self, text: str, data: pa.Table, values: tuple[Any, ...] = ()) -> pa.Table:
        self.connection.register("data", data)
        try:
            found: pa.Table = self.connection.execute(text, values).to_arrow_table()
        finally:
            self.connection.unregister("data")
        return found

    def finish(self) -> None:
        """Tells of attributes that the register names and no feature has."""
        wanted = [tuple(each.name for each in given) for given in self.told.values()]
        wanted += [(name,) for name in (sorted(self.chosen.names) if self.chosen else ())]
        wanted += [tuple(dict.fromkeys(name for name, _, _ in self.spec.classes))] if self.spec.classes else []
        for names in dict.fromkeys(wanted):
            if not any(name in self.seen for name in names):  # of several the first with a value counts: one is enough
                found, expected = ", ".join(list(self.seen)[:40]), f"an attribute {' or '.join(names)}"
                self.problems.add("column-missing", self.place, None, names[0], found=found, expected=expected)

    def table(self, batch: pa.RecordBatch) -> pa.Table:
        """The rows of a batch; what cannot be is a problem with its feature's number."""
        if OWN_ID in self.names and OWN_ID not in batch.schema.names and ID in batch.schema.names:
            batch = batch.append_column(OWN_ID, batch.column(ID))
        theirs = [name for name in batch.schema.names if name not in OURS]
        self.seen |= dict.fromkeys(theirs)
        used: dict[str, tuple[Given, ...]] = {}
        for column in ATTRIBUTES:
            given = self.told.get(column) or tuple(Given(name) for name in self._usual(column))
            there = tuple(each for each in given if each.name in theirs)
            if there:  # of the usual names of one thing the first that the file has, but of names of a feature each
                used[column] = there if column in self.told or column.startswith("name_") else there[:1]
        found = self._asked(self._query(used, theirs, PROPERTIES in batch.schema.names), pa.table(_plain(batch)), self._said())
        self._check(found, used)
        found = found.append_column("source_file", pa.array([self.place] * len(found), pa.string()))
        found = found.append_column("source_row", found.column(NUMBER))
        schema = self.spec.table.schema
        return found.select(schema.names).cast(schema)

    # --- the query ---

    def _said(self) -> tuple[Any, ...]:
        spec = self.spec
        return (spec.stratum, spec.feature_class, spec.origin, spec.source, spec.valid_from, spec.valid_to)

    def _query(self, used: dict[str, tuple[Given, ...]], theirs: list[str], by_feature: bool) -> str:
        """The declared columns by SQL: cells, then values of their types, then what is said of the whole layer where there is
        none. `bad <column>` is a cell that is no value."""
        cells = [
            f"coalesce({', '.join(_cell(each.name) for each in used[column])}) AS {_name('c ' + column)}"
            if column in used
            else f"NULL::VARCHAR AS {_name('c ' + column)}"
            for column in ATTRIBUTES
        ]
        values, bad = [], []
        for column in (*NUMBERS, *TIMES):
            cell = _name("c " + column)
            value = _metres(used.get(column, ())) if column in NUMBERS else _time(cell)
            values.append(f"{value} AS {_name('v ' + column)}")
            bad.append(f"CASE WHEN {_name('v ' + column)} IS NULL THEN {cell} END AS {_name('bad ' + column)}")
        origin = 'coalesce("c origin", $3::VARCHAR)'
        if self.shifted:  # a place that the inverse of no official formula gave is an estimate
            origin = f"CASE WHEN {origin} IN ('measured', 'reported') THEN 'estimated' ELSE {origin} END"
        number = f"{_name(NUMBER)}::VARCHAR"
        feature = '"c feature"' if "feature" in self.told else f'coalesce("c feature", {_name(ID)}, {number})'
        depth = "CASE WHEN \"v depth\" > 0 THEN 'underground' ELSE 'surface' END"
        kind = self._class(theirs) if self.spec.classes else '"c feature_class"'
        columns = [
            f"{feature} AS feature",
            *(f"{_name('c ' + column)} AS {column}" for column in ("name_zh", "name_en", "restricted_to")),
            *(f"{_name('v ' + column)} AS {column}" for column in NUMBERS),
            f'coalesce("c stratum", $1::VARCHAR, {depth}) AS stratum',
            f"coalesce({kind}, $2::VARCHAR) AS feature_class",
            f"{origin} AS origin",
            'coalesce("c source", $4::VARCHAR) AS source',
            'coalesce("v valid_from", $5::TIMESTAMPTZ) AS valid_from',
            'coalesce("v valid_to", $6::TIMESTAMPTZ) AS valid_to',
            f"{self._details(used, theirs, by_feature)} AS details",
        ]
        told = [name for name in self.spec.table.columns if name not in ("digest", "geometry")]
        digest = ", ".join(f"coalesce({name}::VARCHAR, '')" for name in told)
        return (
            f"WITH cells AS (SELECT *, {', '.join(cells)} FROM data), "
            f"vals AS (SELECT *, {', '.join(values)} FROM cells), "
            f"told AS (SELECT *, {', '.join(bad)} FROM vals), "
            f"rows AS (SELECT {', '.join(columns)}, {_name(GEOMETRY)} AS geometry, {_name(NUMBER)}, "
            f"{', '.join(_name('bad ' + column) for column in (*NUMBERS, *TIMES))} FROM told) "
            f"SELECT *, left(md5(concat_ws(chr(31), {digest}, md5(geometry))), 16) AS digest FROM rows"
        )

    def _details(self, used: dict[str, tuple[Given, ...]], theirs: list[str], by_feature: bool) -> str:
        """All other properties, by name: an attribute that gives a column by itself is none of them, but where it was looked at
        untold and is no value; where several may give a column, all stay."""
        looked = [column for column in used if column not in self.told and column in (*NUMBERS, *TIMES)]
        untold = {column: used[column][0].name for column in looked}
        alone = {given[0].name for given in used.values() if len(given) == 1 and given[0].factor is None} | {OWN_ID}
        pairs = [
            f"{_text(name)}, {_name('bad ' + column)}" for column, name in sorted(untold.items(), key=lambda each: each[1])
        ]
        for column, given in used.items():
            if any(each.factor for each in given):
                pairs.append(f"{_text(column + ESTIMATED)}, {_estimate(given)}")
        if self.shifted:
            pairs.append(f"{_text(CONVERTED)}, {_text(self.shifted)}")
        again = f"json_object({', '.join(pairs)})"
        if by_feature:
            gone = _text(json.dumps(dict.fromkeys(sorted(alone)), ensure_ascii=False))
            rest = f"json_merge_patch(coalesce({_name(PROPERTIES)}, '{{}}'), {gone})"
        else:
            kept = sorted(name for name in theirs if name not in alone)
            rest = f"json_object({', '.join(f'{_text(name)}, {_name(name)}' for name in kept)})"
            rest = f"json_merge_patch('{{}}', {rest})"  # which leaves nulls away
        return f"nullif(json_merge_patch({rest}, {again})::VARCHAR, '{{}}')"

    # --- what cannot be ---

    def _check(self, found: pa.Table, used: dict[str, tuple[Given, ...]]) -> None:
        numbers = found.column(NUMBER)

        def tell(code: str, column: str, wrong: pa.ChunkedArray, cells: str, expected: str) -> None:
            chosen = pc.fill_null(wrong, False)
            if not pc.any(chosen).as_py():
                return
            field = used[column][0].name if column in used else column
            where = zip(numbers.filter(chosen).to_pylist(), found.column(cells).filter(chosen).to_pylist(), strict=True)
            for number, cell in where:
                self.problems.add(code, self.place, number, field, found="" if cell is None else cell, expected=expected)

        for column in (*NUMBERS, *TIMES):
            if column in self.told:
                expected = "a number of metres" if column in NUMBERS else "a time such as 2018-05-31, or a year"
                tell("value", column, found.column(f"bad {column}").is_valid(), f"bad {column}", expected)
        name = found.column("feature")
        tell("value-missing", "feature", name.is_null(), "feature", "the name of the feature within its layer")
        odd = pc.or_(pc.greater(pc.utf8_length(name), LONGEST_ID), pc.match_substring_regex(name, r"[\x00-\x1f\x7f]"))
        tell("value", "feature", odd, "feature", f"a name of at most {LONGEST_ID} characters on one line")
        for column, choices in (("stratum", STRATA), ("origin", ORIGINS)):
            allowed = pc.is_in(found.column(column), pa.array(choices))
            tell("choice", column, pc.invert(allowed), column, "one of " + ", ".join(choices))
        backwards = pc.less_equal(found.column("valid_to"), found.column("valid_from"))
        tell("period", "valid_to", backwards, "valid_to", "a time behind valid_from")
        long = pc.greater(pc.utf8_length(found.column("details")), LONGEST_DETAILS)
        tell("too-large", "details", long, "feature", f"at most {LONGEST_DETAILS} characters of properties")


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Columns in types that JSON has: no bytes, no numbers that are none."""
    columns = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if name not in OURS:
            if pa.types.is_floating(column.type):
                column = pc.if_else(pc.is_finite(column), column, None)
            elif pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
                column = pa.array([None if each is None else each.hex() for each in column.to_pylist()], pa.string())
        columns[name] = column
    if ID not in columns:
        columns[ID] = pa.nulls(len(batch), pa.string())
    return pa.record_batch(columns)


def _cell(name: str) -> str:
    """A cell as text; nothing where it is empty."""
    return f"nullif(trim({_name(name)}::VARCHAR), '')"


def _metres(given: tuple[Given, ...]) -> str:
    """A number of metres by the first attribute that is one, multiplied where the register says so."""
    values = [f"({_number(_cell(each.name))})" + (f" * {each.factor!r}" if each.factor else "") for each in given]
    return f"coalesce({', '.join(values)})" if values else "NULL::DOUBLE"


def _estimate(given: tuple[Given, ...]) -> str:
    """By which attribute a number was estimated; nothing where it was told."""
    told = [_text(f"{each.name} * {each.factor:g}") if each.factor else "NULL" for each in given]
    cases = [f"WHEN ({_number(_cell(each.name))}) IS NOT NULL THEN {by}" for each, by in zip(given, told, strict=True)]
    return f"CASE {' '.join(cases)} END"


def _number(cell: str) -> str:
    """A number of metres, with or without its unit."""
    value = f"try_cast(regexp_replace({cell}, '\\s*(m|米)$', '') AS DOUBLE)"
    return f"CASE WHEN isfinite({value}) THEN {value} END"


def _time(cell: str) -> str:
    """An instant, a local day, a year or a year and month (their beginning)."""
    whole = (
        f"CASE WHEN regexp_full_match({cell}, '\\d{{4}}') THEN {cell} || '-01-01' "
        f"WHEN regexp_full_match({cell}, '\\d{{4}}[-/]\\d{{1,2}}') THEN {cell} || '-01' "
        f"WHEN regexp_matches({cell}, '^\\d{{4}}[-/]') THEN replace({cell}, '/', '-') END"
    )
    return f"try_cast({whole} AS TIMESTAMPTZ)"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
