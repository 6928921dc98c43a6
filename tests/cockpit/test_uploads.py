"""Uploads in pieces by tus 1.0: they go on where they were cut and are their sender's alone, whatever is asked."""

from __future__ import annotations

import base64
import hashlib
import threading
import uuid
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from tests.documents import files

from scicity.cockpit.models import Person
from scicity.documents import keeping, uploading
from scicity.documents.models import Document, Upload
from scicity.documents.tus import Answer, metadata

pytestmark = pytest.mark.django_db
MINE, THEIRS = "energy.case:wang-1", "energy.case:li-1"
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
CONTENT = "application/offset+octet-stream"
DXF = files.DXF + b"  0\n" * 500


def somebody(name: str) -> Person:
    return Person.objects.create_user(name)


def browser_of(person: Person) -> Client:
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(person)
    return browser


def told(**values: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def begun(browser: Client, length: int = len(DXF), **more: str):
    values = {"filename": "图.dxf", "subject": MINE, "kind": "drawing", **more}
    return browser.post(
        "/documents/uploads/",
        b"",
        content_type=CONTENT,
        HTTP_UPLOAD_LENGTH=str(length),
        HTTP_UPLOAD_METADATA=told(**values),
        **TUS,
    )


def sent(browser: Client, path: str, at: object, content: bytes, **more: str):
    return browser.patch(path, content, content_type=CONTENT, HTTP_UPLOAD_OFFSET=str(at), **TUS, **more)


def test_what_is_understood_is_told_to_whoever_asks():
    answer = Client(SERVER_NAME="localhost").options("/documents/uploads/")
    assert answer.status_code == 204 and answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,checksum,expiration,termination"
    assert answer.headers["Tus-Max-Size"] == "500000000" and "sha1" in answer.headers["Tus-Checksum-Algorithm"]


def test_a_file_in_pieces_becomes_a_version_once(owner):
    browser = browser_of(somebody("wang"))
    made = begun(browser, title="平面图", note="first")
    path = made.headers["Location"]
    assert made.status_code == 201 and "Upload-Expires" in made.headers and made.headers["Tus-Resumable"] == "1.0.0"
    first = sent(browser, path, 0, DXF[:700])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "700") and not Document.objects.exists()
    head = browser.head(path, **TUS)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("700", str(len(DXF)))
    assert head.headers["Cache-Control"] == "no-store"
    last = sent(browser, path, 700, DXF[700:])
    document = Document.objects.get()
    assert last.headers["Document-Location"] == f"/documents/{document.pk}/" and document.title == "平面图"
    version = document.latest
    assert version.sha256 == hashlib.sha256(DXF).hexdigest() and version.name == "图.dxf" and version.note == "first"
    again = browser.head(path, **TUS)
    assert again.headers["Upload-Offset"] == str(len(DXF)) and document.versions.count() == 1
    assert browser.get(path).json()["version"]["sha256"] == version.sha256
    assert sent(browser, path, 5, b"x").status_code == 409
    assert not list((settings.PLACE.state / "uploads").glob(f"{path.rpartition('/')[2]}*"))
    second = begun(browser, document=str(document.pk))
    sent(browser, second.headers["Location"], 0, DXF)
    assert document.versions.count() == 2


def test_an_upload_that_came_whole_before_the_server_died_is_finished_when_it_is_asked_for(owner, monkeypatch):
    browser = browser_of(somebody("wang"))
    path = begun(browser).headers["Location"]
    with monkeypatch.context() as dying:
        dying.setattr(uploading, "finish", lambda upload: (_ for _ in ()).throw(uploading.Overtaken("died")))
        assert sent(browser, path, 0, DXF).status_code == 423
    assert not Document.objects.exists()
    assert "Document-Location" in browser.head(path, **TUS).headers and Document.objects.count() == 1


def test_behind_a_cut_the_part_file_may_hold_more_and_it_is_written_over(owner):
    browser = browser_of(somebody("wang"))
    path = begun(browser).headers["Location"]
    sent(browser, path, 0, DXF[:100])
    part = keeping.part_of(settings.PLACE.state, path.rpartition("/")[2])
    with part.open("ab") as file:
        file.write(b"never acknowledged" * 1000)
    sent(browser, path, 100, DXF[100:])
    assert Document.objects.get().latest.sha256 == hashlib.sha256(DXF).hexdigest()


def test_a_part_file_that_is_gone_is_told(owner):
    browser = browser_of(somebody("wang"))
    path = begun(browser).headers["Location"]
    sent(browser, path, 0, DXF[:100])
    part = keeping.part_of(settings.PLACE.state, path.rpartition("/")[2])
    part.write_bytes(b"short")
    assert browser.head(path, **TUS).status_code == 410
    assert sent(browser, path, 100, DXF[100:]).status_code == 410
    part.unlink()
    assert sent(browser, path, 100, DXF[100:]).status_code == 410


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_a_piece_that_is_not_what_its_sender_says_leaves_nothing(owner, digest):
    browser = browser_of(somebody("wang"))
    path = begun(browser).headers["Location"]
    right = f"{digest} {base64.b64encode(hashlib.new(digest, DXF[:600]).digest()).decode()}"
    wrong = sent(browser, path, 0, DXF[:599] + b"!", HTTP_UPLOAD_CHECKSUM=right)
    assert wrong.status_code == 460 and browser.head(path, **TUS).headers["Upload-Offset"] == "0"
    assert sent(browser, path, 0, DXF[:600], HTTP_UPLOAD_CHECKSUM=right).headers["Upload-Offset"] == "600"
    for header in ("md5 aaaa", "sha1", "sha1 ???", "sha256 YQ==", ""):
        assert sent(browser, path, 600, b"x", HTTP_UPLOAD_CHECKSUM=header).status_code == 400


def test_a_file_that_is_not_what_was_announced_is_not_taken(owner):
    browser = browser_of(somebody("wang"))
    path = begun(browser, sha256="0" * 64).headers["Location"]
    answer = sent(browser, path, 0, DXF)
    assert answer.status_code == 422 and "document-content" in answer.json()["en"] and "SHA-256" in answer.json()["zh"]
    assert browser.head(path, **TUS).status_code == 404 and not Document.objects.exists()


def test_a_content_that_pretends_is_refused_when_it_has_come(owner):
    browser = browser_of(somebody("wang"))
    content = b"MZ" + bytes(1000)
    path = begun(browser, len(content), filename="plan.pdf").headers["Location"]
    answer = sent(browser, path, 0, content)
    assert answer.status_code == 422 and not Document.objects.exists() and not Upload.objects.exists()


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"filename": "a.exe"}, 422),
        ({"filename": "..\\..\\a.exe\u202efdp."}, 422),
        ({"subject": THEIRS}, 403),
        ({"subject": "carbon.case:wang"}, 403),
        ({"subject": "energy.case:wang\nx"}, 400),
        ({"subject": "x" * 3000}, 400),
        ({"kind": "Drawing"}, 400),
        ({"document": "999"}, 400),
        ({"document": "-1"}, 400),
        ({"document": "9" * 40}, 400),
        ({"sha256": "zz"}, 400),
    ],
)
def test_a_creation_that_cannot_be_is_refused_and_keeps_nothing(owner, more, status):
    browser = browser_of(somebody("wang"))
    assert begun(browser, **more).status_code == status and not Upload.objects.exists()


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("", 400),
        ("-1", 400),
        ("1.5", 400),
        ("٣", 400),
        ("9" * 30, 400),
        ("0", 422),
        ("500000001", 413),
        ("9" * 15, 413),
        ("1e3", 400),
    ],
)
def test_lengths_that_cannot_be_are_refused(owner, length, status):
    browser = browser_of(somebody("wang"))
    values = {"filename": "a.dxf", "subject": MINE}
    answer = browser.post(
        "/documents/uploads/", b"", content_type=CONTENT, HTTP_UPLOAD_LENGTH=length, HTTP_UPLOAD_METADATA=told(**values), **TUS
    )
    assert answer.status_code == status and not Upload.objects.exists()
    deferred = browser.post(
        "/documents/uploads/",
        b"",
        content_type=CONTENT,
        HTTP_UPLOAD_DEFER_LENGTH="1",
        HTTP_UPLOAD_METADATA=told(**values),
        **TUS,
    )
    assert deferred.status_code == 400


@pytest.mark.parametrize(
    ("offset", "status"), [("", 400), ("-5", 400), ("7", 409), ("9" * 14, 413), ("9" * 40, 400), ("0x0", 400)]
)
def test_offsets_that_cannot_be_are_refused(owner, offset, status):
    browser = browser_of(somebody("wang"))
    path = begun(browser).headers["Location"]
    assert sent(browser, path, offset, b"x").status_code == status
    assert browser.head(path, **TUS).headers["Upload-Offset"] == "0"


def test_more_than_was_announced_is_refused(owner):
    browser = browser_of(somebody("wang"))
    path = begun(browser, 10).headers["Location"]
    assert sent(browser, path, 0, b"x" * 11).status_code == 413
    assert browser.head(path, **TUS).headers["Upload-Offset"] == "0"


def test_requests_that_are_no_protocol_get_an_answer(owner):
    browser = browser_of(somebody("wang"))
    path = begun(browser).headers["Location"]
    assert browser.head(path).status_code == 412 and browser.head(path, HTTP_TUS_RESUMABLE="0.2").status_code == 412
    assert browser.patch(path, b"x", content_type="text/plain", HTTP_UPLOAD_OFFSET="0", **TUS).status_code == 415
    assert browser.put(path, b"x", **TUS).status_code == 405 and browser.get("/documents/uploads/").status_code == 405
    assert browser.head(f"/documents/uploads/{uuid.uuid4()}", **TUS).status_code == 404
    assert browser.head("/documents/uploads/../../secret", **TUS).status_code == 404
    override = {"HTTP_X_HTTP_METHOD_OVERRIDE": "PATCH", "HTTP_UPLOAD_OFFSET": "0", **TUS}
    assert browser.post(path, DXF[:9], content_type=CONTENT, **override).headers["Upload-Offset"] == "9"


def test_others_uploads_are_not_there(owner):
    wang, li = browser_of(somebody("wang")), browser_of(somebody("li"))
    path = begun(wang).headers["Location"]
    answers = [li.head(path, **TUS), sent(li, path, 0, b"x"), li.delete(path, **TUS), li.get(path), li.post(f"{path}/discard")]
    assert [answer.status_code for answer in answers] == [404] * 5
    nobody = Client(SERVER_NAME="localhost")
    assert nobody.head(path, **TUS).status_code == 401 and begun(nobody).status_code == 401
    assert wang.head(path, **TUS).headers["Upload-Offset"] == "0"


def test_no_other_site_can_have_a_browser_send(owner):
    wang = somebody("wang")
    path = begun(browser_of(wang)).headers["Location"]
    strict = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    strict.force_login(wang)
    answers = [begun(strict), sent(strict, path, 0, b"x"), strict.delete(path, **TUS)]
    assert [answer.status_code for answer in answers] == [403] * 3
    strict.cookies["csrftoken"] = "a" * 32
    assert sent(strict, path, 0, b"x", HTTP_X_CSRFTOKEN="a" * 32).status_code == 204


def test_who_may_no_longer_write_when_it_has_come_adds_nothing(owner):
    browser = browser_of(somebody("wang"))
    path = begun(browser).headers["Location"]
    owner.may_write = lambda person, subject: False
    assert sent(browser, path, 0, DXF).status_code == 403
    assert not Document.objects.exists() and not Upload.objects.exists()


def test_an_upload_is_ended_or_runs_out_and_its_file_goes(owner):
    browser = browser_of(somebody("wang"))
    ended, discarded, late, strays = (begun(browser).headers["Location"] for _ in range(4))
    assert browser.delete(ended, **TUS).status_code == 204 and browser.head(ended, **TUS).status_code == 404
    assert browser.post(f"{discarded}/discard").status_code == 302 and browser.head(discarded, **TUS).status_code == 404
    now = timezone.now()
    Upload.objects.filter(pk=late.rpartition("/")[2]).update(until=now - timedelta(seconds=1))
    assert browser.head(late, **TUS).status_code == 410 and sent(browser, late, 0, b"x").status_code == 410
    stray = keeping.part_of(settings.PLACE.state, "form-of-one-who-died")
    stray.write_bytes(b"x")
    assert uploading.let_go(now) == 1 and uploading.let_go(now + timedelta(hours=2)) == 0
    assert not stray.exists() and browser.head(late, **TUS).status_code == 404
    assert keeping.part_of(settings.PLACE.state, strays.rpartition("/")[2]).exists(), "one that is under way stays"
    assert uploading.let_go(now + timedelta(hours=49)) == 1


def test_each_piece_gives_an_upload_new_time(owner):
    browser = browser_of(somebody("wang"))
    path = begun(browser).headers["Location"]
    pk = path.rpartition("/")[2]
    soon = timezone.now() + timedelta(minutes=1)
    Upload.objects.filter(pk=pk).update(until=soon)
    sent(browser, path, 0, b"x")
    assert Upload.objects.get(pk=pk).until > soon + timedelta(hours=40)


def test_one_person_has_only_so_many_under_way_and_the_disk_is_not_filled(owner, monkeypatch):
    browser = browser_of(somebody("wang"))
    for _ in range(uploading.MOST_UNFINISHED):
        assert begun(browser).status_code == 201
    assert begun(browser).status_code == 507
    Upload.objects.all().delete()
    monkeypatch.setattr(keeping, "room", lambda state: 1500 + len(DXF))
    assert begun(browser).status_code == 201
    assert begun(browser, 1501).status_code == 507, "what is announced already has its room"


def test_the_metadata_of_a_header_are_read_or_refused():
    assert metadata(told(filename="图 1.pdf", subject="")) == {"filename": "图 1.pdf", "subject": ""}
    assert metadata("") == {} and metadata("is_confidential") == {"is_confidential": ""}
    for header in ("a !!!", "a YQ==,a YQ==", "a /w==", "é YQ==", "a " + "YQ==" * 5000):
        with pytest.raises(Answer):
            metadata(header)


@pytest.mark.django_db(transaction=True)
def test_two_who_send_the_same_upload_at_once_keep_one_whole_file(owner, monkeypatch):
    """The one who came later has the turn; what the other still had on its way is not written."""
    browser = browser_of(somebody("wang"))
    path = begun(browser).headers["Location"]
    upload = Upload.objects.get(pk=path.rpartition("/")[2])
    begun_first, go_on, said = threading.Event(), threading.Event(), []

    def slowly():
        yield DXF[:50]
        begun_first.set()
        assert go_on.wait(60)
        yield b"!" * 500

    def first():
        try:
            uploading.receive(upload, 0, slowly())
        except uploading.UploadError as error:
            said.append(type(error))
        finally:
            connection.close()

    sender = threading.Thread(target=first)
    sender.start()
    assert begun_first.wait(60)
    assert sent(browser, path, 0, DXF[:900]).headers["Upload-Offset"] == "900"
    go_on.set()
    sender.join(60)
    assert said == [uploading.Overtaken]
    assert sent(browser, path, 900, DXF[900:]).status_code == 204
    assert Document.objects.get().latest.sha256 == hashlib.sha256(DXF).hexdigest()


def test_what_came_before_a_cut_is_kept(owner):
    browser = browser_of(somebody("wang"))
    upload = Upload.objects.get(pk=begun(browser, 10 << 20).headers["Location"].rpartition("/")[2])

    def cut():
        yield bytes(5 << 20)
        yield bytes(1000)
        raise OSError("the connection ended")

    with pytest.raises(OSError, match="ended"):
        uploading.receive(upload, 0, cut())
    upload.refresh_from_db()
    assert upload.offset == (5 << 20) + 1000
