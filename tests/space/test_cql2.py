"""CQL2 as text and JSON, held against `cql2` (Rust), which reads the same grammar."""

from __future__ import annotations

import json
import re
from typing import Any

import cql2
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.space.cql2 import (
    DEEPEST,
    LONGEST,
    BadFilter,
    Interval,
    Items,
    Literal,
    Node,
    Property,
    names,
    of_text,
)
from scicity.space.cql2_json import of_json


def told(node: Node | None) -> Any:
    """A tree as the JSON form of CQL2."""
    if node is None:
        return ".."
    if isinstance(node, Literal):
        if node.kind == "geometry":
            return json.loads(shapely.to_geojson(node.value))
        if node.kind == "box":
            return {"bbox": list(node.value)}
        if node.kind in ("timestamp", "date"):
            return {node.kind: node.value.isoformat().replace("+00:00", "Z")}
        return float(node.value) if node.kind == "number" else node.value
    if isinstance(node, Property):
        return {"property": node.name}
    if isinstance(node, Interval):
        ends = (told(node.first), told(node.last))
        return {
            "interval": [next(iter(end.values())) if isinstance(end, dict) and "property" not in end else end for end in ends]
        }
    if isinstance(node, Items):
        return [told(each) for each in node.of]
    return {"op": {"isnull": "isNull"}.get(node.op, node.op), "args": [told(each) for each in node.of]}


EXAMPLES = [
    "a = 'x' AND b > 3 OR c < 2",
    "a = 'x' or b > 3 and c < 2",
    "NOT a = 1 AND b = 2",
    "NOT (a = 1 OR b = 2)",
    "name LIKE 'a%'",
    "name NOT LIKE '%\\%'",
    "a IN ('x', 'y')",
    "a NOT IN (1, 2.5, -3)",
    "a BETWEEN 1 AND 2 AND b = 3",
    "a NOT BETWEEN 1 AND 2",
    "a IS NULL",
    "a IS NOT NULL AND b = 1",
    "T_AFTER(valid_from, TIMESTAMP('2020-01-01T00:00:00Z'))",
    "T_DURING(INTERVAL(valid_from, valid_to), INTERVAL('2020-01-01', '..'))",
    "valid_from >= DATE('2018-02-28')",
    "CASEI(name) = CASEI('Á')",
    "ACCENTI(CASEI(name)) = 'x'",
    '"层数" > 3',
    "层数 > 3",
    '"a b" = 1',
    "a + 2 * b > 3 - 1 - 1",
    "2 * a ^ 2 / 3 = 1",
    "a div 3 = b % 2",
    "a <> 'it''s'",
    "flag = true",
    "a = -3 AND b = 1e3 AND c = 0.5",
    "S_INTERSECTS(geometry, POINT(116.4 40.1))",
    "S_INTERSECTS(geometry, BBOX(116.4, 40.1, 116.5, 40.2))",
    "S_WITHIN(geometry, POLYGON((0 0, 1 0, 1 1, 0 0)))",
    "S_WITHIN(geometry, MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0))))",
]


@pytest.mark.parametrize("text", EXAMPLES)
@pytest.mark.meets(
    "cql2-text/basic-cql2",
    "cql2-text/advanced-comparison-operators",
    "cql2-text/case-insensitive-comparison",
    "cql2-text/accent-insensitive-comparison",
    "cql2-text/basic-spatial-functions",
    "cql2-text/basic-spatial-functions-plus",
    "cql2-text/spatial-functions",
    "cql2-text/temporal-functions",
    "cql2-text/arithmetic",
)
def test_text_is_read_as_another_parser_reads_it(text: str) -> None:
    assert told(of_text(text)) == cql2.parse_text(text).to_json()


@pytest.mark.parametrize("text", EXAMPLES)
@pytest.mark.meets(
    "cql2-json/basic-cql2",
    "cql2-json/advanced-comparison-operators",
    "cql2-json/case-insensitive-comparison",
    "cql2-json/accent-insensitive-comparison",
    "cql2-json/basic-spatial-functions",
    "cql2-json/basic-spatial-functions-plus",
    "cql2-json/spatial-functions",
    "cql2-json/temporal-functions",
    "cql2-json/arithmetic",
)
def test_json_means_what_the_text_means(text: str) -> None:
    assert told(of_json(json.dumps(cql2.parse_text(text).to_json()))) == told(of_text(text))


VALUES = st.one_of(
    st.integers(-999, 999).map(str),
    st.text(alphabet="ab'层 %_()", max_size=6).map(lambda text: "'" + text.replace("'", "''") + "'"),
    st.sampled_from(["a", "bb", '"c d"', "类", "CASEI(a)"]),
)
COMPARED = st.one_of(
    st.tuples(VALUES, st.sampled_from(["=", "<>", "<", ">", "<=", ">="]), VALUES).map(" ".join),
    st.tuples(VALUES, st.sampled_from(["IS NULL", "IS NOT NULL", "IN (1, 2)", "LIKE 'x%'", "BETWEEN 1 AND 2"])).map(" ".join),
)
FILTERS = st.recursive(
    COMPARED,
    lambda below: st.one_of(
        below.map(lambda one: f"NOT ({one})"),
        st.tuples(below, st.sampled_from(["AND", "OR"]), below).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"),
        st.tuples(below, st.sampled_from(["AND", "OR"]), below).map(" ".join),
    ),
    max_leaves=6,
)


@given(FILTERS)
@settings(max_examples=150, deadline=None)
def test_any_filter_is_read_as_another_parser_reads_it(text: str) -> None:
    assert _flat(told(of_text(text))) == _flat(cql2.parse_text(text).to_json())


def _flat(node: Any) -> Any:
    """`a and (b and c)` and `a and b and c` are one."""
    if isinstance(node, list):
        return [_flat(each) for each in node]
    if not isinstance(node, dict) or "op" not in node:
        return node
    args: list[Any] = []
    for each in map(_flat, node["args"]):
        args += (
            each["args"] if node["op"] in ("and", "or") and isinstance(each, dict) and each.get("op") == node["op"] else [each]
        )
    return {"op": node["op"], "args": args}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a =", "character 4: found 'its end'; expected a property, a value or a function"),
        ("a = 1)", "character 6: found ')'; expected an operator, or the end"),
        ("a == 1", "character 4: found '='; expected a property, a value or a function"),
        ("a = 'x", 'character 5: found "\'x"; expected a property, a value, a function or an operator'),
        ("a = 'x'; drop table features", "character 8: found '; drop table feature'; expected a property"),
        ("a = 1e999", "character 5: found '1e999'; expected a number that can be held"),
        ("S_WITHIN(g, POINT(1))", "character 13: found 'POINT(1)'; expected a geometry as well-known text"),
        ("S_WITHIN(g, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))", "character 13: found 'POLYGON((0 0"),
        ("d = DATE('2018-02-30')", "character 5: found '2018-02-30'; expected a date as 2026-01-31"),
        ("t = TIMESTAMP('2018-02-20')", "character 5: found '2018-02-20'; expected an instant"),
        ("a NOT 3", "character 7: found '3'; expected LIKE, BETWEEN or IN"),
        ("", "character 1: found 'its end'; expected a property"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(BadFilter) as told_:
        of_text(text)
    assert str(told_.value).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "filter: found "),
        ("[1, 2", "filter: found "),
        ('{"op": "=", "args": [{"property": "a"}, {"what": 1}]}', "filter.args[1]: found "),
        ('{"op": "=", "args": {"a": 1}}', "filter: found "),
        ('{"op": "=", "args": [{"property": "a"}, NaN]}', "filter: found 'NaN is no number of JSON'"),
        ('{"op": "s_within", "args": [{"property": "g"}, {"type": "Point", "coordinates": ["x"]}]}', "filter.args[1]: found "),
        ('{"op": "s_within", "args": [{"property": "g"}, {"bbox": [1, 2, "3", 4]}]}', "filter.args[1].bbox: found "),
        (
            '{"op": "t_after", "args": [{"property": "g"}, {"interval": ["soon", ".."]}]}',
            "filter.args[1].interval[0]: found 'soon'",
        ),
    ],
)
def test_what_cannot_be_read_as_json_is_told_with_its_path(text: str, said: str) -> None:
    with pytest.raises(BadFilter) as told_:
        of_json(text)
    assert str(told_.value).startswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000,
        "(" * 200 + "a = 1" + ")" * 200,
        "NOT " * 5_000 + "a = 1",
        "-" * 5_000 + "1 = 1",
        "f(" * 5_000,
        "a = " + "1 + " * 5_000 + "1",
        "2 ^ " * 5_000 + "2 = 1",
        " AND ".join(["a = 1"] * 5_000),
        "S_WITHIN(g, " + "GEOMETRYCOLLECTION(" * 1_000 + "POINT(1 2)" + ")" * 1_001,
        "a = '" + "x" * LONGEST,
    ],
    ids=lambda text: text[:12],
)
def test_what_is_too_deep_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(BadFilter):
        of_text(text)


@pytest.mark.parametrize("deep", [DEEPEST + 2, 100_000])
def test_json_that_is_too_deep_is_refused(deep: int) -> None:
    with pytest.raises(BadFilter):
        of_json('{"op":"not","args":[' * min(deep, 2_500) + "true" + "]}" * min(deep, 2_500))
    with pytest.raises(BadFilter):
        of_json("[" * min(deep, LONGEST // 2) + "]" * min(deep, LONGEST // 2))


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (of_text, of_json):
        try:
            read(text)
        except BadFilter as bad:
            assert re.match(r".+: found .+; expected .+", str(bad), re.DOTALL)


def test_the_properties_of_a_filter_are_known() -> None:
    found = names(of_text("a = 1 AND (CASEI(b) IN ('x', c) OR T_AFTER(INTERVAL(d, '..'), DATE('2020-01-01')))"))
    assert [each.name for each in found] == ["a", "b", "c", "d"]
