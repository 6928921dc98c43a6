"""Known answers of the tables of buildings over a little district, their healing, and what wrong registers are told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scicity.domains.buildings import performance, promises
from scicity.domains.buildings.golden.small_buildings import (
    CATEGORIES,
    EMITTED,
    ITEMS,
    LEVELS,
    METER,
    METER_YEARLY,
    MONTHLY,
    SCHEME,
    YEARLY,
    ZONES,
    SmallBuildings,
    faults,
    months,
    used,
)
from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import Slot
from scicity.kernel.lake import Part

END = ",doc,unverified,measured,x\n"
LABELS = "".join(
    f"{row}{END}"
    for row in (
        "1,stars,one,design,,a,,,2019-05-01,2022-05-01",
        "2,stars,three,operation,,a,,,2021-03-01,",
        "3,stars,two,design,,b,,,2020-12-31,",
        "4,stars,basic,design,,c,,1500,2021-01-01,2022-12-31",
        "5,healthy,labelled,design,P,,south,700,2021-07-01,",
        "6,stars,two,design,,d,,,2022-02-02,",
    )
)
SHEETS = """s1,stars,operation,,a,,2021-01-01,measured,x
s2,stars,design,,b,,,stand-in,x
s3,plan,design,P,,south,,measured,x
"""
ENTRIES = """s1,must,true,,,,measured,x
s1,safe_points,,240,,,measured,x
s1,easy_points,,60,,,measured,x
s1,airtight,false,,,,measured,x
s2,must,true,,,,measured,x
s2,easy_points,,200,,,measured,x
"""


def shares(district: SmallBuildings, zone: str, year: int, scheme: str = "stars") -> dict[str, tuple[Any, ...]]:
    columns = ("labelled_buildings", "labelled_area", "buildings_at_least", "share_at_least")
    rows = district.rows("label_yearly", zone=zone, year=year, label_scheme=scheme)
    return {row["label_level"]: tuple(row[name] for name in columns) for row in rows}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> SmallBuildings:
    found = SmallBuildings(tmp_path_factory.mktemp("labels"), {"registers/labels": LABELS})
    found.put(ZONES, [{"zone": "north", "carrier": "electricity", "year": year} for year in (2020, 2023)])
    found.load()
    return found


def test_labels_in_force_at_the_end_of_each_year(labelled: SmallBuildings) -> None:
    """The last award counts; what ran out does not; years go on to the last one of energy figures."""
    rows = labelled.rows("label_held")
    held: dict[int, str] = {}
    for row in rows:
        held[row["year"]] = held.get(row["year"], "") + row["label"]
    assert held == {2019: "1", 2020: "13", 2021: "2345", 2022: "2356", 2023: "2356"}
    of_project = next(row for row in rows if row["label"] == "5")
    assert (of_project["zone"], of_project["floor_area"], of_project["building"]) == ("south", 700.0, None)
    assert [row["floor_area"] for row in rows if row["label"] in "46"] == [1500.0, None, None]


def test_shares_of_labels_by_zone_and_year(labelled: SmallBuildings) -> None:
    assert shares(labelled, "district", 2021) == {
        "basic": (1, 1500.0, 3, 100.0),
        "one": (0, 0.0, 2, pytest.approx(200 / 3)),
        "two": (1, 3000.0, 2, pytest.approx(200 / 3)),
        "three": (1, 1000.0, 1, pytest.approx(100 / 3)),
    }
    assert shares(labelled, "north", 2019)["one"] == (1, 1000.0, 1, 100.0)
    assert shares(labelled, "south", 2019) == {}
    assert shares(labelled, "district", 2021, "healthy") == {"labelled": (1, 700.0, 1, 100.0)}
    # an area that is not known makes the sum unknown, not the count
    assert shares(labelled, "south", 2022)["two"] == (1, None, 1, 100.0)


def test_shares_of_the_stock_count_buildings_of_the_register_alone(labelled: SmallBuildings) -> None:
    north = labelled.rows("label_yearly", zone="north", year=2021, label_level="three")[0]
    assert (north["stock_area"], north["stock_share"], north["area_share_at_least"]) == (4000.0, 25.0, 25.0)
    healthy = labelled.rows("label_yearly", zone="south", year=2021, label_scheme="healthy")[0]
    assert (healthy["stock_area"], healthy["stock_share"]) == (None, None)  # one building's area is not known


def test_zones_add_up_to_the_district(labelled: SmallBuildings) -> None:
    rows = labelled.rows("label_yearly")
    keys = {(row["year"], row["label_scheme"], row["label_level"]) for row in rows}
    for key in keys:
        mine = [row for row in rows if (row["year"], row["label_scheme"], row["label_level"]) == key]
        whole = [row for row in mine if row["zone"] == "district"]
        parts = [row for row in mine if row["zone"] != "district"]
        for column in ("labelled_buildings", "buildings_at_least", "labelled_area", "area_at_least"):
            known = [row[column] for row in parts]
            assert whole[0][column] == (None if None in known else sum(known)), (key, column)
    # and levels are all that the scheme labels
    for row in rows:
        if row["level_rank"] == min(r["level_rank"] for r in rows if r["label_scheme"] == row["label_scheme"]):
            assert row["share_at_least"] == 100.0


def test_a_label_that_is_added_moves_its_years_and_a_rebuild_is_the_same(tmp_path: Path) -> None:
    first, _, rest = LABELS.partition("\n")
    district = SmallBuildings(tmp_path / "a", {"registers/labels": rest})
    district.load()
    before = shares(district, "north", 2021)
    added = "7,stars,two,design,Q,,north,500,2021-06-01," + END
    other = SmallBuildings(tmp_path / "b", {"registers/labels": rest + added})
    other.load()
    district.write("registers/labels", (district.folder / "registers/labels.csv").read_text() + added)
    district.load()
    after = shares(district, "north", 2021)
    assert before["two"][:2] == (1, 3000.0)
    assert after["two"][:2] == (2, 3500.0)
    assert district.rows("label_yearly") == other.rows("label_yearly")
    assert first.startswith("1,")


def test_a_district_without_registers_has_empty_tables(tmp_path: Path) -> None:
    none = dict.fromkeys(("scoresheets/all.scheme", "scoresheets/all.levels", "scoresheets/all.categories"), "")
    district = SmallBuildings(tmp_path, None, **none, **{"scoresheets/all.items": ""})
    district.put(YEARLY, [used("a", 2022, energy=5)])
    district.load()
    for table in ("label_held", "label_yearly", "score", "score_category", "promise_stated", "performance_yearly"):
        assert district.rows(table) == []
    assert district.rows("promise_yearly") == district.rows("performance_to_date") == []


# --- scores ---


def test_sheets_are_scored_by_their_scheme_at_their_stage(tmp_path: Path) -> None:
    district = SmallBuildings(tmp_path, {"registers/score_sheets": SHEETS, "registers/score_entries": ENTRIES})
    district.load()
    one, two, three = district.rows("score")
    # (400 + 240 + 60) / 10; 60 is exactly 30 % of 200; a prerequisite of three stars is not met
    assert (one["total_score"], one["label_level"], one["score_verdict"]) == (Decimal(70), "two", "assessed")
    assert (one["failing"], one["open_items"], one["zone"], one["stand_in"]) == ("airtight", None, "north", False)
    assert (one["next_level"], one["points_missing"]) == ("three", Decimal(150))
    # design: easy has 140 points, more than that count as 140; safe is open
    assert (two["total_score"], two["score_low"], two["score_high"]) == (None, Decimal(54), Decimal(84))
    assert (two["score_verdict"], two["label_level"]) == ("not_assessable", None)
    assert (two["level_at_least"], two["level_at_most"], two["score_full"]) == ("basic", "two", Decimal(84))
    assert (two["open_items"], two["stand_in"]) == ("airtight safe_points", True)
    assert (three["score_verdict"], three["score_low"], three["project"], three["zone"]) == ("template", None, "P", "south")
    parts = {(row["sheet"], row["score_category"]): row for row in district.rows("score_category")}
    assert set(parts) == {("s1", "safe"), ("s1", "easy"), ("s2", "safe"), ("s2", "easy")}
    easy = parts["s1", "easy"]
    assert (easy["points"], easy["full_score"], easy["minimum_points"], easy["floor_met"]) == (60, 200, 60, True)
    safe = parts["s2", "safe"]
    assert (safe["points"], safe["points_low"], safe["points_high"], safe["floor_met"]) == (None, 0, 300, None)


# --- promises ---

SINCE = ",design,2020-01-01"
PROMISED = "".join(
    f"{row}{END}"
    for row in (
        f"1,,a,energy_intensity,100,kWh/m²{SINCE}",
        f"2,,b,electricity_use,1000,kWh{SINCE}",
        "3,,b,electricity_use,800,kWh,operation,2022-01-02",
        f"4,,c,pv_yield,500,kWh{SINCE}",
        f"5,,c,water_use,5,m³{SINCE}",
        f"6,,c,carbon_intensity,10,kg/m²{SINCE}",
        f"7,,d,energy_intensity,100,kWh/m²{SINCE}",
        f"8,,c,heat_use,0,kWh{SINCE}",
    )
)


def measured(district: SmallBuildings, year: int = 2022) -> SmallBuildings:
    rows = [
        used("a", year, energy=60_000.0),
        used("a", year, "natural_gas", 44_000.0, coverage=0.99, stand_in=True),
        used("b", year, energy=1_000.0),
        used("b", year + 1, energy=1_000.0),
        used("c", year, energy=5.0, coverage=0.9),
        used("c", year, "heat", 7.0),
        used("d", year, energy=1.0),
    ]
    district.put(YEARLY, rows)
    district.put(EMITTED, [{"building": "c", "year": year, "emission": Decimal(40_000), "coverage": 0.94}])
    district.put(METER, [{"meter": "pv", "role": "generation", "carrier": "electricity"}])
    made = {"meter": "pv", "building": "c", "year": year}
    flows = [("forward", 480), ("reverse", 9)]
    district.put(METER_YEARLY, [{**made, "flow": flow, "energy": Decimal(energy)} for flow, energy in flows])
    return district


def verdicts(district: SmallBuildings, year: int) -> dict[tuple[str, str], tuple[Any, ...]]:
    columns = ("promise_value", "measured_value", "gap", "gap_share", "promise_verdict", "coverage")
    rows = district.rows("performance_yearly", year=year)
    return {(row["building"], row["promise_measure"]): tuple(row[name] for name in columns) for row in rows}


@pytest.fixture(scope="module")
def promised(tmp_path_factory: pytest.TempPathFactory) -> SmallBuildings:
    root = tmp_path_factory.mktemp("promises")
    own = {"registers/promises": PROMISED, "registers/promise_tolerances": "energy_intensity,3,plan,unverified,x\n"}
    found = measured(SmallBuildings(root, own))
    found.load()
    return found


def test_promised_against_measured(promised: SmallBuildings) -> None:
    assert verdicts(promised, 2022) == {
        ("a", "energy_intensity"): (100.0, 104.0, 4.0, 4.0, "missed", 0.99),  # the district tolerates 3 %
        ("b", "electricity_use"): (1000.0, 1000.0, 0.0, 0.0, "kept", 1.0),
        ("c", "pv_yield"): (500.0, 480.0, -20.0, -4.0, "tolerated", 1.0),  # higher is better; the program tolerates 5 %
        ("c", "water_use"): (5.0, None, None, None, "not_measured", None),
        ("c", "carbon_intensity"): (10.0, 20.0, None, None, "incomplete", 0.94),
        ("c", "heat_use"): (0.0, 7.0, 7.0, None, "missed", 1.0),  # no share of a promise of nothing
        ("d", "energy_intensity"): (100.0, None, None, None, "incomplete", 1.0),  # its floor area is not known
    }
    tolerances = {row["promise_measure"]: row["tolerance"] for row in promised.rows("performance_yearly", year=2022)}
    assert (tolerances["energy_intensity"], tolerances["pv_yield"]) == (3.0, 5.0)
    (row,) = promised.rows("performance_yearly", building="a", year=2022)
    assert row["stand_in"]  # the gas below it is another place's


def test_a_later_promise_holds_from_the_next_whole_year_on(promised: SmallBuildings) -> None:
    assert verdicts(promised, 2023)["b", "electricity_use"][:5] == (800.0, 1000.0, 200.0, 25.0, "missed")
    assert verdicts(promised, 2023)["a", "energy_intensity"][1:5] == (None, None, None, "not_measured")


def test_promises_are_counted_by_zone_and_zones_are_the_district(promised: SmallBuildings) -> None:
    names = ("promises_counted", "promises_kept", "promises_tolerated", "promises_missed", "promises_open")
    rows = promised.rows("promise_yearly")
    found = {(row["zone"], row["promise_measure"], row["year"]): tuple(row[name] for name in names) for row in rows}
    assert found["district", "energy_intensity", 2022] == (2, 0, 0, 1, 1)
    assert found["south", "pv_yield", 2022] == (1, 0, 1, 0, 0)
    for (zone, measure, year), counts in found.items():
        assert counts[0] == sum(counts[1:])
        if zone == "district":
            parts = [found[each, measure, year] for each in ("north", "south") if (each, measure, year) in found]
            assert counts == tuple(map(sum, zip(*parts, strict=True)))


def test_the_year_to_date_is_never_extrapolated(tmp_path: Path) -> None:
    """31 and 28 of 365 days; March has no row and lowers the coverage; the last month of which anything is known ends it."""
    promise = f"1,,b,electricity_use,3650,kWh{SINCE}{END}"
    district = SmallBuildings(tmp_path, {"registers/promises": promise})
    district.put(MONTHLY, [*months("b", 2022, [300.0, 290.0, None, 100.0])])
    district.load()
    columns = ("month", "promised_to_date", "measured_to_date", "measured_value", "coverage")
    rows = [tuple(row[name] for name in columns) for row in district.rows("performance_to_date")]
    assert rows == [
        (date(2022, 1, 1), 310.0, 300.0, 300.0, 1.0),
        (date(2022, 2, 1), 590.0, 590.0, 290.0, 1.0),
        (date(2022, 3, 1), 900.0, 590.0, None, pytest.approx(59 / 90)),
        (date(2022, 4, 1), 1200.0, 690.0, 100.0, pytest.approx(89 / 120)),
    ]


def test_a_changed_year_heals_that_year_alone(tmp_path: Path) -> None:
    district = measured(SmallBuildings(tmp_path, {"registers/promises": PROMISED}))
    district.load()
    before = verdicts(district, 2023)
    district.put(YEARLY, [used("a", 2022, energy=90_000.0), used("b", 2023, energy=1_000.0)])
    done = {each.table: {part.period for part in each.computed} for each in district.city.compute()}
    assert done["buildings.performance_yearly"] == {"2022"}
    assert verdicts(district, 2022)["a", "energy_intensity"][4] == "kept"
    assert verdicts(district, 2023) == before


def test_every_gap_opens_to_the_document_and_to_what_was_measured(promised: SmallBuildings) -> None:
    promised.city.compute()
    address = "buildings.performance_yearly.gap/building=a/promise_measure=energy_intensity/year=2022"
    below = {each.name: each for each in promised.city.figures.why(address).inputs}
    (stated,) = below["stated"].rows
    opened = promised.city.figures.why(stated.figure("promise_value").address)
    assert [row["source_row"] for each in opened.inputs for row in each.rows] == [2]
    (seen,) = below["measured"].rows
    again = promised.city.figures.why(seen.figure("measured_value").address)
    energy = next(each for each in again.inputs if each.name == "energy")
    assert sorted(row["carrier"] for row in energy.rows) == ["electricity", "natural_gas"]


def test_promises_of_a_second_source_go_before_the_registers(tmp_path: Path) -> None:
    """What reviews decide comes as a table with the day of the decision; one line in `STATED` is all that it needs."""
    slot = Slot(Part("all"), 0, 0, Calendar("Asia/Shanghai"), ((0, 0),))
    district = SmallBuildings(tmp_path, {"registers/promises": PROMISED})
    district.load()
    register = district.city.computing.engine.rows(district.city.catalog["buildings.promise"])
    decided = pa.Table.from_pylist(
        [
            {**_decided("b", 700.0), "decided_on": date(2020, 1, 1)},
            {**_decided("c", 600.0), "decided_on": date(2021, 5, 5)},
            {**_decided(None, 600.0), "decided_on": date(2021, 5, 5)},
            {**_decided("", 600.0), "decided_on": date(2021, 5, 5)},
        ]
    )
    found = promises.promise_stated.function(slot, register=register, decided=decided).to_pylist()
    electric = {(r["building"], r["first_day"]): r["promise_value"] for r in found if r["promise_measure"] == "electricity_use"}
    assert electric == {
        ("b", date(2020, 1, 1)): 700.0,
        ("b", date(2022, 1, 2)): 800.0,
        ("c", date(2021, 5, 5)): 600.0,
    }
    assert len(found) == len(district.rows("promise_stated")) + 1
    assert {row["origin"] for row in found if row["promise_value"] == 700.0} == {"manual"}


@pytest.mark.parametrize(
    ("measure", "value", "symbol"),
    [
        ("happiness", 5.0, "kWh"),
        ("electricity_use", 5.0, "MWh"),
        ("electricity_use", 5.0, ""),
        ("electricity_use", -5.0, "kWh"),
        ("electricity_use", float("nan"), "kWh"),
        ("electricity_use", float("inf"), "kWh"),
    ],
)
def test_a_promise_that_cannot_be_compared_is_told_and_never_judged(
    promised: SmallBuildings, measure: str, value: float, symbol: str
) -> None:
    """What people typed in a review is checked by no register: it may be of any measure, unit and value."""
    tables = {name: promised.city.computing.engine.rows(promised.city.catalog[f"buildings.{table}"]) for name, table in OTHERS}
    about = {"building": "b", "promise_measure": measure, "promise_value": value, "symbol": symbol}
    stated = pa.Table.from_pylist([{**about, "first_day": date(2020, 1, 1)}], schema=promises.promise_stated.schema)
    bounds = Calendar("Asia/Shanghai").bounds("2022")
    slot = Slot(Part("2022"), *bounds, Calendar("Asia/Shanghai"), (bounds,))
    (row,) = performance.performance_yearly.function(slot, stated=stated, **tables).to_pylist()
    assert (row["promise_verdict"], row["gap"], row["measured_value"]) == ("not_comparable", None, None)
    tables["measured"] = promises.measured_monthly.schema.empty_table()
    assert performance.performance_to_date.function(slot, stated=stated, **tables).num_rows == 0


OTHERS = (
    *(("measures", "promise_measure"), ("tolerances", "promise_tolerance"), ("buildings", "building")),
    ("measured", "measured_yearly"),
)


def _decided(building: str | None, value: float) -> dict[str, Any]:
    about = {"project": "P", "promise_measure": "electricity_use", "symbol": "kWh", "stage": "design"}
    return {**about, "building": building, "promise_value": value}


# --- what wrong registers are told ---

LABEL = "1,stars,one,design,,a,,,2019-05-01," + END
SHEET = "s1,stars,operation,,a,,2021-01-01,measured,x\n"
PROMISE = f"1,,a,energy_intensity,100,kWh/m²{SINCE}{END}"
L, S, E, P = (f"registers/{name}" for name in ("labels", "score_sheets", "score_entries", "promises"))
WRONG: Iterable[tuple[dict[str, str], dict[str, str], str, str]] = [
    ({L: LABEL.replace(",one,", ",five,")}, {}, "reference", "label_level"),
    ({L: LABEL.replace("stars", "moons")}, {}, "reference", "label_scheme"),
    ({L: LABEL.replace(",a,", ",z,")}, {}, "reference", "building"),
    ({L: LABEL.replace(",a,", ",,")}, {}, "value-missing", "building"),
    ({L: LABEL.replace(",,a,,", ",P,,,")}, {}, "value-missing", "zone"),
    ({L: LABEL.replace(",,a,,", ",P,,district,")}, {}, "reference", "zone"),
    ({L: LABEL.replace(",a,,", ",a,south,")}, {}, "reference", "zone"),
    ({L: LABEL.replace("2019-05-01,", "2019-05-01,2019-05-01")}, {}, "period", "valid_to"),
    ({L: LABEL.replace("2019-05-01", "2019-13-01")}, {}, "value", "awarded_on"),
    ({L: LABEL.replace("design", "dream")}, {}, "choice", "stage"),
    ({L: LABEL.replace(",,,2019", ",,-5,2019")}, {}, "range", "floor_area"),
    ({L: LABEL + LABEL}, {}, "key-twice", "label"),
    ({S: SHEET.replace("stars", "healthy")}, {}, "reference", "label_scheme"),
    ({S: SHEET.replace(",a,", ",,")}, {}, "value-missing", "building"),
    ({S: SHEET, E: "s1,nothing,true,,,,measured,x\n"}, {}, "reference", "score_item"),
    ({S: SHEET, E: "s2,must,true,,,,measured,x\n"}, {}, "reference", "sheet"),
    ({S: SHEET, E: "s1,must,,5,,,measured,x\n"}, {}, "value", "points"),
    ({S: SHEET, E: "s1,must,perhaps,,,,measured,x\n"}, {}, "value", "met"),
    ({S: SHEET, E: "s1,safe_points,true,5,,,measured,x\n"}, {}, "value", "met"),
    ({S: SHEET, E: "s1,safe_points,,300.5,,,measured,x\n"}, {}, "range", "points"),
    ({S: SHEET, E: "s1,easy_points,,200.01,,,measured,x\n"}, {}, "range", "points"),
    ({S: SHEET, E: "s1,safe_points,,-1,,,measured,x\n"}, {}, "range", "points"),
    ({S: SHEET, E: "s1,safe_points,,nan,,,measured,x\n"}, {}, "value", "points"),
    ({P: PROMISE.replace("kWh/m²", "kgce/m²")}, {}, "unit", "symbol"),
    ({P: PROMISE.replace("energy_intensity", "happiness")}, {}, "reference", "promise_measure"),
    ({P: PROMISE.replace(",100,", ",-1,")}, {}, "range", "promise_value"),
    ({P: PROMISE.replace(",100,", ",inf,")}, {}, "value", "promise_value"),
    ({P: PROMISE + "2" + PROMISE[1:]}, {}, "key-twice", "valid_from"),
    ({"registers/promise_tolerances": "pv_yield,101,x,verified,x\n"}, {}, "range", "tolerance"),
    ({}, {"scoresheets/all.levels": LEVELS.replace("one,1,60", "one,0,60")}, "key-twice", "level_rank"),
    ({}, {"scoresheets/all.levels": LEVELS.replace("two,2,70", "two,2,60")}, "range", "score_threshold"),
    ({}, {"scoresheets/all.scheme": SCHEME.replace("400,10,none,", "400,0,none,")}, "range", "score_divisor"),
    ({}, {"scoresheets/all.scheme": SCHEME.replace("10,none,", "10,half_up,")}, "value-missing", "score_decimals"),
    ({}, {"scoresheets/all.scheme": SCHEME.replace("10,none,", "10,nearest,")}, "choice", "rounding"),
    ({}, {"scoresheets/all.categories": CATEGORIES.replace("300,,30", "300,,130")}, "range", "minimum_share"),
    ({}, {"scoresheets/all.items": ITEMS.replace("stars,easy", "stars,kind")}, "reference", "score_category"),
    ({}, {"scoresheets/all.items": ITEMS.replace(",,three,", ",,,")}, "value-missing", "label_level"),
    ({}, {"scoresheets/all.items": ITEMS.replace(",,three,", ",,ten,")}, "reference", "label_level"),
    ({}, {"scoresheets/all.items": ITEMS.replace("must,control,,", "must,control,5,")}, "value", "full_score"),
    ({}, {"scoresheets/all.items": ITEMS.replace("scored,300", "guessed,300")}, "choice", "item_kind"),
]


@pytest.mark.parametrize(("rows", "files", "code", "field"), WRONG)
def test_registers_say_what_is_wrong(
    tmp_path: Path, rows: dict[str, str], files: dict[str, str], code: str, field: str
) -> None:
    told = faults(tmp_path, rows, **files)
    assert (code, field) in [(problem.code, problem.field) for problem in told]
    mine = next(problem for problem in told if (problem.code, problem.field) == (code, field))
    assert mine.file.startswith(("registers/", "scoresheets/"))
    assert mine.row is not None


def test_the_registers_of_the_known_answers_are_in_order(tmp_path: Path) -> None:
    rows = {L: LABELS, S: SHEETS, E: ENTRIES, P: PROMISED}
    assert list(faults(tmp_path, rows)) == []
