"""Hard case 18: quotas over a partial year, an area that changed, a correction for occupancy, two climate rows; peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.city import City
from scicity.domains.diagnosis import comparing
from scicity.domains.diagnosis.golden import district as made
from scicity.domains.diagnosis.methods import peers, quotas
from scicity.domains.diagnosis.methods.quotas import Held
from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import Slot
from scicity.kernel.lake import Part
from scicity.kernel.tables import discover

FIRST, LENGTH = 19_358, 365  # 2023
YEAR = (FIRST, FIRST + LENGTH)
ALWAYS = (-(10**6), 10**6)
OFFICE = {"quota": "o", "use": "office", "climate_zone": "cold", "quota_class": "A", "carriers": "electricity"}
OFFICE |= {"constraint_intensity": 65.0, "guide_intensity": 55.0}
COLD = {"climate_zone": "cold", "quota_class": "A"}


def held(told: dict[str, Any], first: int = ALWAYS[0], end: int = ALWAYS[1]) -> Held:
    return Held(first, end, told)


def judged(
    energy: float | None = 60_000,
    coverage: float | None = 1.0,
    rows: tuple[Held, ...] = (held(OFFICE),),
    profiles: tuple[Held, ...] = (held(COLD),),
    area: float | None = 1_000.0,
    corrections: tuple[dict[str, Any], ...] = (),
) -> quotas.Compared:
    """A year of an office against the quotas that are found for it."""
    found = quotas.matching(rows, "office", profiles, *YEAR)
    return quotas.compared(energy, coverage, found, profiles, area, corrections, YEAR, 0.95)


@pytest.mark.parametrize(("energy", "status"), [(55_000, "guide"), (55_001, "within"), (65_000, "within"), (65_001, "above")])
def test_a_whole_year_is_held_against_both_values(energy: float, status: str) -> None:
    told = judged(energy)
    assert (told.status, told.reason) == (status, None)
    assert told.intensity == told.corrected == energy / 1_000


def test_a_partial_year_is_unknown_and_never_extrapolated() -> None:
    told = judged(15_000, coverage=0.25)
    assert (told.status, told.reason) == ("unknown", "coverage")
    assert told.intensity is None
    assert told.corrected is None
    assert judged(None).reason == "no energy"


def test_an_area_that_changed_is_the_mean_over_the_days() -> None:
    """An annexe of 500 m² from 1 July on: 181 days of 1,000 m² and 184 of 1,500 m²."""
    before = held({**COLD, "floor_area": 1_000.0}, ALWAYS[0], FIRST + 181)
    after = held({**COLD, "floor_area": 1_500.0}, FIRST + 181)
    told = judged(profiles=(before, after))
    assert told.area == pytest.approx((181 * 1_000 + 184 * 1_500) / 365)
    assert told.area_changed
    assert told.corrected == pytest.approx(60_000 / told.area)
    assert told.status == "guide"
    # the register's area holds on the days of which no profile tells one
    assert judged(profiles=(held(COLD, ALWAYS[0], FIRST + 181), after)).area == told.area
    assert judged(profiles=(held(COLD, ALWAYS[0], FIRST + 181), after), area=None).reason == "no floor area"
    assert not judged().area_changed


def test_occupancy_corrects_what_was_measured() -> None:
    """Hours 0.3 + 0.7 x 2500 / T, people 0.7 + 0.3 x S / 10, as public code quotes the office's correction (unverified)."""
    hours = {"attribute": "hours_of_use", "form": "inverse", "fixed_share": 0.3, "varying_share": 0.7, "reference_value": 2500}
    people = {"attribute": "area_per_person", "form": "direct", "fixed_share": 0.7, "varying_share": 0.3, "reference_value": 10}
    used = held({**COLD, "hours_of_use": 3500.0, "occupants": 200.0})
    told = judged(70_000, profiles=(used,), corrections=(hours, people))
    assert told.factor == pytest.approx((0.3 + 0.7 * 2500 / 3500) * (0.7 + 0.3 * 5 / 10))
    assert told.corrected == pytest.approx(70 * 0.8 * 0.85)
    assert told.status == "guide"
    assert judged(70_000).status == "above"
    usual = held({**COLD, "hours_of_use": 2500.0, "occupants": 100.0})
    assert judged(profiles=(usual,), corrections=(hours, people)).factor == pytest.approx(1)
    unknown = judged(70_000, corrections=(hours, people))
    assert (unknown.status, unknown.reason, unknown.intensity) == ("unknown", "no attribute: hours_of_use", 70)
    with pytest.raises(ValueError, match="above 0"):
        quotas.correction("inverse", 0.3, 0.7, 2500, 0)
    with pytest.raises(ValueError, match="direct or inverse"):
        quotas.correction("cubic", 0.3, 0.7, 2500, 1)


def test_two_climate_rows_are_ambiguous_and_neither_is_taken() -> None:
    severe = held({**OFFICE, "quota": "s", "climate_zone": "severe cold", "constraint_intensity": 90.0})
    both = (held(OFFICE), severe)
    for profiles in ((), (held({"quota_class": "A"}),)):  # the building does not say where it stands
        told = judged(rows=both, profiles=profiles)
        assert (told.quota, told.status, told.reason, told.corrected) == (None, "unknown", "ambiguous", None)
    assert judged(rows=both).quota == OFFICE
    # it moved to another class in May: the year has two quotas
    other = held({**OFFICE, "quota": "b", "quota_class": "B", "constraint_intensity": 80.0})
    moved = (held(COLD, ALWAYS[0], FIRST + 120), held({**COLD, "quota_class": "B"}, FIRST + 120))
    assert judged(rows=(held(OFFICE), other), profiles=moved).reason == "ambiguous"
    assert judged(rows=(severe,)).reason == "no quota"
    assert judged(rows=(held(OFFICE, FIRST + 30),)).reason == "quota of a part"


@given(st.floats(1, 1e6), st.floats(1, 1e5), st.floats(0.01, 1), st.integers(1, LENGTH - 1), st.floats(0.1, 10))
def test_units_and_cuts_of_the_year_do_not_matter(energy: float, area: float, fixed: float, cut: int, times: float) -> None:
    """Twice the energy on twice the area is the same; a profile cut in two equal halves is one."""
    one = judged(energy, area=area)
    assert judged(energy * times, area=area * times).intensity == pytest.approx(one.intensity)
    whole = held({**COLD, "floor_area": area})
    parts = (held(whole.told, ALWAYS[0], FIRST + cut), held(whole.told, FIRST + cut))
    assert judged(energy, profiles=parts).area == pytest.approx(area)
    assert not judged(energy, profiles=parts).area_changed
    assert quotas.correction("direct", fixed, 1 - fixed, area, area) == pytest.approx(1)


QUOTAS = (
    "quota,use,climate_zone,quota_class,carriers,heating_apart,constraint_intensity,guide_intensity,document,clause,page,review,"
    "valid_from,valid_to,origin,note"
)
PROFILES = "building,valid_from,valid_to,climate_zone,quota_class,floor_area,occupants,hours_of_use,origin,source"


def refused(folder: Path) -> list[tuple[str, str, Any]]:
    _, problems = City(folder, folder.parent / "state").check()
    return [(problem.code, problem.file, problem.field) for problem in problems]


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ("o,office,cold,A,electricity,true,65,55,,5.2,8,unverified,2022-01-01,,manual,", "value-missing", "document"),
        ("o,office,cold,A,electricity,true,65,55,D,,8,unverified,2022-01-01,,manual,", "value-missing", "clause"),
        ("o,office,cold,A,electricity,true,65,55,D,5.2,,unverified,2022-01-01,,manual,", "value-missing", "page"),
        ("o,office,cold,A,electricity,true,65,55,D,5.2,8,seen,2022-01-01,,manual,", "choice", "review"),
        ("o,office,cold,A,electricity,true,55,65,D,5.2,8,unverified,2022-01-01,,manual,", "range", "guide_intensity"),
        ("o,office,cold,A,electricity heat,true,65,55,D,5.2,8,unverified,2022-01-01,,manual,", "choice", "carriers"),
        ("o,office,cold,A,wood,false,65,55,D,5.2,8,unverified,2022-01-01,,manual,", "choice", "carriers"),
    ],
)
def test_a_quota_without_its_source_or_with_what_cannot_be_is_refused(tmp_path: Path, row: str, code: str, field: str) -> None:
    folder = made.write(tmp_path / "district", readings=False)
    made.lines(folder, "quotas", QUOTAS, row)
    assert refused(folder) == [(code, "registers/quotas.csv", field)]


def test_two_rows_that_hold_at_once_are_refused(tmp_path: Path) -> None:
    folder = made.write(tmp_path / "district", readings=False)
    row = "office,cold,A,electricity,true,65,55,D,5.2,8,unverified"
    made.lines(folder, "quotas", QUOTAS, f"o,{row},2022-01-01,,manual,", f"p,{row},2023-01-01,,manual,")
    made.lines(
        folder, "building_profiles", PROFILES, "plain,2022-01-01,,cold,A,,,,manual,x", "plain,2023-01-01,,severe,A,,,,manual,x"
    )
    assert sorted(code for code, *_ in refused(folder)) == ["periods-overlap", "periods-overlap"]


def rows_of(table: str, rows: list[dict[str, Any]], columns: tuple[str, ...] = ()) -> pa.Table:
    declared = discover()[table]
    schema = declared.schema if not columns else pa.schema([declared.schema.field(name) for name in columns])
    return pa.Table.from_pylist(rows, schema=schema)


def table(quota: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The table over three offices: a whole year, a quarter of one, and a shop without a quota."""
    calendar = Calendar("Asia/Shanghai")
    start, end = calendar.bounds("2023")
    slot = Slot(Part("2023"), start, end, calendar, ((start, end),))
    whole, part = {"energy": 70_000, "coverage": 1.0}, {"energy": 15_000, "coverage": 0.25}
    about = {"carrier": "electricity", "year": 2023, "stand_in": False}
    yearly = [{"building": name, **about, **use} for name, use in (("a", whole), ("b", part), ("c", whole))]
    buildings = [{"building": name, "use": use, "floor_area": 1_000.0, "origin": "measured"} for name, use in
                 (("a", "office"), ("b", "office"), ("c", "shop"))]  # fmt: skip
    limits = [{"rule": "quota_coverage", "threshold": 0.95}, {"rule": "peers", "threshold": 2.0}]
    read = comparing.quota_yearly.reads
    found = comparing.quota_yearly.function(
        slot,
        yearly=rows_of("energy.consumption_yearly", yearly, read["yearly"].columns),
        buildings=rows_of("buildings.building", buildings, read["buildings"].columns),
        profiles=rows_of("diagnosis.profile", []),
        quota_rows=rows_of("diagnosis.quota", quota),
        corrections=rows_of("diagnosis.quota_correction", []),
        limits=rows_of("diagnosis.limit", limits, ("rule", "threshold")),
    )
    return found.to_pylist()


def test_the_table_says_of_each_building_what_may_be_said() -> None:
    quota = {**OFFICE, "document": "D", "review": "unverified", "origin": "stand-in", "heating_apart": True}
    quota["valid_from"] = np.datetime64("2022-01-01T00:00:00").astype("M8[us]").item()
    told = {row["building"]: row for row in table([quota])}
    assert (told["a"]["quota_status"], told["a"]["energy_intensity"], told["a"]["stand_in"]) == ("above", 70, True)
    assert (told["b"]["quota_status"], told["b"]["reason"], told["b"]["energy_intensity"]) == ("unknown", "coverage", None)
    assert (told["c"]["quota_status"], told["c"]["reason"]) == ("unknown", "no quota")
    assert table([]) == []  # no quota, no comparison


def test_places_among_peers() -> None:
    place, share = peers.places(np.array([50.0, 20.0, 20.0, 90.0]))
    assert place.tolist() == [3, 1, 1, 4]
    assert share.tolist() == pytest.approx([2 / 3, 0, 0, 1])
    assert np.isnan(peers.places(np.array([5.0]))[1]).all()
    assert peers.distribution(np.array([1.0, 2, 3, 4, 5]), 5) == (5, [1.4, 2.0, 3.0, 4.0, 4.6])
    assert peers.distribution(np.array([1.0, 2, 3, 4]), 5) == (4, [None] * 5)
