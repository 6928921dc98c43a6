"""Hard cases that need more than the readings of one meter: arrival over time, months as partitions, units, flows, sub-meters.

One small district holds them all; each of its meters is a case. All readings go through the door and the lake.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicity.domains.energy.golden.damage import Damage, becomes, silent
from scicity.domains.energy.golden.lake import Metered, Site
from scicity.domains.energy.golden.meter import Device, Load, Meter, Reading, daily, steady, weak
from scicity.kernel.lineage import Figures
from scicity.kernel.problems import Refused

ZONE = ZoneInfo("Asia/Shanghai")
QUARTER = timedelta(minutes=15)
FIRST, LAST = (datetime(2023, month, 1, tzinfo=ZONE).astimezone(UTC) for month in (3, 5))
POWERS = {1: Decimal("0.0006"), 5: Decimal("0.003"), 15: Decimal("0.01")}  # minutes -> share of a day that it may be off


def sun(hour: datetime) -> int:
    """What a solar roof gives back by day."""
    return 8 if 10 <= hour.hour < 16 else 0


@cache
def meter(load: Load = daily) -> Meter:
    """A true meter of March and April."""
    return Meter(load, [Device(digits=None)], str(ZONE), FIRST, LAST)


@cache
def registers(load: Load = daily, *harm: Damage) -> list[Reading]:
    """What arrives of a register in kWh."""
    if not harm:
        return meter(load).registers(QUARTER)
    *before, last = harm
    return last(meter(load), registers(load, *before))


def below(main: str) -> Metered:
    """A sub-meter."""
    return Metered(row={"role": "sub", "parent": main})


def power(minutes: int) -> Metered:
    """A meter that sends power."""
    return Metered(flows={"forward": {"property": "active_power", "unit": "kW", "interval_seconds": minutes * 60}})


METERS = {
    "plain": Metered(),
    "night-gap": Metered(),
    "week-gap": Metered(),
    "reset": Metered(),
    "mwh": Metered(devices=[Device(digits=9)], flows={"forward": {"unit": "MWh"}}),
    "wh": Metered(devices=[Device(digits=3, decimals=5)], flows={"forward": {"unit": "Wh"}}),
    "both": Metered(devices=[Device(building="solar")], flows={"forward": {}, "reverse": {}}),
    "sinking": Metered(),
    **{f"power-{minutes}": power(minutes) for minutes in POWERS},
    "main": Metered(),
    "main.one": below("main"),
    "main.two": below("main"),
    "weak": Metered(),
    "weak.one": below("weak"),
}
LOST = becomes("2023-03-11 10:30", "2023-05-02 00:00", lambda value: max(0.0, value - 1030))


def in_units(factor: float, turns: float) -> list[Reading]:
    """The register in a unit of so many kWh, on a device that rolls over at so many kWh."""
    return [Reading(row.time, row.value % turns / factor) for row in registers()]


@cache
def readings() -> dict[str, list[Reading]]:
    """What arrives of each datastream."""
    return {
        "plain.forward": registers(),
        "night-gap.forward": registers(daily, silent("2023-03-31 22:15", "2023-04-01 01:45")),
        "week-gap.forward": registers(daily, silent("2023-03-28 09:00", "2023-04-05 09:00")),
        "reset.forward": registers(daily, becomes("2023-03-31 12:00", "2023-04-01 12:00", lambda _: 0.0)),
        "mwh.forward": in_units(1000, 1e9),
        "wh.forward": in_units(0.001, 1e3),
        "both.forward": registers(weak),
        "both.reverse": registers(sun),
        "sinking.forward": registers(steady, becomes("2023-03-11 10:15", "2023-03-11 12:00", lambda v: v - 2 * (v - 15970))),
        **{f"power-{minutes}.forward": meter().powers(timedelta(minutes=minutes)) for minutes in POWERS},
        "main.forward": registers(steady),
        "main.one.forward": registers(weak),
        "main.two.forward": registers(weak, LOST),
        "weak.forward": registers(weak),
        "weak.one.forward": registers(steady),
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """All meters, all readings, computed."""
    found = Site(tmp_path_factory.mktemp("site"), METERS)
    found.arrive("all", readings())
    found.compute()
    return found


def energies(found: Site, name: str = "plain", flow: str = "forward") -> dict[datetime, Decimal | None]:
    """The energy of a meter by hour."""
    rows = found.rows("energy.meter_hourly", f"meter = '{name}' AND flow = '{flow}'")
    return {row["hour"]: row["energy"] for row in rows if FIRST <= row["hour"] < LAST}


@cache
def truth(load: Load = daily) -> dict[datetime, Decimal]:
    """The true energy by hour."""
    return {hour: energy for (_, hour), energy in meter(load).truth(FIRST, LAST).items()}


@pytest.mark.parametrize("name", ["plain", "night-gap", "week-gap", "reset", "mwh", "wh"])
def test_every_hour_is_exact(site: Site, name: str) -> None:
    """[4] Gaps over the end of a month, [8] a reset over it that comes back, [24] registers in other units."""
    assert energies(site, name) == truth()


def test_each_flow_is_counted_by_itself_and_a_building_takes_the_difference(site: Site) -> None:
    """[9] A bidirectional meter sends two registers; at noon the building gives back more than it takes."""
    assert energies(site, "both") == truth(weak)
    assert energies(site, "both", "reverse") == truth(sun)
    rows = site.rows("energy.consumption_hourly", "building = 'solar'")
    net = {row["hour"]: row["energy"] for row in rows if FIRST <= row["hour"] < LAST}
    assert net == {hour: energy - truth(sun)[hour] for hour, energy in truth(weak).items()}


def test_a_register_that_sinks_is_no_reverse_flow(site: Site) -> None:
    """[9] What is given back cannot be told from a register that counts both ways: nothing comes out negative."""
    assert min(energy for energy in energies(site, "sinking").values() if energy is not None) >= 0


@pytest.mark.parametrize("minutes", POWERS)
def test_power_agrees_with_the_register_within_its_sampling(site: Site, minutes: int) -> None:
    """[11] The load jumps at each full hour, and a trapezoid takes the half of a jump over one interval."""
    register, integral = energies(site), energies(site, f"power-{minutes}")
    days: dict[date, list[datetime]] = {}
    for hour in register:
        days.setdefault(hour.astimezone(ZONE).date(), []).append(hour)
    for hours in days.values():
        mine, theirs = (sum((column[hour] or Decimal(0) for hour in hours), Decimal(0)) for column in (register, integral))
        assert abs(mine - theirs) <= POWERS[minutes] * mine


def gaps(found: Site, name: str) -> dict[date, tuple[Decimal | None, Decimal | None, Decimal | None]]:
    """Main, sub and gap by day."""
    rows = found.rows("energy.gap_account", f"meter = '{name}'")
    days = {hour.astimezone(ZONE).date() for hour in truth()}
    return {r["day"]: (r["main_energy"], r["sub_energy"], r["gap_energy"]) for r in rows if r["day"] in days}


def test_the_gap_between_main_and_sub_meters(site: Site) -> None:
    """[13] Of 60 kWh in each hour the sub-meters see 4 and 4 by day; the day on which one of them is reset has no gap."""
    account = gaps(site, "main")
    assert account.pop(date(2023, 3, 11)) == (Decimal(1440), None, None)
    assert set(account.values()) == {(Decimal(1440), Decimal(96), Decimal(1344))}


def test_sub_meters_that_show_more_than_the_main_meter(site: Site) -> None:
    """[13] The gap is negative and stays so: the account hides no fault."""
    assert set(gaps(site, "weak").values()) == {(Decimal(48), Decimal(1440), Decimal(-1392))}


def test_a_reading_that_is_set_aside_opens_to_itself(site: Site) -> None:
    """[8] The reset at the end of March: every reading of it stands in the table, in its month, and leads to what arrived."""
    rows = site.rows("energy.reading_set_aside", "meter = 'reset'")
    true = meter()
    assert [(row["time"], row["rule"], row["value"]) for row in rows] == [
        (row.time, "dip", 0.0) for row in registers() if true.at("2023-03-31 12:00") <= row.time < true.at("2023-04-01 12:00")
    ]
    why = Figures(site.computing).why(
        f"energy.reading_set_aside.value/datastream=reset.forward/time={rows[0]['time']:%Y-%m-%dT%H:%M:%SZ}/rule=dip"
    )
    opened = {each.name: [dict(row) for row in each.rows] for each in why.inputs}
    assert [(row["datastream"], row["time"], row["value"]) for row in opened["registers"]] == [
        ("reset.forward", rows[0]["time"], 0.0)
    ]
    assert [row["meter"] for row in opened["installations"]] == ["reset"]
    assert [row["datastream"] for row in opened["streams"]] == ["reset.forward"]
    assert site.rows("energy.reading_set_aside", "meter = 'plain'") == []


@pytest.mark.parametrize("late", [timedelta(minutes=1), timedelta(days=1), timedelta(days=400)])
def test_late_readings_lead_to_the_state_of_readings_in_time(site: Site, tmp_path: Path, late: timedelta) -> None:
    """[3] They arrive, over the end of a month, behind others that are younger by so much; then the rest."""
    found = Site(tmp_path, {"plain": Metered()})
    rows = registers()
    true = meter()
    held = [row for row in rows if true.at("2023-03-31 10:00") < row.time < true.at("2023-04-01 05:00")]
    until = held[-1].time + late
    states = []
    for batch, arriving in {
        "first": [row for row in rows if row.time <= until and row not in held],
        "late": held,
        "rest": [row for row in rows if row.time > until],
    }.items():
        found.arrive(batch, {"plain.forward": arriving})
        states.append(found.compute(only="energy.meter_hourly"))
    assert states[0] != states[1]
    assert energies(found) == energies(site) == truth()
    whole = Site(tmp_path / "whole", {"plain": Metered()})
    whole.arrive("all", {"plain.forward": rows})
    assert whole.compute(only="energy.meter_hourly") == states[-1]


def test_a_batch_that_comes_again_changes_nothing(tmp_path: Path) -> None:
    """[1] Under its own name, and under another one in another order."""
    found = Site(tmp_path, {"plain": Metered()})
    rows = registers()
    found.arrive("a", {"plain.forward": rows})
    files = found.compute(only="energy.meter_hourly")
    found.arrive("a", {"plain.forward": rows})
    found.arrive("b", {"plain.forward": rows[::-1]})
    assert found.compute(only="energy.meter_hourly") == files


def test_buckets_change_nothing(site: Site, tmp_path: Path) -> None:
    """Each meter stands in one bucket, with the readings of its own; files of several batches are merged."""
    found = Site(tmp_path, METERS, buckets=4)
    for batch in range(3):
        found.arrive(f"{batch}", {name: rows[batch::3] for name, rows in readings().items()})
    found.compute(only="energy.meter_hourly")
    rows, expected = (
        [row for row in each.rows("energy.meter_hourly", "energy IS NOT NULL") if FIRST <= row["hour"] < LAST]
        for each in (found, site)
    )
    assert rows == expected
    everything = [(row["meter"], row["flow"], row["hour"]) for row in found.rows("energy.meter_hourly", "true")]
    assert len(everything) == len(set(everything))


def test_days_hold_what_months_hold(site: Site, tmp_path: Path) -> None:
    """A lake by days has the same rows, but those of days on which nothing is known; also where readings came bit by bit."""
    found = Site(tmp_path, METERS, by_days=True)
    for batch in range(3):
        found.arrive(f"{batch}", {name: rows[batch::3] for name, rows in readings().items()})
        found.compute()
    parts = found.lake.snapshot("energy.meter_hourly").files
    assert len(parts) > 20 and {len(part.period) for part in parts} == {len("2023-05-31")}
    for table in ("energy.meter_hourly", "energy.consumption_hourly", "energy.reading_set_aside"):
        known = "true" if table == "energy.reading_set_aside" else "energy IS NOT NULL"
        rows, expected = found.rows(table, known), site.rows(table, known)
        assert rows == expected and rows, table
    gaps, expected = (each.rows("energy.gap_account", "gap_energy IS NOT NULL") for each in (found, site))
    assert gaps == expected
    again = Site(tmp_path / "again", METERS, by_days=True)
    again.arrive("all", readings())
    assert again.compute() == found.compute()


@pytest.mark.parametrize("unit", ["m**3", "kW", "degC", "no unit"])
def test_a_register_of_something_else_is_not_taken_for_energy(tmp_path: Path, unit: str) -> None:
    """[24] The register of datastreams refuses it; the door, even so, takes nothing of it."""
    found = Site(tmp_path, {"plain": Metered(flows={"forward": {"unit": unit}})})
    assert found.arrive("all", {"plain.forward": registers()[:9]}) == {}


def test_an_unknown_datastream_is_refused_with_the_whole_batch(tmp_path: Path) -> None:
    """Nothing of a batch is taken in part."""
    found = Site(tmp_path, {"plain": Metered()})
    with pytest.raises(Refused):
        found.arrive("all", {"plain.forward": registers()[:9], "other.forward": registers(steady)[:9]})
    assert found.lake.snapshot("reading.energy_register").version == -1


arrivals = st.lists(st.tuples(st.integers(0, 58), st.integers(1, 300)), max_size=3)  # from which day on, how many readings
odd = st.tuples(st.integers(0, 58 * 96), st.sampled_from([-300, -2, 0, 3, 700]), st.booleans())


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    late=arrivals,
    odd=st.lists(odd, max_size=2),
    steps=st.lists(st.integers(1, 9), min_size=2, max_size=6),
    by_days=st.booleans(),
)
def test_what_is_healed_as_it_arrives_equals_what_arrives_at_once(
    late: list[tuple[int, int]], odd: list[tuple[int, int, bool]], steps: list[int], by_days: bool
) -> None:
    """Live readings day by day, stretches that come late, another value for a time or one more between two: a calm register is
    healed for its last days alone, another for eight days around, and neither may show in what comes out."""
    rows = registers()
    held = {at for day, count in late for at in range(day * 96, day * 96 + count) if at < len(rows)}
    more = [Reading(rows[at].time + timedelta(minutes=7 * between), rows[at].value + by) for at, by, between in odd]
    live = [row for at, row in enumerate(rows) if at not in held]
    edges = np.unique(np.clip(np.cumsum([30 * 96, *(96 * step for step in steps)]), 0, len(live))).tolist()
    batches = [live[a:b] for a, b in pairwise([0, *edges])]
    batches += [[rows[at] for at in sorted(held)], more, live[edges[-1] :]]
    sent = [batch for batch in batches if batch]
    states = []
    with tempfile.TemporaryDirectory() as folder:
        for place, arriving in (("bit by bit", sent), ("at once", [[row for batch in sent for row in batch]])):
            found = Site(Path(folder) / place, {"plain": Metered(), "other": Metered()}, by_days=by_days)
            found.arrive("other", {"other.forward": registers(weak)[: 50 * 96]})
            for number, batch in enumerate(arriving):
                found.arrive(f"{number}", {"plain.forward": batch})
                state = found.compute()
            states.append(state)
    assert states[0] == states[1]


@pytest.mark.parametrize(("harm", "days"), [((), 3), ((silent("2023-03-27 12:00", "2023-03-27 18:00"),), 9)])
def test_a_calm_register_is_healed_for_its_last_days_and_another_for_eight_days_around(
    tmp_path: Path, harm: tuple[Damage, ...], days: int
) -> None:
    """A day that arrives touches itself and what sees whether the register stands still; behind trouble, all that might."""
    found = Site(tmp_path, {"plain": Metered()}, by_days=True)
    edge = datetime(2023, 4, 2, tzinfo=ZONE)
    rows = registers(daily, *harm)
    found.arrive("before", {"plain.forward": [row for row in rows if row.time < edge]})
    found.compute()
    found.arrive("live", {"plain.forward": [row for row in rows if edge <= row.time < edge + timedelta(hours=12)]})
    done = {each.table: each for each in found.computing.bring_up_to_date()}
    computed = {part.period for part in done["energy.meter_hourly"].computed}
    assert computed >= {f"{edge - timedelta(days=n):%Y-%m-%d}" for n in range(days)}
    assert min(computed) == f"{edge - timedelta(days=days - 1):%Y-%m-%d}"
