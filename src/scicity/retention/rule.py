"""The rule by which a district lets go of what is old: the table `[retention]` of `district.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scicity.kernel.calendar import Calendar
from scicity.kernel.problems import Problems

FOREVER_DAYS = 36_500  # as long as anybody will ask
# name: least, most, usual
LIMITS = {"versions_days": (1, FOREVER_DAYS, 92), "steps_hours": (6, 24 * FOREVER_DAYS, 24), "readings_years": (1, 100, None)}


@dataclass(frozen=True)
class Rule:
    """Every version is kept for `steps_hours`, of each day its last one for `versions_days`, readings for `readings_years`
    whole years; None is for ever."""

    versions_days: int = 92
    steps_hours: int = 24
    readings_years: int | None = None

    def __str__(self) -> str:
        return f"readings_years = {self.readings_years}"

    def first_month(self, now: datetime, calendar: Calendar) -> str:
        """The first month (`2021-01`) whose readings are kept; empty where all are."""
        if self.readings_years is None:
            return ""
        local = now.astimezone(calendar.tz)
        return f"{local.year - self.readings_years:04d}-{local.month:02d}"

    def steps_until(self, now: datetime) -> int:
        """The instant [ms] up to which not every version is kept."""
        return round((now - timedelta(hours=self.steps_hours)).timestamp() * 1000)

    def days_since(self, now: datetime) -> int:
        """The instant [ms] from which on the last version of each day is kept."""
        return round((now - timedelta(days=self.versions_days)).timestamp() * 1000)


def rule_of(settings: dict[str, Any], problems: Problems | None = None) -> Rule:
    """The rule of a district's settings. What cannot be is a problem, and the usual stands in its place."""
    problems = Problems() if problems is None else problems
    told = settings.get("retention", {})
    if not isinstance(told, dict):
        problems.add("value", "district.toml", field="retention", found=told, expected="a table [retention]")
        told = {}
    for name in sorted(told.keys() - LIMITS.keys()):
        expected = "one of " + ", ".join(sorted(LIMITS))
        problems.add("column-unknown", "district.toml", field=f"retention.{name}", found=name, expected=expected)
    found: dict[str, Any] = {}
    for name, (least, most, usual) in LIMITS.items():
        value = told.get(name, usual)
        if value is not usual and not (type(value) is int and least <= value <= most):
            expected = f"a whole number from {least} to {most}"
            problems.add("value", "district.toml", field=f"retention.{name}", found=value, expected=expected)
            value = usual
        found[name] = value
    rule = Rule(**found)
    if rule.steps_hours > 24 * rule.versions_days:
        expected = f"at most {24 * rule.versions_days}, as versions_days has it"
        problems.add("value", "district.toml", field="retention.steps_hours", found=rule.steps_hours, expected=expected)
        return Rule(rule.versions_days, 24 * rule.versions_days, rule.readings_years)
    return rule
