"""The pages of the reviews: in both languages, without bare numbers, to those whom they concern, and usable by forms alone."""

from __future__ import annotations

import importlib.util
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.template import base
from django.test import Client

_spec = importlib.util.spec_from_file_location("reviewing", Path(__file__).with_name("reviewing.py"))
reviewing = sys.modules.setdefault("reviewing", importlib.util.module_from_spec(_spec))
if not hasattr(reviewing, "Reviewing"):
    _spec.loader.exec_module(reviewing)

from scicity.cockpit import city as cities  # noqa: E402
from scicity.domains.reviews.models import Act, Case, Project, Return, Seat, Visit  # noqa: E402
from scicity.domains.reviews.pages import acting, shown  # noqa: E402
from scicity.records.publishing import publish  # noqa: E402

pytestmark = pytest.mark.django_db
LISTS = [
    "",
    "?state=open",
    "?stage=scheme&party=authority&zone=east&q=A",
    "?page=99",
    "tasks/",
    "parcels/",
    "processes/",
    "decisions/",
]
SENT = {f"field-{key}": value for key, value in reviewing.PLEDGE.items()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return reviewing.Reviewing(tmp_path_factory.mktemp("reviews-pages"))


@pytest.fixture
def here(made, city):
    cities.use(cities.OpenCity(made.small.city.district, made.small.city.figures, settings.PLACE))
    made.people()
    yield made
    cities.use(city)


def browser(here, name="", language="en"):
    found = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    if name:
        found.force_login(getattr(here, name))
    return found


def page_of(case):
    return f"/reviews/cases/{case.review_case}/"


def reviewed(here):
    """A case with a return, opinions and a decision behind it, open at its review."""
    case = acting.open_case(here.desk, here.ann, "p-1", "p", "甲公司 <b>")
    acting.submit(here.desk, case, here.ann, "apply", reviewing.PLEDGE)
    acting.assign(here.desk, case, here.kai, "look", [here.rui])
    acting.give_opinion(here.desk, case, here.rui, "look", "disagree", "<script>alert(1)</script>")
    acting.decide(here.desk, case, here.kai, "look", "returned", "no daylight", returns=["Add the study"])
    (left,) = Return.objects.filter(case=case)
    acting.submit(here.desk, case, here.ann, "apply", reviewing.PLEDGE, {left.pk: "added"})
    return Case.objects.get(pk=case.pk)


def brought(here):
    with here.small.city.lake.alone():
        publish(here.small.city.computing, everything=True)
        here.small.city.computing.bring_up_to_date()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_print_figures_alone_to_everybody(here, language, monkeypatch):
    case = reviewed(here)
    brought(here)
    kept = base.render_value_in_context

    def strict(value, context):
        assert not isinstance(value, (int, float, Decimal)) or isinstance(value, bool), f"{value!r} is printed bare"
        return kept(value, context)

    monkeypatch.setattr(base, "render_value_in_context", strict)
    for name in ("ann", "rui", "kai", "max", ""):
        asked = browser(here, name, language)
        for path in LISTS if name else ["", "parcels/", "parcels/?zone=east&parcel=a-1&page=9", "processes/", "decisions/"]:
            assert asked.get(f"/reviews/{path}").status_code == 200, (name, path)
        if name:
            text = asked.get(page_of(case)).content.decode()
            assert "<svg" in text and "bpmn-open" in text and "<script>alert" not in text and "甲公司 &lt;b&gt;" in text
    assert browser(here, "ann", language).get("/reviews/new/").status_code == 200


def test_a_district_without_reviews_shows_empty_pages(city, db):
    for path in ("", "parcels/", "processes/", "decisions/"):
        answer = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en").get(f"/reviews/{path}")
        assert answer.status_code == 200 and 'class="empty"' in answer.content.decode()


def test_each_sees_what_concerns_them(here):
    case = reviewed(here)
    acting.open_case(here.desk, here.bob, "p-2", "p", "乙公司")
    seen = {
        name: [number in browser(here, name).get("/reviews/").content.decode() for number in ("2026-00001", "2026-00002")]
        for name in ("ann", "bob", "rui", "eva", "kai", "max", "")
    }
    assert seen["ann"] == [True, False] and seen["bob"] == [False, True] and seen["eva"] == seen[""] == [False, False]
    assert seen["rui"] == seen["kai"] == seen["max"] == [True, True]
    status = {name: browser(here, name).get(page_of(case)).status_code for name in ("ann", "bob", "eva", "kai", "")}
    assert status == {"ann": 200, "bob": 403, "eva": 403, "kai": 200, "": 302}
    acting.assign(here.desk, case, here.kai, "look", [here.eva])
    assert browser(here, "eva").get(page_of(case)).status_code == 200
    for hostile in ("x", "2026-99999", "%00", "a" * 300, "' OR 1=1"):
        assert browser(here, "kai").get(f"/reviews/cases/{hostile}/").status_code == 404


def test_a_parcel_tells_whether_its_edition_was_in_force_on_the_day(here):
    from datetime import UTC, datetime

    row = {"valid_from": datetime(2014, 6, 9, 16, tzinfo=UTC), "valid_to": datetime(2019, 1, 1, tzinfo=UTC)}
    parcel = here.desk.parcels["a-1"]
    told = [
        shown.edition_of_day(parcel, editions, here.desk.tz)
        for editions in (
            {},
            {("old", "2013"): row},
            {("old", "2013"): row | {"valid_from": None, "valid_to": datetime(2014, 6, 9, 16, tzinfo=UTC)}},
            {("old", "2014"): row},
        )
    ]
    assert [each and each[1] for each in told] == [
        None,
        "in force on that day",
        "not in force on that day",
        "edition not registered",
    ]


def test_the_leader_sees_the_share_decided_in_time(here):
    from scicity.domains.reviews.pages import leader

    served = cities.open_city(settings.PLACE)
    case = reviewed(here)
    acting.give_opinion(here.desk, case, here.rui, "look", "agree", "")
    acting.decide(here.desk, case, here.kai, "look", "passed", "as asked", accepted=[Return.objects.get().pk])
    brought(here)
    (card,) = leader.cards(served)
    assert card["figure"].value == 100
    opened = browser(here, "kai").get(f"/why/reviews.clock.authority_days/review_case={case.review_case}")
    assert opened.status_code == 200 and "reviews.stage" in opened.content.decode()
    assert browser(here, "bob").get(f"/why/reviews.clock.authority_days/review_case={case.review_case}").status_code == 404


def test_the_tables_show_no_more_than_the_pages(here):
    reviewed(here)
    brought(here)
    tables = ("reviews.case", "reviews.stage", "reviews.act", "reviews.promise", "reviews.clock", "reviews.stage_clock")
    for table in tables:
        shown = {
            name: "2026-00001" in browser(here, name).get(f"/data/{table}/").content.decode()
            for name in ("ann", "bob", "kai", "")
        }
        assert shown == {"ann": True, "bob": False, "kai": True, "": False}, table
    case = Case.objects.get()
    Seat.objects.filter(visit__left_at=None).first()
    acting.give_opinion(here.desk, case, here.rui, "look", "agree", "")
    acting.decide(here.desk, case, here.kai, "look", "refused", "for all to read", accepted=[Return.objects.get().pk])
    assert "for all to read" not in browser(here).get("/reviews/decisions/").content.decode()
    acting.publish(here.desk, Case.objects.get(), here.kai)
    public = browser(here).get("/reviews/decisions/").content.decode()
    assert "for all to read" in public and "disagree" not in public and "rui" not in public
    brought(here)
    acts = browser(here).get("/data/reviews.act/").content.decode()
    assert "decided" in acts and "opinion" not in acts.partition("<tbody")[2]


def test_a_case_is_carried_through_by_forms(here):
    ann, kai, rui = browser(here, "ann"), browser(here, "kai"), browser(here, "rui")
    sent = {"project": "p-1", "process": "p", "applicant_name": "甲公司"}
    (page, status), *_ = ann.post("/reviews/new/", sent, follow=True).redirect_chain
    assert (page, status) == ("/reviews/cases/2026-00001/", 302) or "/reviews/cases/" in page
    assert ann.get(page).content.decode().count('name="deed" value="submit"') == 1
    wrong = ann.post(page, {"deed": "submit", "step": "apply", **SENT, "field-energy": "much"})
    assert (
        wrong.status_code == 422 and "expected a number" in wrong.content.decode() and 'value="much"' in wrong.content.decode()
    )
    assert ann.post(page, {"deed": "submit", "step": "apply", **SENT}).status_code == 302
    assert "to deal with" in kai.get("/reviews/tasks/").content.decode()
    assert kai.post(page, {"deed": "assign", "step": "look", "people": [here.rui.pk, here.eva.pk, "x"]}).status_code == 302
    assert "your opinion" in rui.get("/reviews/tasks/").content.decode()
    assert 'name="outcome"' not in kai.get(page).content.decode()
    for each in (rui, browser(here, "eva")):
        assert each.post(page, {"deed": "opinion", "step": "look", "opinion": "agree"}).status_code == 302
    assert "to decide" in kai.get("/reviews/tasks/").content.decode()
    told = {"deed": "decide", "step": "look", "outcome": "passed", "words": "as asked", "conditions": "meters before use"}
    assert ann.post(page, told).status_code == 422
    assert kai.post(page, told).status_code == 302
    assert Case.objects.get().case_state == "passed" and "meters before use" in ann.get(page).content.decode()
    assert kai.post(page, {"deed": "publish"}).status_code == 302 and Case.objects.get().published


def test_what_is_sent_without_sense_changes_nothing(here):
    case = reviewed(here)
    before = (Act.objects.count(), Visit.objects.count())
    hostile = [
        {},
        {"deed": "explode"},
        {"deed": "decide", "step": "../look", "outcome": "passed", "words": "x"},
        {"deed": "decide", "step": "look", "outcome": "passed", "words": "x", "accept-１": "on", "accept-999999999999": "on"},
        {"deed": "answer", "gap-1": "1", "words": "x"},
        {"deed": "migrate", "process": "<x>"},
        {"deed": "assign", "step": "look", "people": ["-1", "1e9", "\x00"]},
        {"deed": "decide-appeal", "outcome": "upheld", "words": "x"},
        {"deed": "withdraw"},
    ]
    for sent in hostile:
        assert browser(here, "kai").post(page_of(case), sent).status_code == 422, sent
    assert browser(here, "bob").post(page_of(case), {"deed": "withdraw"}).status_code == 403
    assert (Act.objects.count(), Visit.objects.count()) == before


def test_a_project_that_no_register_holds_is_entered_with_the_application(here):
    ann = browser(here, "ann")
    sent = {
        "project": "",
        "process": "p",
        "applicant_name": "甲公司",
        "parcel": "b-1",
        "name_zh": "新楼",
        "name_en": "New house",
    }
    for wrong in ({"parcel": "nowhere"}, {"name_en": ""}, {"floor_area": "wide"}, {"floor_area": "-1"}, {"process": "nothing"}):
        assert ann.post("/reviews/new/", sent | wrong).status_code == 422
    assert not Project.objects.exists() and not Case.objects.exists()
    assert ann.post("/reviews/new/", sent | {"floor_area": "12,000"}).status_code == 302
    assert Project.objects.get().floor_area == 12000 and Case.objects.get().supply_kind == "market"
    for name in ("bob", "kai", "max"):
        assert browser(here, name).get("/reviews/new/").status_code == (200 if name == "bob" else 403)
