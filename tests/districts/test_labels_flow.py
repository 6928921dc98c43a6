"""Labels flow into indicators by themselves, and the accounts of labels and promises add up over the sample."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scicity.city import City

DISTRICTS = Path(__file__).parents[2] / "districts"
SAMPLE = DISTRICTS / "future-science-city"
HEAD = (
    "label,label_scheme,label_level,stage,project,building,zone,floor_area,awarded_on,valid_to,document,review,origin,source\n"
)
BEHIND = ",,2022-06-01,,doc,unverified,stand-in,made up\n"
FIRST = f"1,green_building_star,two_star,design,,lab,{BEHIND}2,green_building_star,one_star,design,,office,{BEHIND}"
SHARE = "green-buildings-two-star-share"


def share_of(city: City) -> dict[int, Any]:
    where = {"indicator": SHARE, "zone": "district", "origin": "measured"}
    return {row["year"]: (row["value"], row["stand_in"]) for row in city.figures.rows("indicators.value", where=where)}


@pytest.mark.slow
def test_a_label_that_is_added_moves_its_indicator_and_computes_nothing_else(tmp_path: Path) -> None:
    """One of two has two stars; with a third one two of three have."""
    folder = tmp_path / "demo"
    shutil.copytree(DISTRICTS / "demo", folder)
    shutil.copytree(SAMPLE / "scoresheets", folder / "scoresheets")
    text = (SAMPLE / "frameworks" / "green-buildings.yaml").read_text(encoding="utf-8")
    head, _, rest = text.partition("- id: green-buildings-two-star-share")
    mine = rest.partition("- id:")[0].partition("  reported:")[0]
    plan = head.replace("  document: report.zh.txt\n", "") + "- id: green-buildings-two-star-share" + mine
    (folder / "frameworks" / "green.yaml").write_text(plan, encoding="utf-8")
    (folder / "registers" / "labels.csv").write_text(HEAD + FIRST, encoding="utf-8")
    city = City(folder, tmp_path / "state")
    city.load()
    city.compute(only="indicators.value")
    city.compute(only="indicators.status")
    assert share_of(city)[2022] == (50.0, True)
    third = f"3,green_building_star,three_star,design,,dorm,{BEHIND}"
    (folder / "registers" / "labels.csv").write_text(HEAD + FIRST + third, encoding="utf-8")
    city.load()
    done = {each.table for each in city.compute(only="indicators.value")}
    assert share_of(city)[2022][0] == pytest.approx(200 / 3)
    assert done == {
        "buildings.label_held",
        "buildings.label_yearly",
        "indicators.measured_green_buildings_two_star_share",
        "indicators.value",
    }


@pytest.fixture(scope="module")
def sample(shipped: Callable[[str], City]) -> City:
    return shipped("future-science-city")


@pytest.mark.sample
@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "keys", "columns"),
    [
        (
            "label_yearly",
            ("year", "label_scheme", "label_level"),
            ("labelled_buildings", "buildings_at_least", "labelled_area"),
        ),
        (
            "promise_yearly",
            ("year", "promise_measure"),
            ("promises_counted", "promises_kept", "promises_missed", "promises_open"),
        ),
    ],
)
def test_zones_are_the_district(sample: City, table: str, keys: tuple[str, ...], columns: tuple[str, ...]) -> None:
    sums: dict[bool, dict[tuple[Any, ...], float]] = {True: defaultdict(float), False: defaultdict(float)}
    for row in sample.figures.rows(f"buildings.{table}"):
        for column in columns:
            sums[row["zone"] == "district"][(*(row[key] for key in keys), column)] += row[column]
    assert sums[True]
    assert sums[True] == pytest.approx(sums[False])


@pytest.mark.sample
@pytest.mark.slow
def test_the_last_month_of_a_year_is_the_year(sample: City) -> None:
    """What was measured to the end of December is what the year's account says, for every promise that is measured."""
    years = {
        (row["building"], row["promise_measure"], row["year"]): row["measured_value"]
        for row in sample.figures.rows("buildings.performance_yearly")
        if row["measured_value"] is not None
    }
    ends = {
        (row["building"], row["promise_measure"], row["month"].year): (row["measured_to_date"], row["promised_to_date"])
        for row in sample.figures.rows("buildings.performance_to_date")
        if row["month"].month == 12
    }
    assert len(years) > 30
    assert {key: ends[key][0] for key in years} == pytest.approx(years)
    promised = {
        (row["building"], row["promise_measure"], row["year"]): row["promise_value"]
        for row in sample.figures.rows("buildings.performance_yearly")
    }
    assert {key: end[1] for key, end in ends.items()} == pytest.approx({key: promised[key] for key in ends})


@pytest.mark.sample
@pytest.mark.slow
def test_every_row_of_the_sample_says_that_it_stands_in(sample: City) -> None:
    """The report says how many labels there are, not whose: none of these rows is the district's own."""
    for table in ("label_yearly", "performance_yearly", "score", "promise_yearly"):
        rows = sample.figures.rows(f"buildings.{table}")
        assert rows
        assert all(row["stand_in"] for row in rows)


@pytest.mark.sample
@pytest.mark.slow
def test_known_scores_of_the_sample(sample: City) -> None:
    found = {row["sheet"]: row for row in sample.figures.rows("buildings.score")}
    told = {
        key: (float(row["total_score"]) if row["total_score"] is not None else None, row["label_level"])
        for key, row in found.items()
    }
    assert told == {
        "east-04-stars": (90.9, "three_star"),
        "east-04-leed": (66.0, "gold"),
        "west-01-stars": (75.1, "two_star"),  # exactly 30 % of 70 in one category
        "west-02-stars": (59.95, "basic"),  # is not 60
        "west-04-stars": (34.5, None),  # a control item is not met
        "east-05-stars": (None, None),  # an item is open
        "east-07-stars": (88.6, "basic"),  # one category below its minimum
        "west-10-2024": (None, None),  # a template
    }
    assert found["east-05-stars"]["score_verdict"] == "not_assessable"
    assert (float(found["east-05-stars"]["score_low"]), float(found["east-05-stars"]["score_high"])) == (66.8, 86.8)
    assert found["west-10-2024"]["score_verdict"] == "template"
