"""Known answers of the tables of health, computed by the kernel from a district's folder; and their healing."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.city import City
from scicity.domains.devices import health
from scicity.domains.devices.methods.days import never_frozen, stream_days
from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import Slot
from scicity.kernel.district import DATASTREAM
from scicity.kernel.lake import Part
from scicity.kernel.problems import Problems

START = datetime(2025, 1, 31, 16, tzinfo=UTC)  # 2025-02-01 00:00 in Shanghai
STREAMS = """datastream,thing,property,unit,flow,interval_seconds,origin,source
a.t,a,air_temperature,degC,,3600,stand-in,test
b.t,b,air_temperature,degC,,3600,stand-in,test
gas.e,gas,energy_increment,kWh,forward,3600,stand-in,test
main.e,main,energy_increment,kWh,forward,3600,stand-in,test
never.t,a,dew_point,degC,,3600,stand-in,test
"""
REGISTERS = {
    "datastreams": STREAMS,
    "stations": "station,name_zh,name_en,longitude,latitude,origin,source\n"
    "a,甲,A,116,40,stand-in,t\nb,乙,B,116.01,40,stand-in,t\n",
    "buildings": "building,zone,name_zh,name_en,use,floor_area,longitude,latitude,origin,source\n"
    "h,district,楼,House,office,100,116,40,stand-in,t\n",
    "meters": "meter,carrier,role,parent,zero_is_gap,origin,source\ngas,natural_gas,main,,false,stand-in,t\n"
    "main,electricity,main,,true,stand-in,t\n",
    "installations": "meter,valid_from,valid_to,building,multiplier,source\ngas,2025-01-01,,h,1,t\nmain,2025-01-01,,h,1,t\n",
}


def rows_of(stream: str, first: int, last: int, value: Any = None) -> list[str]:
    return [
        f"{stream},{START + timedelta(hours=h):%Y-%m-%dT%H:%M:%SZ},{h % 7 + 0.5 if value is None else value},0"
        for h in range(first, last)
    ]


DAY = 24
READINGS = {
    # ten hours are missing on 27 and 28 February, and four days from there into March
    "a": [
        *rows_of("a.t", 0, 26 * DAY + 20),
        *rows_of("a.t", 27 * DAY + 6, 27 * DAY + 12),
        *rows_of("a.t", 31 * DAY + 12, 40 * DAY),
    ],
    # the temperature stands still for thirty hours over the end of the month
    "b": [
        *rows_of("b.t", 0, 27 * DAY + 12),
        *rows_of("b.t", 27 * DAY + 12, 28 * DAY + 18, 4.25),
        *rows_of("b.t", 28 * DAY + 18, 40 * DAY),
    ],
    # a valve that is closed, and a main meter that says 0
    "energy": [*rows_of("gas.e", 1, 10 * DAY + 1, 0), *rows_of("main.e", 1, 10 * DAY + 1, 0)],
}


def city(root: Path, name: str, readings: dict[str, list[str]]) -> City:
    folder = root / name
    (folder / "registers").mkdir(parents=True)
    (folder / "readings").mkdir()
    (folder / "district.toml").write_text(
        '[district]\nslug = "t"\nname = {zh = "试", en = "t"}\ntimezone = "Asia/Shanghai"\nlanguages = ["zh"]\n'
        '[[zone]]\nzone = "district"\nname_zh = "全区"\nname_en = "All"\n',
        encoding="utf-8",
    )
    for register, text in REGISTERS.items():
        (folder / "registers" / f"{register}.csv").write_text(text, encoding="utf-8")
    for file, rows in readings.items():
        write(folder / "readings" / f"{file}.csv", rows)
    made = City(folder, root / f"{name}-state")
    made.load()
    made.compute(only="devices.drift_monthly")
    made.compute(only="devices.stream_last")
    return made


def write(file: Path, rows: list[str]) -> None:
    file.write_text("\n".join(["datastream,time,value,revision", *rows]) + "\n", encoding="utf-8")


def answer(made: City, table: str, **where: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in made.figures.rows(f"devices.{table}", where=where)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> City:
    return city(tmp_path_factory.mktemp("health"), "whole", READINGS)


def test_a_gap_over_the_end_of_a_month(made: City) -> None:
    february, march = answer(made, "stream_monthly", datastream="a.t")
    assert (february["expected_readings"], february["missing_readings"], february["gaps"]) == (28 * 24, 10 + 12, 2)
    assert february["received_share"] == pytest.approx(100 * (1 - 22 / (28 * 24)))
    assert february["longest_gap_hours"] == march["longest_gap_hours"] == 96
    assert (march["expected_readings"], march["missing_readings"], march["gaps"]) == (12 * 24, 84, 1)
    days = {
        row["day"]: row["missing_readings"] for row in answer(made, "stream_daily", datastream="a.t") if row["missing_readings"]
    }
    of_days = [(2, 27, 4), (2, 28, 6 + 12), (3, 1, 24), (3, 2, 24), (3, 3, 24), (3, 4, 12)]
    assert days == {date(2025, month, day): count for month, day, count in of_days}


def test_what_stands_still_over_the_end_of_a_month(made: City) -> None:
    assert [row["frozen_hours"] for row in answer(made, "stream_monthly", datastream="b.t")] == [12, 18]
    assert [row["frozen_hours"] for row in answer(made, "stream_monthly", datastream="a.t")] == [0, 0]


def test_a_closed_valve_is_not_frozen_and_a_dead_meter_is(made: City) -> None:
    (gas,), (main,) = (answer(made, "stream_monthly", datastream=name) for name in ("gas.e", "main.e"))
    assert (gas["expected_readings"], gas["received_share"], gas["frozen_hours"]) == (240, 100.0, 0)
    assert main["frozen_hours"] == 240


def test_an_hour_that_ends_at_midnight_belongs_to_its_day(made: City) -> None:
    days = answer(made, "stream_daily", datastream="gas.e")
    assert [row["received_readings"] for row in days] == [24] * 10
    assert days[-1]["last_reading"] == START + timedelta(days=10)


def test_the_last_month(made: City) -> None:
    assert {row["datastream"]: row["month"] for row in answer(made, "stream_last")} == {
        "a.t": date(2025, 3, 1),
        "b.t": date(2025, 3, 1),
        "gas.e": date(2025, 2, 1),
        "main.e": date(2025, 2, 1),
    }


def test_neighbours_and_offsets(made: City) -> None:
    (pair, _) = answer(made, "neighbour")
    assert (pair["datastream"], pair["neighbour"], pair["near"]) == ("a.t", "b.t", "place")
    offsets = answer(made, "offset_monthly", datastream="a.t")
    assert [(row["month"], row["neighbours"], row["days_compared"]) for row in offsets] == [
        (date(2025, 2, 1), 1, 28),
        (date(2025, 3, 1), 1, 9),
    ]
    assert offsets[0]["neighbour_offset"] == 0.0
    assert offsets[1]["neighbour_offset"] is None, "nine days are too few"
    assert [row["drifting"] for row in answer(made, "drift_monthly", datastream="a.t")] == [None]


def test_a_figure_opens_down_to_its_readings(made: City) -> None:
    opened = made.figures.why("devices.stream_monthly.missing_readings/datastream=a.t/month=2025-02-01")
    assert [(each.name, each.total) for each in opened.inputs] == [("daily", 28)]
    below = made.figures.why(opened.inputs[0].rows[26].figure("missing_readings").address)
    found = {each.name: each.total for each in below.inputs if each.total}
    assert found["of_air_temperature"] == 20
    assert found["streams"] == 1


def test_late_readings_heal_to_what_a_rebuild_gives(tmp_path: Path) -> None:
    parts = {"a": READINGS["a"], "b": READINGS["b"][:400], "energy": READINGS["energy"]}
    late = [*READINGS["b"][400:], *rows_of("a.t", 26 * DAY + 20, 27 * DAY + 6)]
    healed, rebuilt = city(tmp_path, "healed", parts), city(tmp_path, "rebuilt", {**parts, "late": late})
    write(tmp_path / "late.csv", late)
    healed.take(tmp_path / "late.csv")
    healed.compute(only="devices.drift_monthly")
    healed.compute(only="devices.stream_last")
    for name in (table.name for table in health.tables_of(healed.district)):
        assert healed.lake.snapshot(name).paths == rebuilt.lake.snapshot(name).paths, name
    february = answer(healed, "stream_monthly", datastream="a.t")[0]
    assert (february["missing_readings"], february["gaps"]) == (12, 1)


def test_nothing_is_computed_that_a_reading_does_not_touch(tmp_path: Path) -> None:
    made = city(tmp_path, "once", READINGS)
    write(tmp_path / "one.csv", [row.replace(",0", ",1") for row in rows_of("a.t", 12 * DAY, 12 * DAY + 1, 1.25)])
    made.take(tmp_path / "one.csv")
    done = {each.table: {part.period for part in each.computed} for each in made.compute(only="devices.stream_monthly")}
    assert done["devices.stream_daily"] == {"2025-02"}


SHANGHAI, BERLIN = Calendar("Asia/Shanghai"), Calendar("Europe/Berlin")
BEHAVIOURS = [
    {"property": "air_temperature", "value_kind": "level", "still_hours": 3, "rests_at_most": None, "neighbour_reach": 10.0},
]
METERS = pa.table({"meter": pa.array([], pa.string()), "zero_is_gap": pa.array([], pa.bool_())})


def days_of(
    rows: list[tuple[int, float | None, int]], calendar: Calendar, month: str, interval: int | None = 3600
) -> list[dict[str, Any]]:
    """The days of one stream; rows are minutes from the beginning of the month, value and revision."""
    start, end = calendar.bounds(month)
    row = {
        "datastream": "a",
        "thing": "a",
        "property": "air_temperature",
        "flow": None,
        "interval_seconds": interval,
        "origin": "stand-in",
    }
    behaviours = pa.Table.from_pylist([{**each, "least_drift": 1.0} for each in BEHAVIOURS], schema=_behaviours())
    readings = pa.table(
        {
            "datastream": pa.array(["a"] * len(rows), pa.string()),
            "time": pa.array([start + minute * 60_000_000 for minute, _, _ in rows], pa.int64()).cast(
                pa.timestamp("us", "UTC")
            ),
            "value": pa.array([value for _, value, _ in rows], pa.float64()),
            "revision": pa.array([revision for _, _, revision in rows], pa.int64()),
        }
    )
    schema = pa.schema([DATASTREAM.schema.field(name) for name in row])
    slot = Slot(Part(month), start, end, calendar, ((start, end),))
    found = stream_days(slot, pa.Table.from_pylist([row], schema=schema), behaviours, METERS, {"of": readings})
    return [dict(each) for each in found.to_pylist()]


def _behaviours() -> pa.Schema:
    names = ("property", "value_kind", "still_hours", "rests_at_most", "neighbour_reach", "least_drift")
    return pa.schema([health.BEHAVIOUR.schema.field(name) for name in names])


@pytest.mark.parametrize(("month", "day", "hours"), [("2025-03", 30, 23), ("2025-10", 26, 25)])
def test_days_of_other_lengths(month: str, day: int, hours: int) -> None:
    start, end = BERLIN.bounds(month)
    found = days_of([(minute, float(minute), 0) for minute in range(0, (end - start) // 60_000_000, 60)], BERLIN, month)
    assert {row["day"].day: row["expected_readings"] for row in found} == dict.fromkeys(range(1, 32), 24) | {day: hours}
    assert {row["missing_readings"] for row in found} == {0}


def test_what_is_not_known_is_not_told() -> None:
    (row,) = days_of([(0, 1.0, 0), (600, 1.0, 0)], SHANGHAI, "2025-03", interval=None)
    unknown = ("expected_readings", "missing_readings", "received_share", "gaps", "longest_gap_seconds", "frozen_seconds")
    assert row["received_readings"] == 2
    assert [row[name] for name in unknown] == [None] * len(unknown)


def test_readings_without_a_value_came() -> None:
    (row,) = days_of([(60 * hour, None if hour % 2 else float(hour), 0) for hour in range(24)], SHANGHAI, "2025-03")
    assert (row["received_readings"], row["valueless_readings"], row["missing_readings"]) == (24, 12, 0)
    assert row["level"] == 11.0


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_order_of_arrival_gives_the_same_days(data: st.DataObject) -> None:
    reading = st.tuples(st.integers(-3 * 1440, 34 * 1440), st.sampled_from([1.0, 2.0, 2.5, None]), st.integers(0, 2))
    rows = data.draw(st.lists(reading, max_size=60))
    shuffled = data.draw(st.permutations(rows))
    assert days_of(rows, SHANGHAI, "2025-03") == days_of(shuffled, SHANGHAI, "2025-03")
    assert days_of(rows, SHANGHAI, "2025-03") == days_of([*rows, *rows], SHANGHAI, "2025-03"), "what comes twice counts once"


STREAMS = [
    {
        "datastream": "reg",
        "thing": "m",
        "property": "energy_register",
        "flow": "forward",
        "interval_seconds": 3600,
        "origin": "measured",
    },
    {
        "datastream": "gap",
        "thing": "z",
        "property": "energy_register",
        "flow": "forward",
        "interval_seconds": 3600,
        "origin": "measured",
    },
    {
        "datastream": "a",
        "thing": "a",
        "property": "air_temperature",
        "flow": None,
        "interval_seconds": 3600,
        "origin": "measured",
    },
]


def registers_of() -> dict[str, pa.Table]:
    register = {"property": "energy_register", "value_kind": "register", "still_hours": 24, "rests_at_most": None}
    behaviours = [{**each, "least_drift": 1.0} for each in BEHAVIOURS] + [
        {**register, "neighbour_reach": None, "least_drift": None}
    ]
    return {
        "streams": pa.Table.from_pylist(STREAMS, schema=pa.schema([DATASTREAM.schema.field(name) for name in STREAMS[0]])),
        "behaviours": pa.Table.from_pylist(behaviours, schema=_behaviours()),
        "meters": pa.table({"meter": ["m", "z"], "zero_is_gap": [False, True]}),
    }


@settings(deadline=None, max_examples=100)
@given(
    rows=st.lists(
        st.tuples(st.integers(-8 * 1440, 10 * 1440), st.sampled_from([1.0, 2.0, None]), st.integers(0, 1)), max_size=60
    ),
    day=st.integers(1, 5),
)
def test_a_register_that_may_rest_is_told_by_the_readings_next_to_a_day(
    rows: list[tuple[int, float | None, int]], day: int
) -> None:
    """A value that can be frozen is looked at for three days around; one that cannot has nothing to show there."""
    registers = registers_of()
    start, end = SHANGHAI.bounds(f"2025-03-{day:02d}")
    time = np.array([start + minute * 60_000_000 for minute, _, _ in rows], dtype=np.int64)
    before, behind = time[time <= start], time[time >= end]
    near = (time >= (before.max() if len(before) else start)) & (time <= (behind.min() if len(behind) else end))
    slot = Slot(Part(f"2025-03-{day:02d}"), start, end, SHANGHAI, ((start, end),))
    found = []
    for which in (np.arange(len(rows)), np.flatnonzero(near)):
        readings = pa.table(
            {
                "datastream": pa.array(["reg"] * len(which), pa.string()),
                "time": pa.array(time[which]).cast(pa.timestamp("us", "UTC")),
                "value": pa.array([rows[at][1] for at in which], pa.float64()),
                "revision": pa.array([rows[at][2] for at in which], pa.int64()),
            }
        )
        found.append(stream_days(slot, **registers, readings={"of": readings}).to_pylist())
    assert found[0] == found[1]
    told = pa.table({"datastream": ["reg", "gap", "a", "other"], "count": [2, 2, 2, 2]})
    assert never_frozen(told, registers, start, end).tolist() == [True, False, False, False]
    assert never_frozen(pa.table({"datastream": ["reg"], "count": [1]}), registers, start, end).tolist() == [False]


def test_every_property_of_a_sample_has_a_behaviour() -> None:
    known = {row["property"] for row in _packaged("behaviours.csv")}
    for district in sorted((Path(__file__).parents[5] / "districts").glob("*/registers/datastreams.csv")):
        with district.open(encoding="utf-8") as file:
            assert {row["property"] for row in csv.DictReader(file)} <= known, district


def test_behaviours_are_of_terms_in_order() -> None:
    names = [row["property"] for row in _packaged("behaviours.csv")]
    assert names == sorted(names)


def _packaged(name: str) -> list[dict[str, str]]:
    with (Path(health.__file__).parent / "standards" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_district_without_datastreams_has_the_tables_and_no_rows(tmp_path: Path) -> None:
    (tmp_path / "district.toml").write_text(
        '[district]\nslug = "t"\nname = {zh = "试", en = "t"}\ntimezone = "UTC"\n'
        '[[zone]]\nzone = "district"\nname_zh = "a"\nname_en = "a"\n'
    )
    made = City(tmp_path, tmp_path / "state")
    assert health.observed_in(made.district) == sorted(row["property"] for row in _packaged("behaviours.csv"))
    _, problems = made.check()
    assert isinstance(problems, Problems)
    made.load()
    made.compute(only="devices.drift_monthly")
    assert answer(made, "stream_daily") == []
