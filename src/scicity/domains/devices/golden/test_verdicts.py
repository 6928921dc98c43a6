"""Known answers of what is said of a datastream."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.devices.methods.verdicts import STATES, Known, rank, silent_for, verdicts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WELL = Known(last=NOW - HOUR, interval=HOUR, share=100.0, longest_gap=0.0, frozen=0.0, valueless=0.0, drifting=False)
with (Path(__file__).parents[1] / "standards" / "thresholds.csv").open(encoding="utf-8") as _file:
    THRESHOLDS = {row["rule"]: float(row["threshold"]) for row in csv.DictReader(_file)}


def said(**of: object) -> list[str]:
    return verdicts(replace(WELL, **of), THRESHOLDS, NOW)  # type: ignore[arg-type]


def test_what_is_said() -> None:
    assert said() == ["fine"]
    assert said(last=None) == ["never"]
    assert said(last=NOW - 3 * HOUR) == ["fine"], "three intervals are waited for"
    assert said(last=NOW - 3.1 * HOUR) == ["silent"]
    assert said(last=NOW - 50 * HOUR / 60, interval=timedelta(minutes=1)) == ["fine"], "nobody is sent out within the hour"
    assert said(last=NOW + HOUR) == ["fine"], "a clock that is fast is no silence"
    assert said(share=94.9) == ["gaps"]
    assert said(share=99.0, longest_gap=24.0) == ["gaps"]
    assert said(frozen=12.0, share=10.0, clock=3) == ["clock", "frozen", "gaps"]
    assert said(valueless=50.0) == ["valueless"]
    assert said(drifting=True) == ["drift"]
    assert said(battery=19.0) == ["battery"]
    assert said(battery=20.0) == ["fine"]


def test_what_is_not_known_is_not_said() -> None:
    unknown = {"share": None, "longest_gap": None, "frozen": None, "valueless": None, "drifting": None, "battery": None}
    assert said(**unknown) == ["fine"]
    assert said(judged=False) == ["unjudged"]
    assert said(interval=None, last=NOW - 1000 * HOUR) == ["unjudged"], "without an interval nobody can tell silence"
    assert silent_for(replace(WELL, interval=None), THRESHOLDS, NOW) is None
    assert silent_for(replace(WELL, last=NOW - 5 * HOUR), THRESHOLDS, NOW) == 5 * HOUR


def test_a_month_of_the_past_is_not_silent() -> None:
    assert verdicts(replace(WELL, last=NOW - 9999 * HOUR), THRESHOLDS, None) == ["fine"]


def test_the_worst_first() -> None:
    known = [WELL, replace(WELL, share=50.0), replace(WELL, share=20.0), replace(WELL, frozen=30.0), replace(WELL, last=None)]
    known.append(replace(WELL, last=NOW - 99 * HOUR, frozen=30.0))
    known.append(replace(WELL, last=NOW - 99 * HOUR, share=60.0))
    ordered = sorted(known, key=lambda each: rank(verdicts(each, THRESHOLDS, NOW), each))
    assert [known.index(each) for each in ordered] == [4, 5, 6, 3, 2, 1, 0]


percent = st.none() | st.floats(0, 100)


@given(st.builds(Known, share=percent, frozen=percent, valueless=percent, battery=percent, clock=st.integers(0, 3)))
def test_something_is_always_said_and_the_worst_first(known: Known) -> None:
    for now in (None, NOW):
        found = verdicts(known, THRESHOLDS, now)
        assert found
        assert found == sorted(set(found), key=STATES.index)
        assert "fine" not in found or len(found) == 1


@pytest.mark.parametrize("rule", ["silent_intervals", "least_silence", "received_share", "drift_score", "battery_level"])
def test_thresholds_are_data(rule: str) -> None:
    assert THRESHOLDS[rule] > 0
