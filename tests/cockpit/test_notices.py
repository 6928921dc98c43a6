"""Notices: queued with what they tell, sent at least once with one Message-ID, tried again, shown; no header is smuggled in."""

from __future__ import annotations

import email
import email.policy
import smtplib
import socketserver
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.db import transaction
from django.test import Client

from scicity.cockpit import discovery, roles
from scicity.cockpit.models import Person
from scicity.kernel.problems import Problems
from scicity.notices import notify, sending
from scicity.notices.mailing import MailError, mail_settings, sender_of
from scicity.notices.models import Notice
from scicity.notices.queueing import cleaned
from scicity.notices.reminding import Reminder, days_of, remind

pytestmark = pytest.mark.django_db
ZH, EN = "材料退回\n请补充日照分析。", "Returned\nAdd the daylight study."


def somebody(name: str, address: str = "", **more: str) -> Person:
    return Person.objects.create_user(name, email=address, **more)


def browser_of(person: Person, language: str = "en") -> Client:
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    browser.force_login(person)
    return browser


def now(**later: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1, **later)


def test_a_letter_goes_to_each_in_their_language_and_once():
    wang, li = somebody("wang", "wang@example.org"), somebody("li", "li@example.org", language="en")
    silent, gone = somebody("silent"), somebody("gone", "gone@example.org", is_active=False)
    made = notify([wang, li, wang, silent, gone, None], "reviews.case:12", ZH, EN, "/reviews/cases/12/")
    assert [notice.person.username for notice in made] == ["wang", "li", "silent"]
    assert sending.send_due(now()).sent == 2 and sending.send_due(now(hours=9)).sent == 0
    first, second = mail.outbox
    assert (first.to, first.subject) == (["wang@example.org"], "小城：材料退回") and "请补充日照分析" in first.body
    assert (second.to, second.subject) == (["li@example.org"], "Little City: Returned") and "daylight" in second.body
    told = second.message()
    assert told["Message-ID"] == made[1].message_id and told["Auto-Submitted"] == "auto-generated"
    states = dict(Notice.objects.values_list("person__username", "state"))
    assert states == {"wang": "sent", "li": "sent", "silent": "page"}


def test_where_what_it_tells_fails_nobody_is_told():
    wang = somebody("wang", "wang@example.org")
    with pytest.raises(LookupError), transaction.atomic():
        notify([wang], "reviews.case:12", ZH, EN)
        raise LookupError
    assert not Notice.objects.exists() and sending.send_due(now()).sent == 0


@pytest.mark.parametrize(
    "about", ["https://evil.example/", "//evil.example/", "/\\evil", "javascript:alert(1)", "/a\r\nX: y", "a", "/a b"]
)
def test_a_notice_leads_to_a_page_of_ours_alone(about):
    with pytest.raises(ValueError, match="path"):
        notify([somebody("wang")], "reviews.case:12", ZH, EN, about)


def test_a_notice_needs_both_texts():
    for texts in (("", EN), (ZH, ""), (ZH, "\u200b\r\n")):
        with pytest.raises(ValueError, match="text"):
            notify([somebody(f"wang-{len(texts[0])}-{len(texts[1])}")], "", *texts)


def test_no_text_or_address_makes_a_header():
    wang = somebody("wang", "wang@example.org", language="en")
    hostile = "Returned\rBcc: all@example.org\nSubject: other\u2028X-Evil: 1\u202e\x00\n" + "x" * 9000
    notify([wang], "reviews.case:12\r\nBcc: a@example.org", hostile, hostile)
    assert sending.send_due(now()).sent == 1
    raw = mail.outbox[0].message().as_bytes()
    told = email.message_from_bytes(raw, policy=email.policy.default)
    expected = {"content-type", "mime-version", "content-transfer-encoding", "subject", "from", "to", "date", "message-id"}
    assert {name.lower() for name in told.keys()} == expected | {"auto-submitted", "content-language"}  # noqa: SIM118
    assert told["Subject"] == "Little City: Returned" and told["To"] == "wang@example.org"
    Person.objects.filter(pk=wang.pk).update(email="wang@example.org\r\nBcc: all@example.org")
    notify([Person.objects.get(pk=wang.pk)], "", ZH, EN)
    assert sending.send_due(now()).failed == 1 and len(mail.outbox) == 1
    assert "ValidationError" in Notice.objects.get(state="failed").failure


def test_a_text_is_cleaned_of_what_steers():
    assert cleaned("a\r\nb\rc\x1b[31m\u202e\u200bd\ud800") == "a\nb\nc[31md?"


class Refusing:
    """A connection that refuses as often as it is told, and then takes."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.sent = list(errors), []

    def open(self):
        """Nothing."""

    def close(self):
        """Nothing."""

    def send_messages(self, letters):
        """Raises the next error, or takes them."""
        if self.errors:
            raise self.errors.pop(0)
        self.sent += [letter.message()["Message-ID"] for letter in letters]
        return len(letters)


def test_what_fails_is_tried_again_later_each_time_and_in_the_end_shown(monkeypatch):
    wang = somebody("wang", "wang@example.org")
    notice = notify([wang], "", ZH, EN)[0]
    tries = len(sending.WAITS)
    connection = Refusing(*[OSError("no route; password=hunter2222")] * tries)
    monkeypatch.setattr(sending, "get_connection", lambda: connection)
    at, waits = now(), []
    for number in range(tries):
        done = sending.send_due(at)
        assert (done.later, done.failed) == ((1, 0) if number < tries - 1 else (0, 1))
        notice.refresh_from_db()
        waits.append(round((notice.due_at - at).total_seconds() / 60))
        assert sending.send_due(at) == sending.Sent(), "not before its time"
        at = notice.due_at
    assert tuple(waits) == sending.WAITS and notice.state == "failed"
    assert "no route" in notice.failure and "hunter2222" not in notice.failure
    sending.again(notice, at)
    assert sending.send_due(at).sent == 1 and connection.sent == [notice.message_id]


def test_an_address_that_the_server_does_not_know_is_not_tried_again(monkeypatch):
    refused = smtplib.SMTPRecipientsRefused({"wang@example.org": (550, b"no such user")})
    busy = smtplib.SMTPRecipientsRefused({"wang@example.org": (451, b"later")})
    connection = Refusing(busy, refused)
    monkeypatch.setattr(sending, "get_connection", lambda: connection)
    notify([somebody("wang", "wang@example.org")], "", ZH, EN)
    assert sending.send_due(now()).later == 1 and sending.send_due(now(minutes=2)).failed == 1


def test_one_letter_that_fails_keeps_no_other_back(monkeypatch):
    connection = Refusing(smtplib.SMTPDataError(554, b"no"))
    monkeypatch.setattr(sending, "get_connection", lambda: connection)
    notify([somebody(name, f"{name}@example.org") for name in ("wang", "li")], "", ZH, EN)
    done = sending.send_due(now())
    assert (done.sent, done.later) == (1, 1)


def test_a_process_that_dies_behind_the_sending_sends_again_with_the_same_message_id(monkeypatch):
    connection = Refusing()
    monkeypatch.setattr(sending, "get_connection", lambda: connection)
    notice = notify([somebody("wang", "wang@example.org")], "", ZH, EN)[0]
    with monkeypatch.context() as dying:
        dying.setattr(
            sending, "_sent", lambda notice, connection, at: connection.send_messages([sending.letter_of(notice)]) and 1 / 0
        )
        with pytest.raises(ZeroDivisionError):
            sending.send_due(now())
    assert sending.send_due(now()) == sending.Sent(), "another worker waits for the time of the next try"
    assert sending.send_due(now(minutes=2)).sent == 1
    assert connection.sent == [notice.message_id] * 2


def test_two_workers_do_not_take_one_letter():
    notice = notify([somebody("wang", "wang@example.org")], "", ZH, EN)[0]
    at = now()
    assert sending._taken(notice, at) and not sending._taken(notice, at)


def test_a_server_that_is_away_is_a_failure_of_each(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 2
    notify([somebody("wang", "wang@example.org")], "", ZH, EN)
    assert sending.send_due(now()).later == 1 and "refused" in Notice.objects.get().failure


def test_a_letter_goes_by_smtp(settings):
    received: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        """Speaks as much SMTP as a letter needs."""

        def handle(self):
            """One connection."""
            self.wfile.write(b"220 here\r\n")
            for line in self.rfile:
                if line.upper().startswith(b"DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    content = b""
                    while not content.endswith(b"\r\n.\r\n"):
                        content += self.rfile.readline()
                    received.append(content)
                elif line.upper().startswith(b"QUIT"):
                    self.wfile.write(b"221 bye\r\n")
                    return
                self.wfile.write(b"250 fine\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, value in mail_settings({"SCICITY_MAIL": f"smtp://127.0.0.1:{server.server_address[1]}?tls=no"}, None).items():
            setattr(settings, name, value)
        notice = notify([somebody("wang", "wang@example.org")], "", ZH, EN)[0]
        assert sending.send_due(now()).sent == 1
        server.shutdown()
    told = email.message_from_bytes(received[0], policy=email.policy.default)
    assert told["Message-ID"] == notice.message_id and told["From"] == "scicity@localhost" and "日照" in told.get_content()


def test_without_a_server_letters_are_files_that_others_cannot_read(settings, tmp_path):
    for name, value in mail_settings({}, tmp_path).items():
        setattr(settings, name, value)
    notify([somebody("wang", "wang@example.org")], "", ZH, EN)
    assert sending.send_due(now()).sent == 1
    file = next((tmp_path / "mail").iterdir())
    assert "wang@example.org" in file.read_text(encoding="utf-8")
    assert (tmp_path / "mail").stat().st_mode & 0o077 == 0
    sending.forget_letters(now(days=91))
    assert file.exists()
    sending.forget_letters(now(days=93))
    assert not file.exists()


def test_the_settings_of_mail():
    told = mail_settings({"SCICITY_MAIL": "smtp://notes%40a@mail.example.org", "SCICITY_PASSWORD_MAIL": "s"}, None)
    assert (told["EMAIL_HOST_USER"], told["EMAIL_HOST_PASSWORD"], told["EMAIL_PORT"]) == ("notes@a", "s", 587)
    assert (told["EMAIL_USE_TLS"], told["EMAIL_USE_SSL"]) == (True, False)
    told = mail_settings({"SCICITY_MAIL": "smtps://u:p@mail.example.org"}, None)
    assert (told["EMAIL_PORT"], told["EMAIL_USE_TLS"], told["EMAIL_USE_SSL"], told["EMAIL_HOST_PASSWORD"]) == (
        465,
        False,
        True,
        "p",
    )
    for wrong in ("mail.example.org", "http://a", "smtp://", "smtp://a:99999", "smtp://a?tls=maybe", "smtp://[a"):
        with pytest.raises(MailError):
            mail_settings({"SCICITY_MAIL": wrong}, None)
    assert sender_of({"notices": {"from": "notes@example.org"}}) == "notes@example.org"
    for wrong in ("a@b\r\nBcc: c", "nobody", 3, None):
        assert sender_of({"notices": {"from": wrong}}) == "scicity@localhost"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_page_shows_ones_own_and_marks_them(language):
    wang, li = somebody("wang"), somebody("li")
    mine = notify([wang], "", "退回<b>\n一", "Returned<b>\none", "/energy/")[0]
    theirs = notify([li], "", "别人", "theirs", "/energy/")[0]
    browser = browser_of(wang, language)
    page = browser.get("/notices/").content.decode()
    assert (
        ("退回&lt;b&gt;" if language == "zh-hans" else "Returned&lt;b&gt;") in page
        and "theirs" not in page
        and "别人" not in page
    )
    assert 'class="count"' in page
    assert browser.get(f"/notices/{mine.pk}/").headers["Location"] == "/energy/"
    mine.refresh_from_db()
    assert mine.read_at and 'class="count"' not in browser.get("/notices/").content.decode()
    browser.post("/notices/", {"act": "unread", "notice": mine.pk})
    mine.refresh_from_db()
    assert mine.read_at is None
    assert browser.get(f"/notices/{theirs.pk}/").status_code == 404
    for number in (theirs.pk, "x", "", "9" * 40):
        browser.post("/notices/", {"act": "read", "notice": number})
    browser.post("/notices/", {"act": "all"})
    mine.refresh_from_db(), theirs.refresh_from_db()
    assert mine.read_at and theirs.read_at is None
    assert Client(SERVER_NAME="localhost").get("/notices/").status_code == 302


def test_failures_are_shown_to_those_who_keep_the_data_and_tried_again():
    roles.prepare()
    keeper, wang = somebody("keeper"), somebody("wang", "no address")
    keeper.groups.add(Group.objects.get(name="data-officer"))
    notice = notify([wang], "", ZH, EN)[0]
    sending.send_due(now())
    page = browser_of(keeper).get("/notices/").content.decode()
    assert "could not be sent" in page and "ValidationError" in page
    assert "could not be sent" not in browser_of(wang).get("/notices/").content.decode()
    browser_of(wang).post("/notices/", {"act": "again", "notice": notice.pk})
    notice.refresh_from_db()
    assert notice.state == "failed"
    browser_of(keeper).post("/notices/", {"act": "again", "notice": notice.pk})
    notice.refresh_from_db()
    assert (notice.state, notice.tries) == ("waiting", 0)


def test_the_language_that_was_chosen_last_is_that_of_notices():
    wang = somebody("wang")
    browser_of(wang).post("/language/", {"language": "en", "next": "/"})
    wang.refresh_from_db()
    assert wang.language == "en"
    Client(SERVER_NAME="localhost").post("/language/", {"language": "en"})


def test_many_notices_are_shown_by_pages():
    wang = somebody("wang")
    for number in range(60):
        notify([wang], "", f"通知 {number}。", f"notice {number}.")
    browser = browser_of(wang)
    page = browser.get("/notices/").content.decode()
    assert "notice 59." in page and "notice 9." not in page
    older = page.partition("?before=")[2].partition('"')[0]
    assert "notice 9." in browser.get(f"/notices/?before={older}").content.decode()


def told(*names: str, once: str = "energy.duty:1") -> list[Reminder]:
    return [Reminder([Person.objects.get(username=name) for name in names], "energy.duty:1", ZH, EN, "/energy/", once)]


def test_nobody_is_reminded_twice_of_one_thing(city, monkeypatch):
    somebody("wang", "wang@example.org"), somebody("li", "li@example.org")
    asked = []
    people = ["wang"]

    def due(of, today, until):
        asked.append((of, (until - today).days))
        return told(*people)

    modules = {"energy": SimpleNamespace(due=due)}
    monkeypatch.setattr(discovery, "module", lambda domain, name: modules.get(domain) if name == "reminders" else None)
    assert (remind(city, now()), remind(city, now(hours=20))) == (1, 0)
    people.append("li")  # who is to be told too, later
    assert remind(city, now()) == 1 and sending.send_due(now()).sent == 2
    assert asked[0] == (city, 3) and {letter.to[0] for letter in mail.outbox} == {"wang@example.org", "li@example.org"}
    assert len(notify([Person.objects.get(username="wang")], "", ZH, EN)) == 1, "a notice without a name is always told"


def test_a_domain_that_fails_keeps_no_other_back(city, monkeypatch):
    somebody("wang")
    modules = {"carbon": SimpleNamespace(due=lambda *_: 1 / 0), "energy": SimpleNamespace(due=lambda *_: told("wang"))}
    monkeypatch.setattr(discovery, "module", lambda domain, name: modules.get(domain) if name == "reminders" else None)
    assert remind(city, now()) == 1


def test_a_district_says_how_long_before_and_may_have_none(city, monkeypatch):
    problems = Problems()
    assert (days_of({}), days_of({"notices": {"remind_days": 0}}), days_of({"notices": {"remind_days": 14}})) == (3, 0, 14)
    for wrong in (-1, 61, "3", 2.5, True, None):
        assert days_of({"notices": {"remind_days": wrong}}, problems) == 3
    assert len(problems) == 6 and {problem.field for problem in problems} == {"notices.remind_days"}
    monkeypatch.setitem(city.district.settings, "notices", {"remind_days": 0})
    somebody("wang")
    modules = {"energy": SimpleNamespace(due=lambda *_: told("wang"))}
    monkeypatch.setattr(discovery, "module", lambda domain, name: modules.get(domain) if name == "reminders" else None)
    assert remind(city, now()) == 0
