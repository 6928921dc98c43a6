"""The pages of living circles over a small town: a place serves whom it should, figures open, nonsense is no fault."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import Person
from scicity.domains.circles.golden.small_town import LAYERS, SmallTown, collection, home, people, point
from scicity.domains.circles.pages import asked
from scicity.domains.circles.pages import map as on_map

pytestmark = pytest.mark.django_db
PAGES = ["/circles/", "/circles/gaps/", "/circles/best/", "/circles/schools/", "/circles/sdg/", "/circles/cells/b/"]


@pytest.fixture(scope="session")
def town():
    with tempfile.TemporaryDirectory() as folder:
        found = SmallTown(Path(folder))
        found.city.load()
        found.city.compute()
        yield cities.OpenCity(found.city.district, found.city.figures, settings.PLACE)


@pytest.fixture(params=["zh", "en"])
def browser(request, town):
    cities.use(town)
    return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=request.param)


@pytest.mark.parametrize("page", PAGES)
def test_each_page_opens_and_its_figures_lead_somewhere(browser, page):
    answer = browser.get(page)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "<h1" in text
    for path in re.findall(r'class="figure[^"]*" href="([^"]+)"', text)[:3]:
        assert browser.get(path.replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "longitude=nan&latitude=40",
        "longitude=1e999&latitude=40",
        "longitude=x&latitude=%00",
        "longitude=200&latitude=40",
        "longitude=0&latitude=0",
        f"class={quote('<script>')}&mode=broom&group=%27&day=2000-01-01&minutes=-1",
    ],
)
def test_nonsense_is_answered_in_words(browser, query):
    answer = browser.get(f"/circles/gaps/?{query}")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()
    assert "%00" not in answer.content.decode().partition("<main")[2]


def test_a_cell_that_is_none_is_not_found(browser):
    assert browser.get("/circles/cells/nothing/").status_code == 404


def test_one_more_clinic_serves_whom_it_should(town):
    of = asked.asked(town, {"class": "clinic"})
    place = point(600)
    found = asked.gap(town, of, place.x, place.y, 300.0)
    by_group = {one["group"]["age_group"]: one for one in found.groups}
    # 300 m in 270 s: b has a clinic as near, c gets one
    assert (by_group["all"]["newly"], by_group["children"]["newly"], by_group["elders"]["newly"]) == (120, 12, 24)
    assert by_group["all"]["reaches"] == 220
    assert by_group["all"]["without"] == 220  # c, and d on its island
    assert found.newly == {"c"}
    assert found.unknown == 1
    assert 600 * 80 * 0.9 < found.area < 700 * 80 + 40**2 * 4
    far = asked.gap(town, of, 0.0, 0.0, 300.0)
    assert (far.snapped, far.area, far.groups[0]["newly"]) == (None, 0.0, 0.0)


def test_the_way_to_the_nearest_is_told_way_by_way(town):
    way = asked.way_to(town, asked.asked(town, {"class": "clinic"}), "c")
    assert [one["way"] for one in way] == ["main"]
    assert way[0]["metres"] == pytest.approx(900, abs=0.05)
    assert asked.way_to(town, asked.asked(town, {"class": "clinic"}), "d") == []


def test_the_map_says_in_words_what_is_missing(town):
    told = {each["properties"]["id"]: each["properties"] for each in on_map.features(town, "service", "en")}
    assert "not met; missing School" in told["a"]["label"]
    assert told["a"]["origin"] == "stand-in"
    assert "not known" in told["b"]["label"]
    assert on_map.features(town, "nothing", "en") == []


def test_a_district_without_layers_says_what_it_needs():
    client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")  # the little city has none
    for page in PAGES[:-1]:
        assert client.get(page).status_code == 200
    assert "layers streets and population" in client.get("/circles/").content.decode()


@pytest.fixture(scope="session")
def private():
    """A town whose residents are for officers and leaders; those of one cell for leaders alone."""
    register = "layer,theme,name_zh,name_en,layer_file,visible_to,origin\n"
    register += "population,services,居民,Residents,population.geojson,officer leader,stand-in\n"
    cells = collection(
        ("a", None, home(0), people(100)), ("c", None, home(900), people(120) | {"restricted_to": "leader data-owner"})
    )
    with tempfile.TemporaryDirectory() as folder:
        found = SmallTown(Path(folder), {"layers": register}, LAYERS | {"population": cells})
        found.city.load()
        found.city.compute()
        yield cities.OpenCity(found.city.district, found.city.figures, settings.PLACE)


def client(*names: str) -> Client:
    found = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    if names:
        roles.prepare()
        person = Person.objects.create_user("-".join(names), password="x" * 14)
        person.groups.set(Group.objects.filter(name__in=names))
        found.force_login(person)
    return found


@pytest.mark.parametrize(
    ("role", "cells"), [(None, ""), ("resident", ""), ("officer", "a"), ("leader", "ac"), ("data-officer", "ac")]
)
def test_residents_are_shown_to_those_who_may_see_them(private, role, cells):
    cities.use(private)
    asking = client(*([role] if role else []))
    told = asking.get("/circles/homes.geojson?class=clinic").json()["features"]
    assert {each["properties"]["id"] for each in told if each["properties"]["state"] != "facility"} == set(cells)
    for cell in "ac":
        assert asking.get(f"/circles/cells/{cell}/").status_code == (200 if cell in cells else 404)
        for table, key in (("circles.resident", "cell"), ("circles.home", "cell"), ("layer.population", "feature")):
            assert (f"{key}={cell}" in asking.get(f"/data/{table}/").content.decode()) == (cell in cells), table
    for table in ("circles.circle_coverage", "circles.class_coverage", "circles.school_zone", "circles.siting_outcome"):
        assert ("/why/" in asking.get(f"/data/{table}/").content.decode()) == bool(cells), table
    assert "edge=main" in asking.get("/data/circles.edge/").content.decode()  # of streets, which all may see
    place = point(600)
    gap = asking.get(f"/circles/gaps/?class=clinic&minutes=5&longitude={place.x}&latitude={place.y}").content.decode()
    assert ("120" in gap) == ("c" in cells)
