"""Known answers of places, neighbours and drift."""

from __future__ import annotations

import numpy as np
import pytest

from scicity.domains.devices.methods.drifting import drifts, offsets, padded
from scicity.domains.devices.methods.neighbours import MOST, Place, distances, neighbours, places


def streams(*things: str, observed: str = "air_temperature") -> list[dict[str, str]]:
    return [{"datastream": f"{thing}.t", "thing": thing, "property": observed} for thing in things]


def pairs(rows: list[dict[str, str]], at: dict[str, Place], reach: float = 10.0) -> list[tuple[str, str, str]]:
    found = neighbours(rows, {"air_temperature": reach}, at).to_pylist()
    return [(row["datastream"][:-2], row["neighbour"][:-2], row["near"]) for row in found]


def test_a_degree_of_latitude() -> None:
    one = distances((np.array([116.0]), np.array([40.0])), (np.array([116.0, 117.0, np.nan]), np.array([41.0, 40.0, 40.0])))
    assert one[0, 0] == pytest.approx(111.195, abs=0.001)  # 6371.0088 π / 180
    assert one[0, 1] == pytest.approx(85.18, abs=0.01)  # 111.195 cos 40°, less a little: the great circle is shorter
    assert np.isnan(one[0, 2])


def test_who_is_whose_neighbour() -> None:
    at = {
        "roof": Place("b1", "east", 116.0, 40.0),
        "hall": Place("b1", "east", 116.0, 40.0),
        "mast": Place(None, "east", 116.05, 40.0),  # 4.3 km away
        "far": Place(None, "east", 117.0, 40.0),  # 85 km away, though of the same zone
        "lost": Place(None, "east"),
        "nowhere": Place(),
    }
    found = pairs(streams(*at), at)
    assert {(b, how) for a, b, how in found if a == "roof"} == {("hall", "building"), ("mast", "place"), ("lost", "zone")}
    assert {b for a, b, _ in found if a == "lost"} == {"roof", "hall", "mast", "far"}
    assert {b for a, b, _ in found if a == "far"} == {"lost"}
    assert not [pair for pair in found if "nowhere" in pair]
    assert {(a, b) for a, b, _ in found} == {(b, a) for a, b, _ in found}
    assert pairs(streams("roof", "hall", observed="energy_register"), at) == [], "what no reach is known of is not compared"


def test_two_sensors_of_one_thing_are_no_neighbours() -> None:
    rows = [*streams("roof"), {"datastream": "roof.u", "thing": "roof", "property": "air_temperature"}]
    assert pairs(rows, {"roof": Place("b1", "east", 116.0, 40.0)}) == []


def test_the_nearest_are_taken() -> None:
    at = {f"s{n:02d}": Place(None, None, 116.0 + n / 1000, 40.0) for n in range(600)}
    found = pairs(streams(*at), at)
    of_first = [b for a, b, _ in found if a == "s00"]
    assert sorted(of_first) == [f"s{n:02d}" for n in range(1, MOST + 1)]
    assert len([1 for a, _, _ in found if a == "s599"]) == MOST


def test_places_of_things() -> None:
    buildings = [{"building": "b1", "zone": "east", "longitude": 116.0, "latitude": 40.0}, {"building": "b2", "zone": "west"}]
    installed = [{"meter": "m", "building": "b1", "valid_from": 1}, {"meter": "m", "building": "b2", "valid_from": 2}]
    stations = [{"station": "s", "zone": None, "longitude": 1.0, "latitude": 2.0}]
    found = places(["m", "s", "b1", "?", None], stations, buildings, installed)
    assert found["m"] == Place("b2", "west")
    assert found["s"] == Place(None, None, 1.0, 2.0)
    assert found["b1"] == Place("b1", "east", 116.0, 40.0)
    assert found["?"] == Place()


def test_offsets_from_the_middle_of_neighbours() -> None:
    levels = np.array([[10.0, 11, np.nan, 13], [8.0, 9, 10, 11], [9.0, 10, 11, np.nan], [90.0, 90, 90, 90]])
    beside = padded(np.array([0, 0, 0, 1]), np.array([3, 1, 2, 0]), 4)
    assert beside.tolist() == [[1, 2, 3], [0, -1, -1], [-1, -1, -1], [-1, -1, -1]]
    found = offsets(levels, beside)
    assert found.neighbours.tolist() == [3, 1, 0, 0]
    assert found.days.tolist() == [3, 3, 0, 0]
    # against the middle of 8, 9, 90 and of 9, 10, 90, then of 11 and 90: 1, 1 and -37.5; the middle is 1
    assert found.offset[0] == 1.0
    assert found.offset[1] == -2.0
    assert np.isnan(found.offset[2:]).all()


BEFORE = [2.0, 2.1, 1.9, 2.0, 2.2, 1.8, 2.0, 2.1, 1.9, 2.0, 2.0, 2.0]  # middle 2.0, spread 1.4826 * 0.05


@pytest.mark.parametrize(
    ("month", "before", "least", "told", "drifting"),
    [
        (2.1, BEFORE, 1.0, True, False),
        (4.0, BEFORE, 1.0, True, True),
        (0.0, BEFORE, 1.0, True, True),
        (2.9, BEFORE, 1.0, True, False),  # unusual, but too little to matter
        (4.0, [-8.0, 8.0] * 6, 1.0, True, False),  # large, but usual here
        (0.0, [0.0] * 12, 1.0, True, False),  # two streams that say the same: no spread, no drift
        (1.5, [0.0] * 12, 1.0, True, True),  # no spread, and a drift that matters
        (4.0, [2.0] * 11 + [np.nan], 1.0, False, False),  # a month was not seen
        (np.nan, BEFORE, 1.0, False, False),
        (4.0, BEFORE, np.nan, False, False),  # nobody says what matters
    ],
)
def test_what_drifts(month: float, before: list[float], least: float, told: bool, drifting: bool) -> None:
    found = drifts(np.array([month]), np.array([before]), np.array([least]), 3.5, 12)
    assert (bool(found.told[0]), bool(found.drifting[0])) == (told, drifting)


def test_the_score_is_the_drift_over_the_spread() -> None:
    found = drifts(np.array([4.0]), np.array([BEFORE]), np.array([1.0]), 3.5, 12)
    assert (found.usual[0], found.drift[0]) == (2.0, 2.0)
    assert found.score[0] == pytest.approx(2.0 / (1.4826 * 0.05))
