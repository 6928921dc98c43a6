"""The pages of devices over the demo district: what there is to find is told, filtered, sorted, exported; figures open."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, unquote

import pyarrow as pa
import pytest
from django.conf import settings
from django.template import base
from django.test import Client

from scicity.access.inbox import Held, Inbox
from scicity.cockpit import city as cities
from scicity.cockpit.arriving import inbox_of
from scicity.domains.devices.pages import asked
from scicity.domains.devices.pages import map as on_map
from scicity.kernel.reading import ARRIVAL

pytestmark = pytest.mark.django_db
DEMO = Path(__file__).parents[2] / "districts" / "demo"
PAGES = [
    "/devices/",
    "/devices/?month=2022-12",
    "/devices/?state=gaps&month=2022-12",
    "/devices/?q=nothing-is-called-so",
    "/devices/?sort=share&page=9&zone=north&property=pm25&thing=air-1",
    "/devices/?month=nonsense&state=%3Cscript%3E&sort=x&page=-1",
    "/devices/stream/air-1.pm25/",
    "/devices/stream/air-1.pm25/?month=2022-12",
    "/devices/stream/dorm-main.forward/?month=2023-01",
]


@pytest.fixture(scope="session")
def demo(shipped):
    """The demo district, loaded and computed."""
    found = shipped("demo")
    return cities.OpenCity(found.district, found.figures, settings.PLACE)


@pytest.fixture(params=["zh", "en"])
def browser(request, demo):
    cities.use(demo)
    return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=request.param)


@pytest.fixture
def english(demo):
    cities.use(demo)
    return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")


def rows(text: str) -> list[str]:
    """The first cells of the rows of the list."""
    return re.findall(r'<tr><th scope="row"><a href="/devices/stream/[^"]+">([^<]+)</a>', text)


@pytest.mark.parametrize("path", PAGES)
def test_pages_print_figures_alone_and_each_opens(browser, path, monkeypatch):
    kept = base.render_value_in_context

    def strict(value, context):
        assert not isinstance(value, (int, float, Decimal)) or isinstance(value, bool), f"{path} prints {value!r} bare"
        return kept(value, context)

    monkeypatch.setattr(base, "render_value_in_context", strict)
    answer = browser.get(path)
    assert answer.status_code == 200, answer.content[:300]
    text = answer.content.decode()
    assert "<script>" not in text.replace("<script type", "")
    found = list(dict.fromkeys(unquote(a).split("?")[0] for a in re.findall(r'class="figure[^"]*" href="/why/([^"]+)"', text)))
    for address in found[:: max(1, len(found) // 6)]:
        assert browser.get(f"/why/{quote(address, safe='/=:')}").status_code == 200, address


def test_what_there_is_to_find_is_found(english):
    text = english.get("/devices/?month=2022-12").content.decode()
    assert rows(text)[0] == "air-1.pm25", "two days are missing"
    assert rows(english.get("/devices/?month=2022-12&state=gaps").content.decode()) == ["air-1.pm25"]
    text = english.get("/devices/stream/dorm-main.forward/?month=2023-01").content.decode()
    assert re.search(r"2023-01-10 21:00.*2023-01-11 06:00.*>35<", text, re.S)
    text = english.get("/devices/stream/air-1.pm25/?month=2022-12").content.decode()
    assert ">48<" in text
    assert ">7<" in text


def test_everything_is_silent_today_and_nothing_was_then(english):
    assert len(rows(english.get("/devices/?state=silent").content.decode())) == 16
    assert rows(english.get("/devices/?state=silent&month=2022-12").content.decode()) == []


def test_silence_is_told_against_the_present(demo):
    last = datetime(2023, 2, 14, 16, tzinfo=UTC)
    for hours, count in ((1, 0), (30, 16)):
        found = asked.everything(demo, last + timedelta(hours=hours), None, {})
        assert sum("silent" in said.states for said in found) == count


def test_filters_and_orders(english):
    everything = rows(english.get("/devices/").content.decode())
    by_name = rows(english.get("/devices/?sort=name").content.decode())
    assert sorted(everything) == by_name
    north = rows(english.get("/devices/?zone=north&sort=name").content.decode())
    assert north
    assert all(name.startswith("lab-") for name in north)
    assert all(name.endswith("pm25") for name in rows(english.get("/devices/?property=pm25").content.decode()))
    assert rows(english.get("/devices/?q=SERVERS").content.decode()) == ["office-servers.power"]


def test_the_export_says_what_the_page_says(english):
    answer = english.get("/devices/health.csv?month=2022-12&sort=name")
    assert answer["Content-Type"].startswith("text/csv")
    found = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(found) == 16
    row = next(row for row in found if row["datastream"] == "air-1.pm25")
    assert (row["states"], row["missing_readings"], row["gaps"], row["longest_gap_hours"]) == ("gaps", "55", "2", "48.0")
    assert row["received_share_percent"].startswith("92.6")
    assert row["battery_percent"] == ""
    assert len(list(csv.DictReader(io.StringIO(english.get("/devices/health.csv?q=servers").content.decode("utf-8-sig"))))) == 1


def test_no_cell_of_the_export_is_a_formula():
    assert [asked._text(value) for value in ("=1+1", "@x", "-a", "a", None)] == ["'=1+1", "'@x", "'-a", "a", ""]


def test_readings_held_for_their_clock_are_told(english, demo):
    inbox: Inbox = inbox_of(demo)
    row = {"datastream": "air-1.no2", "time": datetime(1999, 1, 1, tzinfo=UTC), "value": 1.0, "revision": 0}
    held = pa.Table.from_pylist([row] * 3, schema=ARRIVAL)
    inbox.hold([Held(10**9, "test", datetime.now(UTC), "time", "air-1.no2", "1999", "a time that can be", held)])
    try:
        assert rows(english.get("/devices/?state=clock").content.decode()) == ["air-1.no2"]
        assert "/arrival/" in english.get("/devices/stream/air-1.no2/").content.decode()
    finally:
        inbox.storage.rows("SELECT 1")
        with inbox.storage.transaction() as begun:
            begun.execute("DELETE FROM quarantine WHERE sequence = ?", (10**9,))


def test_a_stream_that_nobody_registered_is_not_found(english):
    assert english.get("/devices/stream/nobody/").status_code == 404


def test_the_layer_of_the_map_says_states_in_words(english, demo):
    page = english.get("/map/")
    assert [layer["name"] for layer in page.context["onemap"]["layers"]].count("devices.health") == 1
    names = [layer["name"] for layer in english.get("/").context["map"]["layers"]]
    assert "devices.health" not in names, "on the page of the map alone"
    found = english.get("/map/points/devices.health.geojson").json()["features"]
    station = next(each for each in found if each["properties"]["id"] == "air-1")
    assert station["properties"]["label"] == "air-1: silent 7"
    assert english.get(station["properties"]["url"]).status_code == 200
    assert len(found) == 1 + 4
    assert on_map.features(demo, "other", "en") == []
    assert english.get("/map/points/devices.nothing.geojson").status_code == 404


def test_a_city_without_readings_shows_an_empty_page(city):
    text = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en").get("/devices/").content.decode()
    assert 'class="empty"' in text
    assert Client(SERVER_NAME="localhost").get("/devices/health.csv").status_code == 200
