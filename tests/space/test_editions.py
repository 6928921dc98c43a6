"""Two editions of a layer: what was added, removed, moved by how many metres, and which details changed."""

import json

import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.kernel.tables import layer_table
from scicity.space.editing import digest_of
from scicity.space.editions import compared

SCHEMA = layer_table("parks").schema


def edition(**features):
    """A table of a layer: features by their names, each as its columns."""
    rows = []
    for feature, told in features.items():
        row = dict.fromkeys(SCHEMA.names) | {"feature": feature, "stratum": "surface", "origin": "reported"} | told
        row["details"] = json.dumps(row["details"], ensure_ascii=False) if row.get("details") else None
        row["geometry"] = shapely.to_wkb(row["geometry"])
        rows.append(row | {"digest": digest_of(row)})
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def box(east=0.0, north=0.0, side=0.01):
    return shapely.box(116.4 + east, 40.1 + north, 116.4 + east + side, 40.1 + north + side)


def test_the_difference_of_two_editions():
    before = edition(
        a={"geometry": box(), "name_zh": "甲", "details": {"places": 10, "kind": "city", "gone": 1}},
        b={"geometry": box(0.02)},
        c={"geometry": box(0.04)},
    )
    after = edition(
        a={"geometry": box(), "name_zh": "乙", "details": {"places": 12, "kind": "city", 'a "new" one': [1]}},
        b={"geometry": box(0.02, 0.001)},
        d={"geometry": box()},
    )
    found = compared(before, after)
    assert (found.added, found.removed, found.same) == (["d"], ["c"], 0)
    assert found.changed.to_pylist() == [
        {"feature": "a", "key": 'a "new" one', "before": None, "after": "[1]"},
        {"feature": "a", "key": "gone", "before": "1", "after": None},
        {"feature": "a", "key": "name_zh", "before": "甲", "after": "乙"},
        {"feature": "a", "key": "places", "before": "10", "after": "12"},
    ]
    (moved,) = found.moved.to_pylist()
    # a thousandth of a degree of latitude at 40° N is 111.03 m (WGS 84); the box is 0.01° × 0.01°: 852 m × 1110 m
    assert moved["feature"] == "b" and moved["distance"] == pytest.approx(111.03, abs=0.05)
    assert moved["reach"] == pytest.approx(111.03, abs=0.05)
    assert moved["area_before"] == pytest.approx(852.5 * 1110.4, rel=1e-3)


def test_a_place_that_became_larger():
    found = compared(edition(a={"geometry": box()}), edition(a={"geometry": box(side=0.02)}))
    (moved,) = found.moved.to_pylist()
    assert moved["area_after"] == pytest.approx(4 * moved["area_before"], rel=1e-3)
    assert moved["distance"] == pytest.approx(moved["reach"] / 2, rel=1e-3)


def test_editions_that_are_one_differ_in_nothing():
    one = edition(a={"geometry": box()}, b={"geometry": box(1)})
    found = compared(one, one)
    assert found.none and found.same == 2
    assert compared(one.slice(0, 0), one).added == ["a", "b"] and compared(one, one.slice(0, 0)).removed == ["a", "b"]


states = st.dictionaries(
    st.sampled_from("abcd"),
    st.fixed_dictionaries(
        {"geometry": st.sampled_from([box(), box(0.1), box(0.2)]), "height": st.sampled_from([None, 1.0, 2.0])},
        optional={"details": st.dictionaries(st.sampled_from(["x", "é", "a.b", 'q"']), st.integers(0, 2))},
    ),
)


@settings(max_examples=25)
@given(states, states)
def test_a_difference_leads_from_one_to_the_other(old, new):
    """Each feature is added, removed, the same, or told of as moved or changed; backwards it is the opposite."""
    forth, back = compared(edition(**old), edition(**new)), compared(edition(**new), edition(**old))
    assert forth.added == back.removed == sorted(set(new) - set(old)) and forth.removed == back.added
    told = set(forth.moved.column("feature").to_pylist()) | set(forth.changed.column("feature").to_pylist())
    assert forth.same + len(told) == len(set(old) & set(new))
    turned = [(row["feature"], row["key"], row["after"], row["before"]) for row in back.changed.to_pylist()]
    assert turned == [tuple(row.values()) for row in forth.changed.to_pylist()]
    for feature in set(old) & set(new):
        keys = {row["key"] for row in forth.changed.to_pylist() if row["feature"] == feature}
        was, now = (each[feature].get("details") or {} for each in (old, new))
        expected = {key for key in {*was, *now} if was.get(key) != now.get(key)}
        expected |= {"height"} if old[feature]["height"] != new[feature]["height"] else set()
        assert keys == expected
