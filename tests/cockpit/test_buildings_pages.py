"""Labels, scores and promises in the cockpit, over a little district: no bare number, every figure opens, empty states."""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import quote, unquote

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.template import base
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import AuditEntry, Person
from scicity.domains.buildings.golden.small_buildings import MONTHLY, ZONES, SmallBuildings, months
from scicity.domains.buildings.golden.test_tables import ENTRIES, LABELS, PROMISED, SHEETS, measured
from scicity.domains.buildings.models import SheetEntry
from scicity.domains.buildings.pages import leader
from scicity.records.publishing import rows_of

pytestmark = pytest.mark.django_db
PAGES = [
    "/buildings/",
    "/buildings/?zone=north&year=2021",
    "/buildings/promises/",
    "/buildings/promises/?year=2022&zone=south&measure=pv_yield&verdict=tolerated",
    "/buildings/promises/?year=2022&zone=%27&measure=%3Cb%3E&verdict=--",
    "/buildings/schemes/stars/",
    "/buildings/sheets/s1/",
    "/buildings/sheets/s2/",
    "/buildings/buildings/a/",
    "/buildings/buildings/b/?year=2022",
    "/buildings/buildings/c/?year=2022",
]
PLAIN = ["/buildings/schemes/plan/", "/buildings/schemes/healthy/", "/buildings/sheets/s3/", "/buildings/buildings/d/"]


def opened(district: SmallBuildings) -> cities.OpenCity:
    return cities.OpenCity(district.city.district, district.city.figures, settings.PLACE)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    rows = {"labels": LABELS, "score_sheets": SHEETS, "score_entries": ENTRIES, "promises": PROMISED}
    names = {f"registers/{name}": text for name, text in rows.items()}
    found = measured(SmallBuildings(tmp_path_factory.mktemp("buildings"), names))
    found.put(ZONES, [{"zone": "north", "carrier": "electricity", "year": 2023}])
    found.put(MONTHLY, months("b", 2022, [80.0, 90.0, None, 70.0]))
    found.load()
    found.city.compute()
    return found


@pytest.fixture(params=["zh", "en"])
def browser(request, unchanged, city):
    cities.use(opened(unchanged))
    yield Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=request.param)
    cities.use(city)


@pytest.mark.parametrize("path", PAGES + PLAIN)
def test_pages_print_figures_alone_and_each_opens(browser, path, monkeypatch):
    kept = base.render_value_in_context

    def strict(value, context):
        assert not isinstance(value, (int, float, Decimal)) or isinstance(value, bool), f"{path} prints {value!r} bare"
        return kept(value, context)

    monkeypatch.setattr(base, "render_value_in_context", strict)
    answer = browser.get(path)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<b>" not in page
    figures = dict.fromkeys(unquote(a).split("?")[0] for a in re.findall(r'class="figure[^"]*" href="/why/([^"]+)"', page))
    assert figures or path in PLAIN
    for address in figures:
        assert browser.get(f"/why/{quote(address, safe='/=:')}").status_code == 200, address


@pytest.mark.parametrize("path", ["/buildings/schemes/none/", "/buildings/sheets/none/", "/buildings/buildings/none/"])
def test_what_is_not_there_is_not_found(browser, path):
    assert browser.get(path).status_code == 404


def test_a_sheet_opens_its_arithmetic(browser):
    """(400 + 240 + 60) ÷ 10 = 70, each number a figure; an open item shows the bounds, not a zero."""
    page = browser.get("/buildings/sheets/s1/").content.decode()
    line = re.search(r'<p class="formula">(.*?)</p>', page, re.DOTALL)[1]
    assert re.sub(r"<[^>]+>|\s", "", line).replace(",", "") == "(400+240+60)÷10=70"
    assert line.count('href="/why/') == 5
    other = re.search(r'<p class="formula">(.*?)</p>', browser.get("/buildings/sheets/s2/").content.decode(), re.DOTALL)[1]
    assert "[0…300]" in re.sub(r"<[^>]+>|\s", "", other)


def test_a_template_says_that_it_is_one_and_scores_nothing(browser, request):
    page = browser.get("/buildings/sheets/s3/").content.decode()
    assert ("模板" in page) or ("template" in page)
    assert 'class="formula"' not in page


def test_a_control_item_that_is_not_met_takes_the_base_away(browser, tmp_path, city):
    rows = {"registers/score_sheets": SHEETS, "registers/score_entries": ENTRIES.replace("s1,must,true", "s1,must,false")}
    district = SmallBuildings(tmp_path, rows)
    district.load()
    district.city.compute()
    cities.use(opened(district))
    page = browser.get("/buildings/sheets/s1/").content.decode()
    line = re.search(r'<p class="formula">(.*?)</p>', page, re.DOTALL)[1]
    assert re.sub(r"<[^>]+>|\s", "", line) == "(0+240+60)÷10=30"


def test_the_worst_is_first_and_what_is_not_judged_is_last(browser):
    page = browser.get("/buildings/promises/?year=2022").content.decode()
    table = page[page.index('id="ranked"') :]
    found = re.findall(r'data-figure="buildings.performance_yearly.gap_share/building=(\w)', table)
    assert found[:2] == ["a", "c"]  # 4 % too much energy and 4 % too little own power, then the rest


def test_the_leader_sees_the_promise_furthest_behind_and_the_share(unchanged):
    behind, share = leader.cards(opened(unchanged))
    assert (behind["figure"].value, behind["period"], behind["status"]) == (25.0, 2023, "bad")
    assert (share["figure"].value, share["period"]) == (pytest.approx(100.0), 2023)
    assert len(share["trend"]) == 5


def test_a_district_without_registers_shows_empty_pages_and_no_cards(browser, tmp_path):
    none = {f"scoresheets/all.{part}": "" for part in ("scheme", "levels", "categories", "items")}
    district = SmallBuildings(tmp_path, None, **none)
    district.load()
    district.city.compute()
    cities.use(opened(district))
    for path in ("/buildings/", "/buildings/promises/"):
        page = browser.get(path).content.decode()
        assert 'class="empty"' in page
    assert browser.get("/buildings/buildings/a/").status_code == 200
    assert leader.cards(opened(district)) == []


def somebody(role: str) -> Client:
    roles.prepare()
    person = Person.objects.create_user(f"{role}-chen", password="blue-lake-under-the-hill")
    person.groups.add(Group.objects.get(name=role))
    client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(person)
    return client


ENTERED = {"score_item": "easy_points", "points": "100", "document": "letter 7"}


def test_an_item_that_is_entered_goes_before_the_register_and_moves_the_score(tmp_path, city):
    district = SmallBuildings(tmp_path, {"registers/score_sheets": SHEETS, "registers/score_entries": ENTRIES})
    district.load()
    district.city.compute()
    cities.use(opened(district))
    reviewer = somebody("reviewer")

    def total() -> Decimal:
        table = district.city.catalog[SheetEntry.TABLE]
        district.city.computing.put(table, rows_of(table, SheetEntry))
        district.city.compute()
        return district.rows("score", sheet="s1")[0]["total_score"]

    assert total() == 70
    assert reviewer.post("/buildings/sheets/s1/", ENTERED).status_code == 302
    assert total() == 74
    page = reviewer.get("/buildings/sheets/s1/").content.decode()
    assert "letter 7" in page and "badge-manual" in page
    refused = reviewer.post("/buildings/sheets/s1/", ENTERED | {"points": "90"})
    assert refused.status_code == 422 and "a change needs its reason" in refused.content.decode()
    assert reviewer.post("/buildings/sheets/s1/", ENTERED | {"points": "90", "reason": "misread"}).status_code == 302
    control = {"score_item": "must", "met": "no", "document": "site visit"}
    assert reviewer.post("/buildings/sheets/s1/", control).status_code == 302
    assert total() == 33  # without the base, as a control item is not met
    entry = AuditEntry.objects.filter(action="record-changed").latest("pk")
    assert (entry.who_name, entry.before["points"], entry.after["points"]) == ("reviewer-chen", "100", "90")
    cities.use(city)


@pytest.mark.parametrize(
    "wrong",
    [
        {"points": "201"},  # more than its category gives
        {"points": "-1"},
        {"points": "many"},
        {"points": "NaN"},
        {"points": "1e99"},
        {"points": ""},
        {"document": ""},
        {"score_item": "must", "points": "5"},  # a control item is met or not
        {"score_item": "must", "met": "perhaps"},
        {"score_item": "<b>"},
        {"score_item": "' or 1=1 --"},
    ],
)
def test_an_entry_that_cannot_be_is_refused(unchanged, city, wrong):
    cities.use(opened(unchanged))
    answer = somebody("reviewer").post("/buildings/sheets/s1/", ENTERED | wrong)
    assert answer.status_code == 422 and 'role="alert"' in answer.content.decode()
    assert not SheetEntry.objects.exists()
    cities.use(city)


@pytest.mark.parametrize("role", ["leader", "applicant", "expert", "resident"])
def test_others_enter_no_item(unchanged, city, role):
    cities.use(opened(unchanged))
    client = somebody(role)
    assert client.post("/buildings/sheets/s1/", ENTERED).status_code == 403
    assert 'id="enter"' not in client.get("/buildings/sheets/s1/").content.decode()
    cities.use(city)
