"""The rule in `district.toml`: what may stand there, and what every fault of it is told as."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from scicity.kernel.calendar import Calendar
from scicity.kernel.problems import Problems
from scicity.retention import Rule, rule_of


@pytest.mark.parametrize(
    ("told", "field", "expected"),
    [
        ({"versions_days": 0}, "retention.versions_days", "a whole number from 1 to 36500"),
        ({"versions_days": True}, "retention.versions_days", "a whole number from 1 to 36500"),
        ({"versions_days": "92"}, "retention.versions_days", "a whole number from 1 to 36500"),
        ({"steps_hours": 5}, "retention.steps_hours", "a whole number from 6 to 876000"),
        ({"steps_hours": 72, "versions_days": 2}, "retention.steps_hours", "at most 48, as versions_days has it"),
        ({"readings_years": 0}, "retention.readings_years", "a whole number from 1 to 100"),
        ({"readings_years": 2.5}, "retention.readings_years", "a whole number from 1 to 100"),
        ({"reading_years": 5}, "retention.reading_years", "one of readings_years, steps_hours, versions_days"),
        (7, "retention", "a table [retention]"),
    ],
)
def test_a_fault_names_its_field_and_the_usual_stands_in(told: Any, field: str, expected: str) -> None:
    problems = Problems()
    rule = rule_of({"retention": told}, problems)
    ((problem),) = problems.items
    assert (problem.file, problem.field, problem.expected) == ("district.toml", field, expected)
    assert rule.readings_years is None and rule.versions_days in (92, 2)


def test_without_a_rule_readings_are_kept_for_ever() -> None:
    problems = Problems()
    assert rule_of({}, problems) == Rule(92, 24, None) and not len(problems)
    assert rule_of({"retention": {"readings_years": 5}}, problems).readings_years == 5 and not len(problems)


def test_years_are_whole_and_months_are_local() -> None:
    shanghai = Calendar("Asia/Shanghai")
    assert Rule().first_month(datetime(2026, 1, 1, tzinfo=UTC), shanghai) == ""
    rule = Rule(readings_years=5)
    assert rule.first_month(datetime(2025, 12, 31, 15, 59, tzinfo=UTC), shanghai) == "2020-12"
    assert rule.first_month(datetime(2025, 12, 31, 16, 0, tzinfo=UTC), shanghai) == "2021-01"
