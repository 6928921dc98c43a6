"""The pages over the sample district: every one answers, prints no bare number, and every figure on it opens."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.template import base
from django.test import Client

from scicity.city import City
from scicity.cockpit import city as cities

pytestmark = [pytest.mark.django_db, pytest.mark.sample, pytest.mark.slow]
SAMPLE = Path(__file__).parents[2] / "districts" / "future-science-city"
PAGES = [
    "/",
    "/map/",
    "/data/",
    "/energy/",
    "/energy/?zone=east&carrier=natural_gas",
    "/energy/buildings/east-01/",
    "/carbon/",
    "/environment/",
    "/environment/?station=dingling&year=2014",
    "/indicators/",
    "/indicators/statements/?q=PM2.5",
]
OPENED_PER_PAGE = 12


@pytest.fixture(scope="session")
def sample_city(tmp_path_factory):
    """The sample district, loaded and computed."""
    found = City(SAMPLE, tmp_path_factory.mktemp("sample"))
    found.load()
    found.compute()
    return cities.OpenCity(found.district, found.figures, settings.PLACE)


@pytest.fixture(params=["zh", "en"])
def browser(request, sample_city):
    cities.use(sample_city)
    return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=request.param)


@pytest.mark.parametrize("path", PAGES)
def test_pages_print_figures_alone_and_each_opens(browser, path, monkeypatch):
    kept = base.render_value_in_context

    def strict(value, context):
        assert not isinstance(value, (int, float, Decimal)) or isinstance(value, bool), f"{path} prints {value!r} bare"
        return kept(value, context)

    monkeypatch.setattr(base, "render_value_in_context", strict)
    answer = browser.get(path)
    assert answer.status_code == 200, answer.content[:300]
    figures = list(dict.fromkeys(re.findall(r'<a class="figure[^"]*" href="([^"]+)"', answer.content.decode())))
    if path not in ("/data/",):
        assert figures, f"{path} shows no figure"
    for href in figures[:: max(1, len(figures) // OPENED_PER_PAGE)]:
        opened = browser.get(href.replace("&amp;", "&"))
        assert opened.status_code == 200, href
        text = opened.content.decode()
        assert 'class="evidence"' in text or 'id="place"' in text, f"{href} ends in nothing"


def test_the_leaders_screen_answers_within_150_ms(browser):
    browser.get("/")
    seconds = []
    for _ in range(40):
        started = time.perf_counter()
        assert browser.get("/").status_code == 200
        seconds.append(time.perf_counter() - started)
    assert sorted(seconds)[37] < 0.150
