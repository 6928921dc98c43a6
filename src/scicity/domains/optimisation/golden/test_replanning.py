"""Advice from now on: what is known, what stands in and is told, and how it goes out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from scicity.city import City
from scicity.domains.optimisation.golden import small_district as small
from scicity.domains.optimisation.replanning import CannotPlan, replanned, stations_of

BEGIN = datetime(2023, 9, 30, 16, tzinfo=UTC)
DAYS = 60
END = BEGIN + timedelta(days=DAYS)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A district of sixty days with a datastream for one set-point, which no test changes."""
    root = tmp_path_factory.mktemp("advice")
    place = small.folder(root, hours=DAYS * 24, begin=BEGIN)
    advised = {"datastream": "yard.tank.set_point", "thing": "yard.tank", "property": "set_point", "unit": "kW"}
    streams = [each | {"interval_seconds": "3600", "origin": "measured"} for each in small.STREAMS]
    small.write(
        place / "registers" / "datastreams.csv", [*streams, advised | {"interval_seconds": "900", "origin": "modelled"}]
    )
    found = City(place, root / "state" / "small")
    found.load()
    found.compute()
    return found


def advice(city: City, at: datetime | None = None, station: str = "yard") -> Any:
    return replanned(city.figures, city.district.calendar, station, at)


def test_it_begins_behind_the_newest_hour_and_says_what_stands_in(city: City) -> None:
    found = advice(city)
    assert found.begin == END
    assert len(found.steps) == 96
    wanted = {name: {"day-before": 24} for name in ("pv", "warmth", "outside")}
    assert found.basis == wanted | {"power": {"forecast": 24}}  # what the meters of a building will show
    assert found.stores == {"tank": "planned", "battery": "planned"}
    assert {(each.unit, each.carrier) for each in found.set_points} == {
        ("battery", "electricity"),
        ("pump", "heat"),
        ("tank", "heat"),
    }
    assert found.unmet == 0
    assert found.emission > 0


def test_within_what_is_known_it_is_the_plan_of_that_time(city: City) -> None:
    midnight = END - timedelta(days=3)
    found = advice(city, midnight)
    assert found.begin == midnight
    # what came later was not known then
    assert all(count == {"known": 1, "day-before": 23} for count in found.basis.values())


def test_quarters_are_cut_at_the_one_that_has_begun(city: City) -> None:
    found = advice(city, END - timedelta(hours=5, minutes=22))
    assert found.begin == END - timedelta(hours=5, minutes=30)
    assert found.steps[-1] == found.begin + timedelta(minutes=15 * 95)


def test_what_cannot_be_planned_says_why(city: City) -> None:
    with pytest.raises(CannotPlan, match="more than two days"):
        advice(city, END + timedelta(days=4))
    with pytest.raises(CannotPlan, match="no energy station"):
        advice(city, station="nowhere'; DROP TABLE x")
    with pytest.raises(CannotPlan, match="nothing is known"):
        advice(city, BEGIN - timedelta(days=9))
    assert stations_of(city.figures) == ["yard"]


def test_a_document_says_that_it_is_advice(city: City) -> None:
    told = json.loads(json.dumps(advice(city).document()))
    assert told["mode"] == "advisory"
    assert all(len(each["values"]) == 96 for each in told["set_points"])


def test_the_command_gives_registered_set_points_to_the_inbox(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    from scicity.__main__ import app
    from scicity.access.inbox import LANES, Inbox

    monkeypatch.setenv("SCICITY_STATE", str(city.state.parent))
    run = CliRunner().invoke(app, ["plan", str(city.folder), "--json"])
    assert run.exit_code == 0, run.output
    (told,) = json.loads(run.output)["advice"]
    assert told["readings"] == 96
    assert told["not_registered"] == ["yard.battery.set_point", "yard.pump.set_point"]
    inbox = Inbox(city.state / "inbox.sqlite3")
    rows = [row for lane in LANES for waiting in inbox.waiting(10**6, lane) for row in waiting.batch.rows.to_pylist()]
    assert {row["datastream"] for row in rows} == {"yard.tank.set_point"}
    advised = next(each for each in told["set_points"] if each["unit"] == "tank")
    assert [row["value"] for row in rows] == pytest.approx(advised["values"], abs=1e-3)
    again = CliRunner().invoke(app, ["plan", str(city.folder), "--station", "nowhere"])
    assert again.exit_code == 1
    assert "no energy station" in again.output
