"""CQL2 filters over the index: what they find is what Python and shapely find; what they cannot is refused."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.space.cql2 import BadFilter
from scicity.space.filters import FUNCTIONS, SPATIAL, Filter, Queryable, compiled, equal, micros

BEIJING = ZoneInfo("Asia/Shanghai")
PARKS = {
    # feature: name, floors, open, details, geometry
    "a": ("Île Park", "R2", 10.0, ("2009-01-01", "2018-01-01"), {"层数": 3, "open": True, "mixed": 5}, "POINT (1 1)"),
    "b": (
        "west lake",
        "R2",
        25.5,
        (None, None),
        {"层数": 12, "open": False, "mixed": "5"},
        "POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))",
    ),
    "c": ("West Lake 100%", "G1", None, ("2018-01-01", None), {"层数": -1, "mixed": "x"}, "LINESTRING (0 0, 5 5)"),
    "d": ("100 [x]", "G1", 0.0, ("2035-06-01", None), None, "POINT (179.5 10)"),
    "e": ("it's *", None, -4.0, (None, "2020-02-29"), {"层数": 7}, "POINT (-179.5 10)"),
}
QUERYABLES = {
    each.name: each
    for each in (
        Queryable("feature", "text", "f.feature"),
        Queryable("name", "text", "f.name"),
        Queryable("feature_class", "text", "f.feature_class"),
        Queryable("height", "number", "f.height"),
        Queryable("valid_from", "timestamp", "f.valid_from"),
        Queryable("valid_to", "timestamp", "f.valid_to"),
        Queryable("层数", "number", "json_extract(f.details, '$.\"层数\"')"),
        Queryable("open", "bool", "json_extract(f.details, '$.\"open\"')"),
        Queryable("mixed", "mixed", "json_extract(f.details, '$.\"mixed\"')"),
        Queryable("geometry", "geometry", "f.geometry"),
    )
}


def at(text: str | None) -> int | None:
    return text and micros(datetime.fromisoformat(text).replace(tzinfo=UTC), UTC)


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:")
    made.executescript(
        """CREATE TABLE features (fid INTEGER PRIMARY KEY, feature, name, feature_class, height, valid_from, valid_to, details,
        geometry); CREATE VIRTUAL TABLE place USING rtree(fid, minx, maxx, miny, maxy)"""
    )
    for fid, (feature, (name, kind, height, (first, last), details, wkt)) in enumerate(PARKS.items()):
        geometry = shapely.from_wkt(wkt)
        told = details and json.dumps(details, ensure_ascii=False)
        row = (fid, feature, name, kind, height, at(first), at(last), told, geometry.wkb)
        made.execute("INSERT INTO features VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        west, south, east, north = geometry.bounds
        made.execute("INSERT INTO place VALUES (?, ?, ?, ?, ?)", (fid, west, east, south, north))
    for told, count, function in FUNCTIONS:
        made.create_function(told, count, function, deterministic=True)
    yield made
    made.close()


def found(connection: sqlite3.Connection, condition: Filter) -> str:
    rows = connection.execute(f"SELECT f.feature FROM features f WHERE {condition.sql} ORDER BY f.fid", condition.values)
    return "".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("feature_class = 'R2'", "ab"),
        ("feature_class <> 'R2'", "cd"),  # unknown is not unequal
        ("NOT feature_class = 'R2'", "cd"),
        ("feature_class IS NULL OR height > 20", "be"),
        ("height IS NOT NULL AND height <= 0", "de"),
        ("height BETWEEN -4 AND 10", "ade"),
        ("height NOT BETWEEN 0 AND 10", "be"),
        ("feature IN ('a', 'e', 'z')", "ae"),
        ("层数 > 3 AND feature_class = 'R2' OR height = 0", "bd"),
        ("feature_class = 'G1' OR 层数 > 3 AND height < 0", "cde"),  # AND before OR
        ("层数 + 1 = 4", "a"),
        ("2 * 层数 - height / 2 < 2 ^ 0 - 1", "b" if 2 * 12 - 25.5 / 2 < 0 else ""),
        ("层数 / 0 = 1 OR 层数 % 5 = 2", "be"),
        ("open = true", "a"),
        ("open", "a"),
        ("NOT open", "b"),
        ("mixed = 5", "a"),
        ("mixed = '5'", "b"),
        ("mixed > 1", "a"),  # a text is not greater than a number
        ("name LIKE 'west%'", "b"),
        ("CASEI(name) LIKE CASEI('WEST%')", "bc"),
        ("ACCENTI(CASEI(name)) = 'ile park'", "a"),
        ("name LIKE '%\\%'", "c"),
        ("name LIKE '100 [x_'", "d"),
        ("name LIKE '%*'", "e"),
        ("name = 'it''s *'", "e"),
        ("valid_from >= TIMESTAMP('2018-01-01T00:00:00Z')", "cd"),
        ("valid_from = TIMESTAMP('2018-01-01T08:00:00+08:00')", "c"),
        ("valid_from < DATE('2018-01-01')", "a"),
        ("T_AFTER(valid_from, DATE('2018-01-01'))", "d"),
        ("T_BEFORE(valid_to, TIMESTAMP('2019-01-01T00:00:00Z'))", "a"),
        ("T_INTERSECTS(INTERVAL(valid_from, valid_to), INTERVAL('2018-06-01', '2019-01-01'))", "bce"),
        ("T_DURING(INTERVAL(valid_from, valid_to), INTERVAL('2008-01-01', '2030-01-01'))", "a"),
        ("T_CONTAINS(INTERVAL(valid_from, valid_to), INTERVAL('2019-01-01', '2019-02-01'))", "bce"),
        ("T_MEETS(INTERVAL(valid_from, valid_to), INTERVAL('2018-01-01T00:00:00Z', '..'))", "a"),
        ("T_DISJOINT(INTERVAL(valid_from, valid_to), INTERVAL('..', '2017-01-01'))", "cd"),
        ("S_INTERSECTS(geometry, BBOX(0.5, 0.5, 1.5, 1.5))", "abc"),
        ("S_WITHIN(geometry, BBOX(0, 0, 2, 2))", "ab"),
        ("S_INTERSECTS(geometry, POINT(1.5 0.5))", "b"),
        ("S_CONTAINS(geometry, POINT(1.5 0.5))", "b"),
        ("S_WITHIN(POINT(1.5 0.5), geometry)", "b"),
        ("S_DISJOINT(geometry, BBOX(0, 0, 2, 2))", "de"),
        ("NOT S_INTERSECTS(geometry, BBOX(0, 0, 2, 2))", "de"),
        ("S_CROSSES(geometry, POLYGON((0 0, 2 0, 2 2, 0 2, 0 0)))", "c"),
        ("S_EQUALS(geometry, POINT(1 1))", "a"),
        ("S_TOUCHES(geometry, BBOX(2, 0, 3, 2))", "bc"),  # c at a corner alone
        ("feature = 'a' OR S_INTERSECTS(geometry, MULTIPOINT((179.5 10), (-179.5 10)))", "ade"),
    ],
)
@pytest.mark.meets(
    "basic-cql2/cql2-filter",
    "basic-cql2/binary-comparison-predicate",
    "basic-cql2/null-predicate",
    "basic-cql2/property",
    "advanced-comparison-operators/like-predicate",
    "advanced-comparison-operators/between-predicate",
    "advanced-comparison-operators/in-predicate",
    "case-insensitive-comparison/casei-function",
    "accent-insensitive-comparison/accenti-function",
    "basic-spatial-functions/spatial-functions",
    "basic-spatial-functions/spatial-predicate",
    "temporal-functions/temporal-functions",
    "temporal-functions/temporal-predicates",
    "arithmetic/arithmetic",
    "cql2-text/escaping",
)
def test_a_filter_finds_what_it_says(connection: sqlite3.Connection, text: str, expected: str) -> None:
    assert found(connection, compiled(text, "cql2-text", QUERYABLES)) == expected


def test_the_json_form_finds_the_same(connection: sqlite3.Connection) -> None:
    told = {
        "op": "or",
        "args": [
            {"op": "like", "args": [{"op": "casei", "args": [{"property": "name"}]}, {"op": "casei", "args": ["WEST%"]}]},
            {"op": "t_after", "args": [{"property": "valid_from"}, {"date": "2030-01-01"}]},
        ],
    }
    assert found(connection, compiled(json.dumps(told), "cql2-json", QUERYABLES)) == "bcd"


def test_a_date_begins_in_the_zone_of_the_district(connection: sqlite3.Connection) -> None:
    text = "T_DURING(valid_from, INTERVAL('2018-01-01', '2018-01-02'))"
    assert found(connection, compiled(text, "cql2-text", QUERYABLES, zone=BEIJING)) == "c"
    assert found(connection, compiled("valid_from > DATE('2018-01-01')", "cql2-text", QUERYABLES, zone=BEIJING)) == "cd"


@given(st.sampled_from(sorted(SPATIAL)), st.lists(st.tuples(st.integers(-1, 6), st.integers(-1, 6)), min_size=1, max_size=5))
@settings(max_examples=120, deadline=None)
@pytest.mark.meets("spatial-functions/spatial-functions", "basic-spatial-functions/spatial-predicate")
def test_spatial_conditions_are_those_of_shapely(op: str, corners: list[tuple[int, int]]) -> None:
    literal = shapely.MultiPoint(corners).convex_hull
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE features (fid INTEGER PRIMARY KEY, feature, geometry)")
    made.execute("CREATE VIRTUAL TABLE place USING rtree(fid, minx, maxx, miny, maxy)")
    for told, count, function in FUNCTIONS:
        made.create_function(told, count, function, deterministic=True)
    geometries = {name: shapely.from_wkt(row[5]) for name, row in PARKS.items()}
    for fid, (name, geometry) in enumerate(geometries.items()):
        made.execute("INSERT INTO features VALUES (?, ?, ?)", (fid, name, geometry.wkb))
        west, south, east, north = geometry.bounds
        made.execute("INSERT INTO place VALUES (?, ?, ?, ?, ?)", (fid, west, east, south, north))
    condition = compiled(f"{op}(geometry, {literal.wkt})", "cql2-text", QUERYABLES)
    assert found(made, condition) == "".join(name for name, geometry in geometries.items() if SPATIAL[op](geometry, literal))
    made.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("restricted_to = 'leader'", "character 1: found 'restricted_to'; expected a queryable of this layer: feature, "),
        ("height = '3'", "character 8: found '= of number and text'; expected values of one kind"),
        ("geometry = 'x'", "character 10: found '= of geometry and text'"),
        ("S_INTERSECTS(name, POINT(1 2))", "character 1: found 'the property name'; expected a geometry of the layer"),
        ("S_INTERSECTS(geometry, geometry)", "character 1: found 'the property geometry'; expected a geometry that stands"),
        ("A_CONTAINS(name, ('a', 'b'))", "character 1: found 'a_contains'; expected one of and, or, =, "),
        ("load_extension('x')", "character 1: found 'load_extension'; expected one of"),
        ("name", "character 1: found 'the property name'; expected a condition"),
        ("name = upper('x')", "character 8: found 'the operator upper'; expected a property, a value"),
        ("height + name > 1", "character 8: found '+ of number and text'; expected numbers"),
        ("(height = 1) = (height = 2)", "character 9: found 'the operator ='; expected a property, a value"),
        ("name IN (1, 'x')", "character 9: found 'number and text'; expected values of one kind"),
        ("T_AFTER(name, DATE('2018-01-01'))", "character 1: found 'the property name'; expected an instant"),
        ("name LIKE name", "character 6: found 'the property name'; expected a text with % and _"),
        ("name LIKE '" + "%x" * 20 + "'", "character 11: found '20 times %'; expected at most 12"),
        (" OR ".join(["S_INTERSECTS(geometry, POINT(1 1))"] * 21), "character 761: found 'more than 20 spatial conditions'"),
    ],
)
def test_what_is_not_supported_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(BadFilter) as told:
        compiled(text, "cql2-text", QUERYABLES)
    assert str(told.value).startswith(said)


def test_another_language_is_refused() -> None:
    with pytest.raises(BadFilter, match="filter-lang: found 'ecql'; expected cql2-text or cql2-json"):
        compiled("a = 1", "ecql", QUERYABLES)


HOSTILE = ["'; DROP TABLE features; --", '"', "\\", "' OR 1=1 --", "?1", "{0}", "%s", "层\U0001f600", "*" * 200]


@pytest.mark.parametrize("value", HOSTILE)
def test_values_are_bound_and_never_run(connection: sqlite3.Connection, value: str) -> None:
    told = value.replace("'", "''")
    condition = compiled(f"name = '{told}' OR name LIKE '{told}'", "cql2-text", QUERYABLES)
    assert value not in condition.sql
    assert found(connection, condition) == ""
    assert value in condition.values


def test_a_pattern_of_many_wildcards_is_answered(connection: sqlite3.Connection) -> None:
    """GLOB gives up where the text behind a wildcard cannot match: 12 wildcards over a long text would else take for ever."""
    long = "a" * 20_000
    pattern = compiled("name LIKE '" + "%a" * 11 + "%b'", "cql2-text", QUERYABLES).values[0]
    assert connection.execute("SELECT ? GLOB ?", (long, pattern)).fetchone() == (0,)
    assert connection.execute("SELECT ? GLOB ?", (long + "b", pattern)).fetchone() == (1,)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("feature_class", "G1", "cd"),
        ("height", "25.5", "b"),
        ("open", "false", "b"),
        ("mixed", "5", "b"),
        ("valid_from", "2018-01-01T00:00:00Z", "c"),
        ("name", "it's *", "e"),
    ],
)
def test_a_property_of_an_address_is_a_filter(connection: sqlite3.Connection, name: str, text: str, expected: str) -> None:
    assert found(connection, equal(QUERYABLES[name], text)) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("height", "high"),
        ("height", "1e999"),
        ("height", "nan"),
        ("height", "1_0"),
        ("open", "yes"),
        ("open", "2"),
        ("valid_from", "today"),
        ("geometry", "x"),
    ],
)
def test_a_property_of_an_address_is_of_its_kind(name: str, text: str) -> None:
    with pytest.raises(BadFilter):
        equal(QUERYABLES[name], text)
