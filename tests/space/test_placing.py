"""After whatever changes, an index is as one made anew; and it tells where it changed."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from scicity.space import placing
from scicity.space.placing import Placing, changed_since
from scicity.space.thinning import first_zoom

# From which seed each feature is, or None where it is taken away: step by step.
acts = st.lists(st.lists(st.tuples(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 40))), max_size=6), max_size=6)


def a_feature(seed: int) -> shapely.Geometry:
    """One of 40 features of all kinds in a few places, many of them in one cell."""
    random = np.random.default_rng(seed // 2)
    x, y = 116 + random.choice([0, 1e-6, 1e-4, 0.01, 1.0]), 40 + random.choice([0, 1e-5, 0.01])
    size = random.choice([1e-6, 1e-4, 1e-2])
    return [shapely.Point(x, y), shapely.LineString([(x, y), (x + size, y)]), shapely.box(x, y, x + size, y + size)][seed % 3]


def during_of(seeds) -> tuple[np.ndarray, np.ndarray]:
    """From when and until when features are there [µs]: always, or from or to some year."""
    year = 365.25 * 86_400e6
    since = np.array([None if seed % 3 else (30 + seed) * year for seed in seeds], float)
    return since, np.array([None if seed % 4 else (50 + seed) * year for seed in seeds], float)


def an_index() -> sqlite3.Connection:
    """The places of an index, without its features."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(placing.SCHEMA + "CREATE TABLE about (name TEXT PRIMARY KEY, told TEXT);")
    connection.execute("INSERT INTO about VALUES ('noted_since', '0')")
    return connection


def change(connection: sqlite3.Connection, at: int, known: dict[int, int], asked: dict[int, int | None]) -> None:
    """Takes features away and adds them as asked; `known` is what is there."""
    places = Placing(connection)
    places.take_away([fid for fid in asked if fid in known])
    there = {fid: seed for fid, seed in asked.items() if seed is not None}
    fids = list(there)
    geometries = np.array([a_feature(seed) for seed in there.values()] + [None], object)[:-1]
    restricted = np.array(["officer" if seed % 5 == 0 else "" for seed in there.values()] + [""], object)[:-1]
    places.add(
        np.array(fids, np.int64),
        geometries,
        np.array([f"f{fid}" for fid in fids] + [""], object)[:-1],
        restricted,
        during_of(list(there.values())),
    )
    places.settle(at)
    for fid in asked:
        known.pop(fid, None)
    known |= there


def zooms(connection: sqlite3.Connection) -> dict[int, int]:
    """The first zoom of each feature."""
    return {fid: int(zoom) for fid, zoom in connection.execute("SELECT fid, minz FROM place")}


def expected(known: dict[int, int]) -> dict[int, int]:
    """The first zooms of an index made anew."""
    fids = sorted(known)
    geometries = np.array([a_feature(known[fid]) for fid in fids] + [None], object)[:-1]
    groups = np.array(["officer" if known[fid] % 5 == 0 else "" for fid in fids] + [""], object)[:-1]
    names = np.array([f"f{fid}" for fid in fids] + [""], object)[:-1]
    return dict(zip(fids, first_zoom(geometries, names, groups, during_of([known[fid] for fid in fids])).tolist(), strict=True))


@pytest.mark.parametrize("few", [1_000, -1])
@given(acts)
def test_after_changes_the_zooms_are_those_of_an_index_made_anew(few, steps):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(placing, "FEW", few)
        connection, known = an_index(), {}
        for at, asked in enumerate(steps, 1):
            change(connection, at, known, dict(asked))
            assert zooms(connection) == expected(known)


@given(acts)
def test_what_is_drawn_otherwise_at_a_zoom_lies_in_a_place_that_is_noted_of_it(steps):
    connection, known = an_index(), {}
    for at, asked in enumerate(steps, 1):
        before = drawn(connection, known)
        change(connection, at, known, dict(asked))
        noted = changed_since(connection, at - 1)
        for zoom, _, seed in before ^ drawn(connection, known):
            west, south, east, north = a_feature(seed).bounds
            there = (noted[:, 0] <= west) & (noted[:, 1] <= south) & (noted[:, 2] >= east) & (noted[:, 3] >= north)
            assert (there & (noted[:, 4] <= zoom) & (zoom <= noted[:, 5])).any()


def drawn(connection: sqlite3.Connection, known: dict[int, int]) -> set[tuple[int, int, int]]:
    """What is drawn: zoom, feature, and what it is like."""
    return {(zoom, fid, known[fid]) for fid, first in zooms(connection).items() for zoom in range(first, 19)}


def test_of_more_than_a_few_changes_nothing_is_noted_and_that_is_known(monkeypatch):
    connection, known = an_index(), {}
    change(connection, 3, known, {1: 1, 2: 2})
    assert len(changed_since(connection, 0)) == 2
    assert len(changed_since(connection, 3)) == 0
    monkeypatch.setattr(placing, "FEW", 1)
    change(connection, 6, known, {3: 3, 4: 4})
    assert changed_since(connection, 3) is None
    assert len(changed_since(connection, 6)) == 0
