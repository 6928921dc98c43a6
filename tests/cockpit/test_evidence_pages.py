"""Evidence in the cockpit: findings, the report with them, who may settle, and drafts that are checked and not kept."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template import base
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import AuditEntry, Person
from scicity.domains.evidence import tables
from scicity.domains.evidence.golden.small_report import AGAIN, TWICE, WELL, SmallReport, as_csv, check, said
from scicity.domains.evidence.models import Draft, Settlement
from scicity.domains.evidence.pages import asked, drafts
from scicity.records.models import Due

pytestmark = pytest.mark.django_db
FINDING = "/evidence/findings/said_twice.A1.A2/"
PAGES = [
    "/evidence/",
    FINDING,
    "/evidence/text/",
    "/evidence/text/?only=1",
    "/evidence/?kind=said_twice&severity=high&state=open",
]
BAD = [TWICE, AGAIN, {**WELL, "value": 4.0}]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return SmallReport(tmp_path_factory.mktemp("evidence"))


@pytest.fixture
def report(made, city):
    """The small report, served in place of the little city."""
    cities.use(cities.OpenCity(made.city.district, made.city.figures, settings.PLACE))
    roles.prepare()
    return made


def client(role: str | None = None, language: str = "zh") -> Client:
    found = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    if role is not None:
        person = Person.objects.create_user(f"{role}-1", password="x")
        if role:
            person.groups.add(Group.objects.get(name=role))
        found.force_login(person)
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_print_figures_alone(report, path, language, monkeypatch):
    kept = base.render_value_in_context

    def strict(value, context):
        assert not isinstance(value, (int, float, Decimal)) or isinstance(value, bool), f"{path} prints {value!r} bare"
        return kept(value, context)

    monkeypatch.setattr(base, "render_value_in_context", strict)
    answer = client(language=language).get(path)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "&lt;b&gt;" in text or "<b>余略" not in text, "the report's own signs are shown, not obeyed"
    assert "said_twice.A1.A2" in text


def test_the_text_marks_statements_and_findings_in_place(report):
    text = client().get("/evidence/text/").content.decode()
    assert re.search(
        r'id="L1" class=quoted.*?至年底，<mark class="found found-high" title="A1">70项建筑获得标识</mark><sup><a', text
    )
    assert re.search(
        r'id="L3"><span class="line-number">3</span><span><span class="claimed" title="A3">绿地率为40%</span>，&lt;b&gt;余略',
        text,
    )
    assert 'id="L3"' not in client().get("/evidence/text/?only=1").content.decode()


def test_filters_that_match_nothing_and_addresses_that_are_none(report):
    assert "没有符合的发现" in client().get("/evidence/?kind=date").content.decode()
    for query in ("?page=999999999", "?page=x", "?kind=%00", "?state=%F0%9F%98%80"):
        assert client().get(f"/evidence/{query}").status_code == 200
    for path in ("findings/none/", "findings/said_twice.A1.A2%27--/", "draft/7/"):
        assert client("officer" if "draft" in path else None).get(f"/evidence/{path}").status_code == 404


def test_who_has_the_right_settles_with_words_and_it_stands_in_the_audit_trail(report):
    sent = {"settlement": "correction", "note": "ask the building office"}
    assert client().post(FINDING, sent).status_code == 403
    assert client("resident").post(FINDING, sent).status_code == 403
    officer = client("officer")
    assert officer.post(FINDING, {**sent, "note": " "}).status_code == 422
    assert officer.post(FINDING, {**sent, "settlement": "burn"}).status_code == 422
    assert Settlement.objects.count() == 0
    assert officer.post(FINDING, sent).status_code == 302
    one = Settlement.objects.get()
    assert (one.settlement, one.who, one.claims_digest) == (
        "correction",
        "officer-1",
        report.rows("finding")[0]["claims_digest"],
    )
    entry = AuditEntry.objects.filter(action="record-made").latest("pk")
    assert (entry.who_name, entry.after["settlement"], entry.after["because"]) == (
        "officer-1",
        "correction",
        "ask the building office",
    )
    assert Due.objects.get(table="evidence.settlement").changed == 1
    assert "已要求更正" in client().get(FINDING).content.decode()
    assert "没有符合的发现" in client().get("/evidence/?state=open").content.decode()
    assert officer.post(FINDING, {"settlement": "reopened", "note": "not so"}).status_code == 302
    assert Settlement.objects.count() == 1
    assert AuditEntry.objects.filter(action="record-changed").latest("pk").before["settlement"] == "correction"
    assert "said_twice.A1.A2" in client().get("/evidence/?state=open").content.decode()


def test_a_settled_finding_stays_settled_until_its_statements_change(tmp_path, city):
    report = SmallReport(tmp_path)
    (row,) = report.rows("finding")
    Settlement(
        finding=row["finding"], claims_digest=row["claims_digest"], settlement="accepted", note="two dates", who="w"
    ).save()
    report.write([{**TWICE, "section": "2"}, AGAIN, WELL])
    report.bring()
    assert asked.state_of(report.rows("finding")[0], asked.states())[0] == "accepted", "where it stands is not what it says"
    report.write([TWICE, {**AGAIN, "value": 54.0, "value_reported": "54", "quote_zh": "54项建筑获得标识"}, WELL])
    (report.folder / "statements" / "report.txt").write_text(
        "至年底，70项建筑获得标识。\n54项建筑获得标识。\n绿地率为40%\n", encoding="utf-8"
    )
    report.bring()
    (row,) = report.rows("finding")
    assert asked.state_of(row, asked.states())[0] == "changed"


def test_a_settlement_is_published_as_a_table(report):
    assert tables.SETTLEMENT.name == Settlement.TABLE
    record = Settlement(finding="f", claims_digest="d", settlement="note", note="n", who="w")
    record.save()
    assert record.row(tables.SETTLEMENT.columns) == {"finding": "f", "claims_digest": "d", "settlement": "note", "note": "n"}


def upload(who: Client, statements: bytes | str, text: bytes | str = "", **more: str):
    told = statements.encode() if isinstance(statements, str) else statements
    files = {"statements": SimpleUploadedFile("draft.csv", told)}
    if text:
        files["text"] = SimpleUploadedFile("draft.txt", text.encode() if isinstance(text, str) else text)
    return who.post("/evidence/draft/", {**files, **more})


def test_a_draft_is_checked_and_not_kept(report):
    assert upload(client(), as_csv(BAD)).status_code == 302, "to the login"
    officer = client("officer")
    answer = upload(officer, as_csv(BAD))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "70 ≠ 55" in text
    assert "40 × 1 = 40 ≠ 4 %" in text
    assert "3 条陈述，2 条发现" in text.replace("核对 ", "")
    assert Draft.objects.count() == 0
    few = ("subject_zh", "measure_en", "value", "unit", "value_reported", "unit_reported", "stated_period", "quote_zh")
    assert "70 ≠ 55" in upload(officer, as_csv(BAD, few)).content.decode(), "the rest may be left out"
    assert "没有发现" in upload(officer, as_csv([WELL])).content.decode()


def test_a_draft_is_checked_by_the_same_rules_as_what_was_published(report):
    bridge = said("B1", "（1447年）", "1447", 1447.0, "{year}", "construction_year", unit_reported="年", status="event")
    crowd = said("B2", "148184人", "148184", 148184.0, "{person}", "social_insurance_payers", unit_reported="人")
    assert check(bridge, crowd) == {}, "of several rows that fit, the first of the file counts"
    assert "没有发现" in upload(client("officer"), as_csv([bridge, crowd])).content.decode()


def test_a_draft_that_is_wanted_is_kept_and_thrown_away(report):
    officer = client("officer")
    kept = upload(officer, as_csv(BAD), "70项建筑获得标识\n55项建筑获得标识\n绿地率为40%", keep="1", name="Draft of May")
    assert kept.status_code == 302
    page = officer.get(kept["Location"]).content.decode()
    assert "Draft of May" in page
    assert "70 ≠ 55" in page
    assert client("leader").get(kept["Location"]).status_code == 403
    assert officer.post(kept["Location"]).status_code == 302
    assert Draft.objects.count() == 0
    assert upload(client("resident"), as_csv(BAD), keep="1").status_code == 403


HOSTILE = {
    "nothing": b"",
    "no header of ours": b"a,b\n1,2\n",
    "not UTF-8": "测".encode("gb18030") * 30,
    "NUL": b"subject_zh\x00,measure_en\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "broken quotes": as_csv(BAD).encode() + b'"' * 7 + b"x\n",
    "a value that is none": as_csv([{**WELL, "value": "=cmd|'/C calc'!A0"}]).encode(),
    "an infinite value": as_csv([{**WELL, "value": "1e999"}]).encode(),
    "a status of its own": as_csv([{**WELL, "status": "<script>"}]).encode(),
    "one id twice": as_csv([WELL, WELL]).encode(),
    "too many": as_csv([{**WELL, "claim_id": f"X{n}"} for n in range(drafts.MOST_STATEMENTS + 1)]).encode(),
    "too large": b"x" * (drafts.LARGEST + 1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_draft_gets_a_clear_answer(report, name):
    answer = upload(client("officer"), HOSTILE[name])
    text = answer.content.decode()
    assert answer.status_code == 422, text[:300]
    assert "found" in text
    assert "expected" in text
    assert "<script>" not in text.split("<main")[-1].replace('<script type="application/json">', "").split("</main>")[0]
    assert Draft.objects.count() == 0


def test_a_draft_of_scripts_and_patterns_is_shown_and_not_obeyed(report):
    rows = [
        {**TWICE, "subject_zh": "<script>alert(1)</script>", "quote_zh": "<img src=x onerror=alert(1)>70项"},
        {**AGAIN, "subject_zh": "<script>alert(1)</script>", "quote_zh": "[*?]55项", "measure_en": "labelled_building_count"},
    ]
    text = upload(client("officer"), as_csv(rows)).content.decode()
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;img" in text


def test_a_draft_of_two_thousand_like_statements_is_checked(report):
    rows = [
        {
            **TWICE,
            "claim_id": f"X{n}",
            "value": float(n),
            "value_reported": str(n),
            "quote_zh": f"{n}项建筑获得标识",
            "line": n % 3,
        }
        for n in range(drafts.MOST_STATEMENTS)
    ]
    answer = upload(client("officer"), as_csv(rows))
    assert answer.status_code == 200
    assert "另有" in answer.content.decode()
