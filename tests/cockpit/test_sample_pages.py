"""The pages over the sample district: every one answers, prints no bare number, and every figure opens."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from django.conf import settings
from django.template import base
from django.test import Client

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
    "/energy/balance/",
    "/energy/balance/?zone=east&breakdown=enterprise&carrier=natural_gas",
    "/energy/load/?zone=west",
    "/energy/items/",
    "/energy/cost/",
    "/energy/cost/?zone=west&carrier=natural_gas&year=2021",
    "/energy/enterprises/",
    "/energy/enterprises/stand-in-a/",
    "/energy/virtual/",
    "/energy/meters/east-01.electricity/?day=2022-02-01",
    "/energy/meters/east-share/",
    "/carbon/",
    "/carbon/?zone=east&year=2022",
    "/carbon/enterprises/",
    "/carbon/enterprises/green-power-campus/",
    "/carbon/inventory/",
    "/carbon/certificates/",
    "/carbon/cogeneration/",
    "/carbon/changes/",
    "/environment/",
    "/environment/?station=dingling&year=2014",
    "/indicators/",
    "/indicators/?framework=sdg-11",
    "/indicators/of/blue-green-space-share/",
    "/indicators/of/pm25-annual-mean/",
    "/indicators/editions/",
    "/indicators/duties/?state=delivered",
    "/indicators/statements/?q=PM2.5",
    "/evidence/",
    "/evidence/?kind=series&page=1",
    "/evidence/findings/said_twice.C010.C069/",
    "/evidence/findings/parts_over_whole.C375.C376.C377.C378/",
    "/diagnosis/",
    "/diagnosis/?year=2022",
    "/diagnosis/buildings/east-03/?year=2023&carrier=natural_gas",
    "/diagnosis/buildings/west-03/?year=2023&finding=step.electricity.2023-06-02",
    "/diagnosis/measures/",
    "/buildings/",
    "/buildings/?zone=east&year=2021",
    "/buildings/promises/",
    "/buildings/promises/?measure=energy_intensity&year=2021",
    "/buildings/schemes/green_building_star/",
    "/buildings/sheets/east-04-stars/",
    "/buildings/sheets/east-05-stars/",
    "/buildings/buildings/west-07/",
    "/control/",
    "/control/scopes/district/district/",
    "/control/warnings/",
    "/control/allocation/",
    "/control/forecasts/",
    "/optimisation/",
    "/optimisation/stations/life-science-3/",
    "/optimisation/stations/energy-valley-cchp/?course=rule&day=2023-12-25",
]
OPENED_PER_PAGE = 12
OPENED_PER_COLUMN = 8


@pytest.fixture(scope="session")
def sample_city(shipped):
    """The sample district, loaded and computed."""
    found = shipped("future-science-city")
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
    figures = addresses(answer.content.decode())
    if path not in ("/data/",):
        assert figures, f"{path} shows no figure"
    for address in figures[:: max(1, len(figures) // OPENED_PER_PAGE)]:
        opened = browser.get(f"/why/{quote(address, safe='/=:')}")
        assert opened.status_code == 200, address
        text = opened.content.decode()
        assert 'class="evidence"' in text or 'id="place"' in text, f"{address} ends in nothing"


def addresses(page: str) -> list[str]:
    """The addresses of the figures that a page prints, each once."""
    return list(dict.fromkeys(unquote(a).split("?")[0] for a in re.findall(r'class="figure[^"]*" href="/why/([^"]+)"', page)))


@pytest.mark.parametrize("browser", ["zh"], indirect=True)
def test_every_figure_of_every_page_opens_down_to_its_source(browser, sample_city):
    """Of each column some figures, from the first to the last, have rows below them; one of each table is followed down to a
    reading or a line of a file."""
    figures = sample_city.figures
    shown = {address for path in PAGES for address in addresses(browser.get(path).content.decode())}
    assert len(shown) > 1_000
    of_column = {}
    for address in sorted(shown):
        of_column.setdefault(address.partition("/")[0], []).append(address)
    nothing, known = [], {}
    for mine in of_column.values():
        for address in mine[:: max(1, len(mine) // OPENED_PER_COLUMN)]:
            why = figures.why(address)
            if not why.place and not any(evidence.total for evidence in why.inputs):
                nothing.append(address)
    assert nothing == []
    ends = {mine[0]: bottoms(figures, mine[0], known) for mine in of_column.values()}
    assert [address for address, found in ends.items() if not found] == []


def bottoms(figures, address: str, known: dict[str, set[str]]) -> set[str]:
    """The readings' and registers' tables that a figure comes down to, by the first row of each input."""
    why = figures.why(address)
    if why.place:
        return {why.figure.table}
    if why.figure.table not in known:
        found = known[why.figure.table] = set()
        for evidence in why.inputs:
            if evidence.kind != "derived":
                found |= {evidence.table.name} if evidence.total else set()
            elif evidence.rows:
                below = evidence.rows[0]
                column = next(name for name in evidence.table.columns if name not in evidence.table.grain)
                found |= bottoms(figures, below.figure(column).address, known)
    return known[why.figure.table]
