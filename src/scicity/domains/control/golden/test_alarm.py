"""Warnings as alarms: chatter, dead band, delay, stale, acknowledge, shelve, re-raise, flood, told once (hard case 21)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from scicity.domains.control.methods import alarm, raising
from scicity.domains.control.methods.alarm import Did, state_of

NAN = float("nan")
T0 = datetime(2026, 3, 1, tzinfo=UTC)


def hour(number: float) -> datetime:
    return T0 + timedelta(hours=number)


def found(values: list[float], limit: float = 10.0, band: float = 2.0, delay: int = 1) -> list[tuple[int, int, float]]:
    told = alarm.episodes(np.array([values]), np.array([limit]), np.array([band]), np.array([delay]))
    return list(zip(told.begin.tolist(), told.end.tolist(), told.value.tolist(), strict=True))


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([9, 11, 9, 11, 9, 7], {}, [(1, 5, 11)]),  # chatter across the limit is one warning
        ([9, 11, 9, 11, 9, 7], {"band": 0.0}, [(1, 2, 11), (3, 4, 11)]),
        ([11, 9, 11, 11, 12, 7], {"delay": 2}, [(3, 5, 12)]),  # one day alone is not enough
        ([11, NAN, 11, 7], {"delay": 2}, [(2, 3, 11)]),  # what is unknown breaks no row
        ([11, NAN, NAN, 12], {}, [(0, -1, 12)]),  # nor does it end anything
        ([10, 10, 10], {}, []),  # at the limit is not above it
        ([11, 8, 11], {}, [(0, 1, 11), (2, -1, 11)]),  # at limit less band it ends, and is raised again
        ([NAN, NAN], {}, []),
        ([11, 11, 11], {"delay": 3}, [(2, -1, 11)]),
    ],
)
def test_when_a_warning_begins_and_ends(values: list[float], options: dict, expected: list[tuple[int, int, float]]) -> None:
    assert found(values, **options) == expected


def test_series_do_not_know_each_other() -> None:
    values = np.array([[11.0, 7.0], [7.0, 11.0], [NAN, NAN]])
    told = alarm.episodes(values, np.array([10.0, 10.0, 10.0]), np.zeros(3), np.ones(3, dtype=int))
    assert (told.series.tolist(), told.begin.tolist(), told.end.tolist()) == ([0, 1], [0, 1], [1, -1])


def test_states_of_one_occurrence() -> None:
    acknowledged = [Did("acknowledge", hour(2))]
    assert state_of(hour(0), None, [], hour(1)) == "unacknowledged"
    assert state_of(hour(0), None, acknowledged, hour(3)) == "acknowledged"
    assert state_of(hour(0), hour(4), acknowledged, hour(5)) == "normal"  # acknowledged, then ended
    assert state_of(hour(0), hour(1), [], hour(2)) == "returned_unacknowledged"
    assert state_of(hour(0), hour(1), acknowledged, hour(3)) == "normal"  # ended, then acknowledged
    assert state_of(hour(0), hour(1), acknowledged, hour(1.5)) == "returned_unacknowledged"  # the act is still to come
    assert state_of(hour(0), None, [Did("note", hour(1))], hour(2)) == "unacknowledged"


def test_a_warning_raised_again_is_not_acknowledged() -> None:
    acts = [Did("acknowledge", hour(1))]
    assert state_of(hour(0), hour(2), acts, hour(6)) == "normal"
    assert state_of(hour(5), None, acts, hour(6)) == "unacknowledged"


def test_shelving_ends_by_itself_and_outlasts_the_occurrence() -> None:
    shelf = [Did("shelve", hour(1), hour(10))]
    assert state_of(hour(0), None, shelf, hour(2)) == "shelved"
    assert state_of(hour(5), None, shelf, hour(6)) == "shelved"  # raised again while it is put aside
    assert state_of(hour(5), None, shelf, hour(10)) == "unacknowledged"
    assert state_of(hour(0), None, [*shelf, Did("unshelve", hour(3))], hour(4)) == "unacknowledged"
    assert state_of(hour(0), None, [*shelf, Did("acknowledge", hour(3))], hour(11)) == "acknowledged"


def test_maintenance_goes_before_all_and_ends() -> None:
    away = [Did("out_of_service", hour(-5), hour(10))]
    assert state_of(hour(0), None, away, hour(1)) == "out_of_service"
    assert state_of(hour(0), None, away, hour(11)) == "unacknowledged"
    assert state_of(hour(0), None, [*away, Did("in_service", hour(2))], hour(3)) == "unacknowledged"


def test_acts_count_in_the_order_of_time_however_they_come() -> None:
    acts = [Did("unshelve", hour(3)), Did("shelve", hour(1), hour(10))]
    assert state_of(hour(0), None, acts, hour(4)) == state_of(hour(0), None, acts[::-1], hour(4)) == "unacknowledged"


def test_everybody_is_told_once() -> None:
    wanted = [("w1", "officer"), ("w1", "leader"), ("w2", "officer"), ("w1", "officer")]
    assert alarm.untold(wanted, []) == wanted[:3]
    assert alarm.untold(wanted, [("w1", "officer"), ("w9", "officer")]) == wanted[1:3]
    assert alarm.untold(wanted, wanted) == []


def test_a_flood_of_one_place_is_one() -> None:
    day = date(2026, 3, 1)
    burst = [{"rule": "sudden", "place": "east", "since": day, "n": n} for n in range(500)]
    others = [{"rule": "sudden", "place": "west", "since": day, "n": n} for n in range(3)]
    groups = alarm.grouped([others[0], *burst, *others[1:]])
    assert [len(rows) for _, rows in groups] == [1, 500, 1, 1]
    assert groups[1][0] == ("sudden", "east", day)
    assert sum(len(rows) for _, rows in groups) == 503


def test_a_day_against_its_usual() -> None:
    energy = np.full((1, 35), 100.0)
    energy[0, 28] = 250.0
    energy[0, [0, 7]] = NAN  # two of four weekdays are known: too few
    told = raising.against_usual(energy)
    assert np.isnan(told[0, :21]).all() and np.isnan(told[0, 28])
    assert told[0, 29:].tolist() == [100.0] * 6
    energy[0, 7] = 100.0
    assert raising.against_usual(energy)[0, 28] == 250.0


def test_data_that_stop_coming_are_days_behind() -> None:
    some = np.array([[False, True, True, False, False, True]])
    told = raising.days_without(some)[0]
    assert np.isnan(told[0]) and told[1:].tolist() == [0, 0, 1, 2, 0]
