"""Documents: kept in versions that are never overwritten, had by those who may and nobody else, saved and never shown."""

from __future__ import annotations

import hashlib
import io
import stat
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from tests.documents import files

from scicity import documents
from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import AuditEntry, Person
from scicity.documents import entitlement, keeping
from scicity.documents.models import Document, Version
from scicity.kernel.problems import Refused

pytestmark = pytest.mark.django_db
MINE, THEIRS = "energy.case:wang-1", "energy.case:li-1"


def somebody(name: str) -> Person:
    return Person.objects.create_user(name)


def browser_of(person: Person, language: str = "en") -> Client:
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    browser.force_login(person)
    return browser


def file_of(content: bytes, name: str) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def test_a_file_is_kept_once_by_its_content_closed_to_others_and_in_the_trail(owner):
    wang = somebody("wang")
    version = documents.attach(wang, MINE, "drawing", "日照分析", file_of(files.PDF, "C:\\a\\..\\日照.pdf"), note="as\nsent")
    assert (version.number, version.name, version.media_type, version.size) == (
        1,
        "日照.pdf",
        "application/pdf",
        len(files.PDF),
    )
    assert version.sha256 == hashlib.sha256(files.PDF).hexdigest() and version.note == "as sent" and version.who == wang
    place = keeping.path_of(settings.PLACE.state, version.sha256)
    assert place.read_bytes() == files.PDF and stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700 and not list((settings.PLACE.state / "uploads").glob("form-*"))
    again = documents.attach(wang, MINE, "drawing", "", file_of(files.PDF, "x.pdf"))
    assert again.document != version.document and again.document.title == "x.pdf" and again.sha256 == version.sha256
    told = list(AuditEntry.objects.filter(subject__contains="documents.").values_list("action", flat=True))
    assert told == ["record-made"] * 4


def test_a_version_follows_another_and_neither_is_changed_or_deleted(owner):
    wang = somebody("wang")
    first = documents.attach(wang, MINE, "drawing", "plan", file_of(files.PDF, "a.pdf"))
    second = documents.attach(wang, MINE, "drawing", "", file_of(files.png(), "a.png"), document=first.document)
    assert (second.document, second.number, first.document.latest) == (first.document, 2, second)
    first.name = "b.pdf"
    for act in (first.save, first.delete):
        with pytest.raises(ValueError, match="never"):
            act()
    for act in (lambda: Version.objects.update(name="x"), Version.objects.all().delete):
        with pytest.raises((TypeError, ValueError)):
            act()
    with pytest.raises(Exception, match="protected"):
        first.document.delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        Version.objects.model.save_base(
            Version(document=first.document, number=2, name="c", size=1, sha256="0" * 64, at=first.at), raw=True
        )


def test_a_version_of_another_subject_or_of_a_withdrawn_document_is_refused(owner):
    wang, li = somebody("wang"), somebody("li")
    theirs = documents.attach(li, THEIRS, "drawing", "plan", file_of(files.PDF, "a.pdf")).document
    with pytest.raises(Refused, match="document-place"):
        documents.attach(wang, MINE, "drawing", "", file_of(files.PDF, "a.pdf"), document=theirs)
    theirs.state = "withdrawn"
    theirs.save()
    with pytest.raises(Refused, match="withdrawn"):
        documents.attach(li, THEIRS, "drawing", "", file_of(files.PDF, "a.pdf"), document=theirs)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.pdf", b"", "document-size"),
        ("a.pdf", b"MZ" + bytes(100), "document-type"),
        ("a.exe", files.PDF, "document-type"),
        ("a.pdf", files.png(), "document-type"),
        ("a.docx", files.zipped({"a": b"a"}), "document-type"),
        ("a.docx", files.docx(**{"word/vbaProject.bin": b"x"}), "document-content"),
        ("a.zip", files.zipped({"a": bytes(3_000_000)}), "document-content"),
    ],
)
def test_what_is_not_taken_has_its_problem_and_leaves_nothing(name, content, code, owner):
    with pytest.raises(Refused) as refused:
        documents.attach(somebody("wang"), MINE, "drawing", "plan", file_of(content, name))
    assert [problem.code for problem in refused.value.problems] == [code]
    assert not Document.objects.exists() and not list((settings.PLACE.state / "uploads").glob("form-*"))


def test_kinds_and_subjects_that_are_none_are_refused(owner):
    wang = somebody("wang")
    with pytest.raises(Refused, match="kind"):
        documents.attach(wang, MINE, "Drawing<script>", "plan", file_of(files.PDF, "a.pdf"))
    for subject in ("energy", "energy.case", "nowhere.case:wang", "energy.case:wang\n", "cockpit.case:wang", "", "e.c:../wang"):
        with pytest.raises(PermissionDenied):
            documents.attach(wang, subject, "drawing", "plan", file_of(files.PDF, "a.pdf"))


def test_a_file_larger_than_the_rules_say_is_refused_before_it_is_read_whole(owner, city, monkeypatch):
    monkeypatch.setitem(city.district.settings, "documents", {"size_mb": 1})

    class Endless:
        name = "a.pdf"
        given = 0

        def read(self, size):
            self.given += size
            return bytes(size)

    endless = Endless()
    with pytest.raises(Refused, match="document-size"):
        documents.attach(somebody("wang"), MINE, "drawing", "plan", endless)
    assert endless.given < 4_000_000


def test_nobody_may_by_default_and_only_true_is_yes(owner, monkeypatch):
    wang, gone = somebody("wang"), somebody("wang-gone")
    gone.is_active = False
    root = Person.objects.create_superuser("root")
    assert entitlement.may_read(wang, MINE) and entitlement.may_write(wang, MINE)
    assert not any(entitlement.may_read(person, MINE) for person in (root, gone, None, SimpleNamespace(is_authenticated=False)))
    assert not entitlement.may_read(wang, "carbon.case:wang") and not entitlement.may_read(wang, "os.path:wang")
    for answer in (1, "yes", [1], None):
        owner.may_read = lambda person, subject, answer=answer: answer
        assert not entitlement.may_read(wang, MINE)

    def lost(person, subject):
        raise Person.DoesNotExist

    owner.may_read = lost
    assert not entitlement.may_read(wang, MINE)


def test_only_those_entitled_have_it_and_it_is_saved_and_never_shown(owner):
    wang, li = somebody("wang"), somebody("li")
    version = documents.attach(wang, MINE, "drawing", "plan", file_of(files.PDF, '图 "1".pdf'))
    path = f"/documents/{version.document_id}/1/"
    answer = browser_of(wang).get(path)
    assert b"".join(answer.streaming_content) == files.PDF and answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment;") and "\n" not in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert AuditEntry.objects.filter(action="document-read", who_name="wang").count() == 1
    kept = browser_of(wang).get(path, HTTP_IF_NONE_MATCH=answer.headers["ETag"])
    assert kept.status_code == 304
    others = browser_of(li)
    asked = [path, f"/documents/{version.document_id}/", f"/documents/of/{MINE}/", "/documents/999/", f"/documents/{2**70}/"]
    assert [others.get(each).status_code for each in asked] == [404] * 5
    assert others.get(path, HTTP_IF_NONE_MATCH=answer.headers["ETag"]).status_code == 404
    assert others.post(f"/documents/{version.document_id}/", {"act": "withdraw"}).status_code == 404
    assert "plan" not in others.get("/documents/").content.decode().partition("<main")[2]
    nobody = Client(SERVER_NAME="localhost")
    assert all(nobody.get(each).status_code == 302 for each in asked)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_pages_show_documents_their_versions_and_the_form(owner, language):
    wang = somebody("wang")
    version = documents.attach(wang, MINE, "drawing", "<b>plan</b>", file_of(files.PDF, "a.pdf"), note="<i>note</i>")
    browser = browser_of(wang, language)
    one = browser.get(f"/documents/{version.document_id}/").content.decode()
    assert "&lt;b&gt;plan" in one and "<b>plan" not in one and version.sha256 in one and "&lt;i&gt;note" in one
    many = browser.get(f"/documents/of/{MINE}/").content.decode()
    assert "&lt;b&gt;plan" in many and 'data-island="upload"' in many
    assert ("上传" if language == "zh-hans" else "Upload") in many
    assert "a.pdf" in browser.get("/documents/").content.decode()
    owner.may_write = lambda person, subject: False
    assert 'type="file"' not in browser.get(f"/documents/of/{MINE}/").content.decode()
    assert browser.post(f"/documents/{version.document_id}/", {"act": "withdraw"}).status_code == 403


def test_a_document_is_withdrawn_with_its_reason_and_brought_back(owner):
    wang = somebody("wang")
    document = documents.attach(wang, MINE, "drawing", "plan", file_of(files.PDF, "a.pdf")).document
    browser = browser_of(wang)
    browser.post(f"/documents/{document.pk}/", {"act": "withdraw", "reason": "superseded"})
    document.refresh_from_db()
    assert document.state == "withdrawn"
    entry = AuditEntry.objects.filter(action="record-changed").first()
    assert entry.after.pop("entered_at")
    assert entry.after == {"state": "withdrawn", "because": "superseded"} and entry.who_name == "wang"
    browser.post(f"/documents/{document.pk}/", {"act": "restore"})
    document.refresh_from_db()
    assert document.state == "current"


def test_the_plain_form_adds_a_file_and_tells_what_is_not_taken(owner):
    wang = somebody("wang")
    browser = browser_of(wang)
    told = {"subject": MINE, "kind": "drawing", "title": "plan", "next": f"/documents/of/{MINE}/"}
    page = browser.post("/documents/attach/", {**told, "file": SimpleUploadedFile("a.pdf", files.PDF)}, follow=True)
    assert "Added: plan" in page.content.decode()
    document = Document.objects.get()
    more = {**told, "document": document.pk, "file": SimpleUploadedFile("a.pdf", files.PDF)}
    browser.post("/documents/attach/", more)
    assert document.versions.count() == 2
    page = browser.post("/documents/attach/", {**told, "file": SimpleUploadedFile("a.pdf", b"MZ")}, follow=True)
    assert "document-type" in page.content.decode()
    elsewhere = {**told, "next": "https://evil.example/", "file": SimpleUploadedFile("a.pdf", files.PDF)}
    assert browser.post("/documents/attach/", elsewhere).headers["Location"] == f"/documents/of/{MINE}/"
    assert browser.post("/documents/attach/", {**told, "subject": THEIRS}).status_code == 403
    for number in ("999", "x", "-1", "9" * 30):
        answer = browser.post(
            "/documents/attach/", {**told, "document": number, "file": SimpleUploadedFile("a.pdf", files.PDF)}
        )
        assert answer.status_code == 404
    strict = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    strict.force_login(wang)
    assert strict.post("/documents/attach/", {**told, "file": SimpleUploadedFile("a.pdf", files.PDF)}).status_code == 403


def test_two_hundred_projects_with_a_thousand_documents_take_few_queries(owner, django_assert_max_num_queries):
    wang = somebody("wang")
    roles.prepare()
    made = [documents.attach(wang, MINE, "drawing", f"plan {n}", file_of(files.PDF, "a.pdf")) for n in range(40)]
    documents.attach(wang, MINE, "drawing", "", file_of(files.PDF, "a.pdf"), document=made[0].document)
    browser = browser_of(wang)
    cities.open_city()
    with django_assert_max_num_queries(12):
        browser.get(f"/documents/of/{MINE}/")
