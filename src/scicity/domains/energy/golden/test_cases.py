"""Every case in every order: sorted, backwards, shuffled and sent twice; zero kWh of error where the truth can be told."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from scicity.domains.energy.golden.arrow import FLAGS, ledger, verdicts
from scicity.domains.energy.golden.cases import CASES, Case
from scicity.domains.energy.golden.meter import HOUR, Meter, Reading

Expected = tuple[Decimal | None, set[str]]  # energy and marks
UNCHECKED = {"interpolated"}  # where a case does not ask for it
DAYS = timedelta(days=40)  # of readings, from the first of the month on


def meter_of(case: Case) -> Meter:
    """The true meter of a case, from the first day of the month on."""
    first = datetime.fromisoformat(f"{case.days[0][:7]}-01").replace(tzinfo=ZoneInfo(case.zone)).astimezone(UTC)
    return Meter(case.load, case.devices, case.zone, first, first + DAYS)


def readings_of(case: Case, meter: Meter) -> list[Reading]:
    """What arrives of the meter's readings."""
    every = timedelta(minutes=case.every)
    rows = {
        "energy_register": meter.registers,
        "energy_increment": meter.increments,
        "active_power": meter.powers,
    }[case.observed](every)
    for damage in case.damage:
        rows = damage(meter, rows)
    return rows


def hours(meter: Meter, case: Case, spans: str) -> set[datetime]:
    """The hours of `11 10..11 12;13 00..13 01`."""
    found: set[datetime] = set()
    for span in filter(None, spans.split(";")):
        first, last = (meter.at(f"{case.days[0][:7]}-{day} {hour}:00") for day, hour in map(str.split, span.split("..")))
        while first < last:
            found.add(first)
            first += HOUR
    return found


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case) -> None:
    meter = meter_of(case)
    rows = readings_of(case, meter)
    window = (meter.at(case.days[0]), meter.at(case.days[1]))
    table = ledger(case, {"forward": rows}, window)
    expected = expectations(case, meter, window)
    found = {(row["building"], row["hour"]): row for row in table.to_pylist()}
    assert set(found) == set(expected)
    wrong = [
        f"{hour.astimezone(meter.zone):%d %H} {building}: {energy} {sorted(told)}, expected {expected[building, hour]}"
        for (building, hour), row in found.items()
        if ((energy := row["energy"]), (told := marks(row["flags"]) - UNCHECKED)) != expected[building, hour]
    ]
    assert not wrong, "\n".join(wrong)
    asked = hours(meter, case, case.marks.get("interpolated", ""))
    assert all("interpolated" in marks(row["flags"]) for (_, hour), row in found.items() if hour in asked)
    for order in (rows[::-1], random.Random(1).sample(rows * 2, len(rows) * 2)):
        assert ledger(case, {"forward": order}, window).equals(table), "the order of arrival changed the ledger"
    if case.set_aside:
        assert verdicts(case, {"forward": rows}, window) == case.set_aside


def expectations(
    case: Case, meter: Meter, window: tuple[datetime, datetime]
) -> dict[tuple[str, datetime], tuple[Decimal | None, set[str]]]:
    """Of each building and hour the energy and the marks."""
    unknown = hours(meter, case, case.unknown)
    marked = {flag: hours(meter, case, spans) for flag, spans in case.marks.items()}
    told = {**case.partial, **case.holds}
    found: dict[tuple[str, datetime], Expected] = {}
    for (building, hour), energy in meter.truth(*window).items():
        name = f"{hour.astimezone(meter.zone):%d %H}"
        text = told.get(f"{name} {building}", told.get(name))
        value = None if hour in unknown else energy if text is None else Decimal(text)
        found[building, hour] = (value, {flag for flag, spans in marked.items() if hour in spans} - UNCHECKED)
    return found


def marks(flags: int) -> set[str]:
    """The names of the marks in a bit mask."""
    return {name for name, bit in FLAGS.items() if flags & bit}
