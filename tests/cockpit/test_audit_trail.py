"""The audit trail as a chain: nothing in the program changes it; old entries were chained; its page and its table."""

from __future__ import annotations

import csv
import io
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from scicity.cockpit import audit, chain, roles, trail
from scicity.cockpit.models import AuditEntry, AuditHead, Person
from scicity.cockpit.views.audit_trail import _cell

pytestmark = pytest.mark.django_db


def browser_of(role: str, language: str = "en") -> Client:
    roles.prepare()
    person = Person.objects.create_user(f"{role}-chen")
    person.groups.add(Group.objects.get(name=role))
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    browser.force_login(person)
    return browser


def test_each_entry_follows_from_the_one_before():
    begun, before = trail.head()
    entries = [audit.write("tried", str(n), {"was": 1.0}, {"is": [1e5, float("nan")], "t": "a\0\ud800"}) for n in range(3)]
    assert [entry.number for entry in entries] == [begun + 1, begun + 2, begun + 3]
    assert [entry.previous for entry in entries] == [before, entries[0].digest, entries[1].digest]
    assert trail.head() == (entries[2].number, entries[2].digest) and trail.verified(before).fault is None
    kept = AuditEntry.objects.get(pk=entries[0].pk)
    assert kept.after == {"is": [100000, "nan"], "t": "a\ufffd?"} and kept.before == {"was": 1}


def test_hostile_names_are_written_down_and_the_chain_holds():
    browser = Client(SERVER_NAME="localhost", REMOTE_ADDR="2001:DB8:0:0::1")
    for name in ("a\0b", "x" * 5000, "<script>", "\u202e"):
        browser.post("/accounts/login/", {"username": name, "password": "no"})
    audit.write("tried", "s" * 5000, after={1: {2: object}, "deep": [[[{}]]]})
    assert trail.verified().fault is None and AuditEntry.objects.filter(action="login-failed").exists()


def test_the_program_changes_and_deletes_no_entry():
    entry = audit.write("tried")
    entry.subject = "other"
    for act in (entry.save, entry.delete):
        with pytest.raises(ValueError, match="never"):
            act()
    rows = AuditEntry.objects.filter(pk=entry.pk)
    for act in (
        lambda: rows.update(subject="x"),
        rows.delete,
        lambda: AuditEntry.objects.bulk_create([AuditEntry(action="x")]),
        lambda: AuditEntry.objects.bulk_update([entry], ["subject"]),
    ):
        with pytest.raises(TypeError):
            act()
    assert AuditEntry.objects.get(pk=entry.pk).subject == ""


def test_administrators_change_and_delete_no_entry_either():
    roles.prepare()
    root = Person.objects.create_superuser("root-two")
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(root)
    entry = audit.write("tried", "mine")
    place = f"/admin/cockpit/auditentry/{entry.pk}"
    assert browser.post(f"{place}/change/", {"subject": "other"}).status_code == 403
    assert browser.post(f"{place}/delete/", {"post": "yes"}).status_code == 403
    act = {"action": "delete_selected", "_selected_action": entry.pk, "post": "yes"}
    browser.post("/admin/cockpit/auditentry/", act)
    assert browser.get("/admin/cockpit/auditentry/add/").status_code == 403
    assert AuditEntry.objects.get(pk=entry.pk).subject == "mine" and trail.verified().fault is None


def test_an_account_that_goes_leaves_its_entries_and_the_chain_as_they_are():
    person = Person.objects.create_user("passing")
    entry = audit.write("tried", who=person)
    number = person.pk
    person.delete()
    kept = AuditEntry.objects.get(pk=entry.pk)
    assert (kept.who, kept.who_number, kept.who_name) == (None, number, "passing")
    assert trail.verified().fault is None


def test_an_entry_of_a_transaction_that_failed_leaves_no_gap():
    from django.db import transaction

    number, _ = trail.head()
    with pytest.raises(LookupError), transaction.atomic():
        audit.write("tried")
        raise LookupError
    assert audit.write("tried").number == number + 1 and trail.verified().fault is None


@pytest.mark.django_db(transaction=True)
def test_entries_from_before_the_chain_are_chained_in_their_order():
    executor = MigrationExecutor(connection)
    executor.migrate([("cockpit", "0003_enterprise")])
    old = executor.loader.project_state([("cockpit", "0003_enterprise")]).apps
    wang = old.get_model("cockpit", "Person").objects.create(username="wang")
    for number in range(5):
        old.get_model("cockpit", "AuditEntry").objects.create(
            who=wang, who_name="wang", action="tried", subject=str(number), after={"is": number / 3, "whole": 2.0}
        )
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    found = trail.verified()
    assert (found.entries, found.fault) == (5, None)
    told = list(AuditEntry.objects.order_by("number").values_list("number", "subject", "who_number"))
    assert told == [(n + 1, str(n), wang.pk) for n in range(5)] and audit.write("tried").number == 6


def test_one_who_writes_to_the_table_is_found_on_the_page():
    browser = browser_of("authority")
    entry = audit.write("tried", "mine")
    assert "The chain holds" in browser.post("/audit-trail/").content.decode()
    assert "The chain holds" in browser.post("/audit-trail/", {"head": entry.digest}).content.decode()
    assert "(removed)" in browser.post("/audit-trail/", {"head": "0" * 63 + "1"}).content.decode().replace("（", "(").replace(
        "）", ")"
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cockpit_auditentry SET subject = 'other' WHERE id = %s", [entry.pk])
    assert f"breaks at entry {entry.number}" in browser.post("/audit-trail/").content.decode()


@pytest.mark.parametrize(("role", "status"), [("authority", 200), ("administrator", 200), ("officer", 403), ("resident", 403)])
def test_the_page_is_for_administrators_and_the_authority(role, status):
    browser = browser_of(role)
    assert browser.get("/audit-trail/").status_code == status
    assert browser.post("/audit-trail/").status_code == status
    assert browser.get("/audit-trail/audit-trail.csv").status_code == status
    assert Client(SERVER_NAME="localhost").get("/audit-trail/").status_code == 302


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_page_shows_what_is_asked_for(language):
    browser = browser_of("authority", language)
    for number in range(120):
        audit.write("tried" if number % 2 else "asked", f"case {number}", {"title": "<b>old</b>"}, {"title": "新", "n": 3})
    page = browser.get("/audit-trail/").content.decode()
    assert "case 119" in page and "case 0<" not in page and "&lt;b&gt;old" in page and "<b>old" not in page
    assert ("链头" if language == "zh-hans" else "Head of the chain") in page
    oldest = AuditEntry.objects.filter(subject="case 20").get().number
    assert "case 19<" in browser.get(f"/audit-trail/?before={oldest}").content.decode()
    only = browser.get("/audit-trail/?action=tried&subject=case+11&who=&since=2020-01-01&until=2999-12-31").content.decode()
    assert "case 117" in only and "case 116" not in only and "case 11<" in only
    hostile = "/audit-trail/?before=9999999999999999999&since=x&until=0001-01-01&who=%00&action=%27&subject=%25"
    assert browser.get(hostile).status_code == 200


def test_the_table_has_every_entry_and_no_formula():
    browser = browser_of("authority")
    audit.write("tried", "=HYPERLINK(1)", None, {"title": "图"})
    answer = browser.get("/audit-trail/audit-trail.csv?action=tried")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert [row["subject"] for row in rows] == ["'=HYPERLINK(1)"] and rows[0]["after"] == '{"title": "图"}'
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert AuditEntry.objects.filter(action="audit-trail-read", who_name="authority-chen").exists()
    assert [_cell(text) for text in ("+1", "-1", "@a", "\ta", "a", None)] == ["'+1", "'-1", "'@a", "'\ta", "a", ""]


def test_the_head_is_one_row_and_its_columns_are_those_that_are_told():
    audit.write("tried")
    assert AuditHead.objects.count() == 1
    fields = {field.attname for field in apps.get_model("cockpit", "AuditEntry")._meta.concrete_fields}
    assert fields == {"id", "who_id", *chain.COLUMNS}
    entry = SimpleNamespace(**dict.fromkeys(chain.COLUMNS))
    assert set(chain.TOLD) < set(vars(entry))
