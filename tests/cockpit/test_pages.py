"""Every page in both languages; headers; hostile addresses; numbers only as figures."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.template import base
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit.opening import path_of

pytestmark = pytest.mark.django_db
PAGES = [
    "/",
    "/map/",
    "/glossary/",
    "/glossary/?q=能",
    "/data/",
    "/data/little.daily/",
    "/data/little.daily/?page=2",
    "/data/district.zone/",
    "/data/reading.energy_increment/",
    "/energy/",
    "/environment/",
    "/carbon/",
    "/indicators/",
    "/indicators/statements/",
    "/accounts/login/",
    "/why/little.total.energy/meter=表二",
    "/why/little.daily.energy/meter=m%252F1/day=2021-05-05",
    "/why/little.daily.energy/meter=m%252F1/day=2021-05-05@1",
    "/why/little.daily.energy/meter=m%252F1/day=2021-05-05?input=hourly",
    "/why/little.hourly.energy/meter=表二/hour=2021-05-05T00:00:00Z?via=little.total.energy%2Fmeter%3D表二",
    "/why/reading.energy_increment.value/datastream=表二/time=2021-05-05T00:00:00Z",
    "/why/district.zone.area/zone=district",
]
HOSTILE = [
    "../../etc/passwd",
    "little.daily.energy/../../../etc/passwd",
    "little.daily.energy/meter=x' OR '1'='1/day=2021-05-05",
    "little.daily.energy/meter=x;DROP TABLE x/day=2021-05-05",
    'little.daily.energy" FROM x --/meter=a/day=2021-05-05',
    "little.daily.energy/meter=表/day=2021-13-45",
    "little.daily.energy/meter=表二/day=０００１",
    "little.daily.energy/meter=a/day=2021-05-05@²",
    "little.daily.energy/meter=a/day=2021-05-05@99999999999999999999999999",
    "little.daily.energy/meter=a/day=2021-05-05@-1",
    "little.daily.energy/meter=\x00/day=2021-05-05",
    "little.daily.energy/meter=%00/day=2021-05-05",
    "little.daily.energy/meter=%ff%fe/day=2021-05-05",
    "little.daily.energy/meter=" + "a" * 5000 + "/day=2021-05-05",
    "little.daily.energy",
    "little.daily/meter=a",
    "little.nothing.energy/meter=a",
    "district.zone.area/zone=<script>alert(1)</script>",
    "reading.pm25.value/datastream=a/time=2021-05-05T00:00:00Z",
    "@@@@",
    "/////",
    "\u202e\u0000\ud83d",
]


@pytest.fixture(params=["zh", "en"])
def browser(request):
    return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=request.param)


@pytest.fixture
def raw_numbers(monkeypatch):
    """Fails where a template prints a number by itself, not through a tag."""
    kept = base.render_value_in_context

    def strict(value, context):
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            raise AssertionError(f"a page prints the bare number {value!r}")
        return kept(value, context)

    monkeypatch.setattr(base, "render_value_in_context", strict)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_in_both_languages(browser, path, raw_numbers):
    answer = browser.get(path)
    assert answer.status_code == 200, answer.content[:400]
    text = answer.content.decode()
    chinese = browser.defaults["HTTP_ACCEPT_LANGUAGE"] == "zh"
    assert f'<html lang="{"zh-Hans" if chinese else "en"}">' in text
    assert "<main" in text and "<h1" in text and 'class="skip"' in text
    assert text.count("<h1") == 1


@pytest.mark.parametrize("path", PAGES)
def test_no_inline_script_or_style(browser, path):
    text = browser.get(path).content.decode()
    for opening in re.findall(r"<script[^>]*>", text):
        assert "src=" in opening or 'type="application/json"' in opening
    assert not re.search(r"<[^>]+\s(on\w+|style)=", text)
    assert "<style" not in text and "javascript:" not in text


@pytest.mark.parametrize("address", HOSTILE)
def test_hostile_addresses_are_not_found(browser, address):
    path = "/why/" + quote(address.encode("utf-8", "surrogatepass"))
    answer = browser.get(path)
    assert answer.status_code in (301, 400, 404), answer.content[:300]
    assert b"<script>alert" not in answer.content
    assert b"Traceback" not in answer.content
    for api in ("figures", "why"):
        assert browser.get(f"/api/{api}/" + quote(address.encode("utf-8", "surrogatepass"))).status_code in (301, 400, 404)


def test_hostile_cells_are_escaped(browser):
    for path in ("/map/", "/data/district.zone/", "/why/district.zone.area/zone=district", "/map/layers/zones.geojson"):
        assert b"<script>alert" not in browser.get(path).content


@pytest.mark.parametrize("path", ["/", "/nope", "/static/cockpit/city.css", "/healthz", "/api/docs", "/api/tables"])
def test_headers(browser, path):
    answer = browser.get(path)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "object-src 'none'" in policy
    script = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert script == "script-src 'self'"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_other_hosts_are_refused():
    assert Client(SERVER_NAME="elsewhere.example").get("/").status_code == 400


def test_the_language_switch_keeps_the_page():
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="zh")
    answer = browser.post("/language/", {"language": "en", "next": "/glossary/?q=energy"})
    assert answer["Location"] == "/glossary/?q=energy"
    assert b'<html lang="en">' in browser.get("/glossary/").content
    assert browser.get("/language/").status_code == 405


def test_a_district_chooses_its_public_pages(city):
    settings = {**city.district.settings, "public": {"pages": ["overview", "indicators"]}}
    cities.use(dataclasses.replace(city, district=dataclasses.replace(city.district, settings=settings)))
    browser = Client(SERVER_NAME="localhost")
    assert browser.get("/").status_code == 200
    assert browser.get("/indicators/").status_code == 200
    assert browser.get("/data/")["Location"].startswith("/accounts/login/")
    assert browser.get("/why/little.total.energy/meter=表二").status_code == 302
    assert browser.get("/api/tables").status_code == 401
    assert browser.get("/healthz").status_code == 200


def figures_in(text):
    return re.findall(r'<a class="figure[^"]*" href="([^"]+)"', text)


def test_every_figure_opens_down_to_a_reading_or_a_line():
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    todo, seen, ends = [path_of("little.total.energy/meter=m%2F1")], set(), 0
    while todo and len(seen) < 60:
        href = todo.pop()
        if href in seen:
            continue
        seen.add(href)
        answer = browser.get(href.replace("&amp;", "&"))
        assert answer.status_code == 200, href
        text = answer.content.decode()
        if 'id="place"' in text:
            ends += 1
            continue
        below = [found for found in figures_in(text.partition('class="evidence"')[2]) if found.partition("?")[0] not in seen]
        assert 'class="evidence"' in text, f"{href} ends in nothing"
        todo += below[:3]
    assert ends > 5


def test_a_figure_shows_stand_in_coverage_and_unknown():
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="zh")
    text = browser.get("/why/little.daily.energy/meter=m%252F1/day=2021-05-05").content.decode()
    assert "替代" in text and "覆盖 95.8 %" in text
    assert 'title="未知' in text


def test_the_api_tells_the_same(city):
    browser = Client(SERVER_NAME="localhost")
    address = "little.daily.energy/meter=m%252F1/day=2021-05-05"
    figure = browser.get(f"/api/figures/{address}").json()
    assert Decimal(str(figure["value"])) == city.figures.figure("little.daily.energy/meter=m%2F1/day=2021-05-05").value
    opened = browser.get(f"/api/why/{address}").json()
    assert opened["inputs"][0]["total"] == 24
    below = opened["inputs"][0]["figures"][0][0]["address"]
    assert browser.get("/api/figures/" + quote(below)).status_code == 200
    rows = browser.get("/api/tables/little.daily?meter=表二&limit=3").json()
    assert len(rows["rows"]) == 3
    assert browser.get("/api/tables/little.daily?nothing=1").status_code == 422
    assert browser.get("/api/tables/little.daily?day=rubbish").status_code == 422


def test_docs_of_the_api_come_from_here():
    browser = Client(SERVER_NAME="localhost")
    text = browser.get("/api/docs").content.decode()
    assert "//cdn" not in text and "https://" not in text
    assert browser.get("/static/ninja/swagger-ui-bundle.js").status_code == 200


def test_layers_are_only_what_the_folder_lists(browser):
    assert browser.get("/map/layers/zones.geojson").json()["features"][0]["properties"]["label"]
    assert browser.get("/map/layers/district.geojson").status_code == 404
    assert browser.get("/map/layers/..%2Fdistrict.geojson").status_code == 404
    assert browser.get("/map/points/district.zone.geojson").status_code == 404
