"""Accounts: the first start, the one-time password, roles, the trail, and guessing slowed down."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from scicity.cockpit import roles
from scicity.cockpit.models import AuditEntry, FailedLogin, Person

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-enough-secret"


@pytest.fixture
def browser():
    return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")


@pytest.fixture
def officer():
    return Person.objects.create_user("officer", password=PASSWORD)


def enter(browser, username, password):
    return browser.post("/accounts/login/", {"username": username, "password": password})


def test_the_first_start_makes_an_administrator_once():
    made = roles.prepare()
    assert made is not None
    assert roles.prepare() is None
    person = Person.objects.get(username=made.username)
    assert person.check_password(made.password) and person.must_change_password
    assert set(Group.objects.values_list("name", flat=True)) >= set(roles.ROLES)


def test_a_one_time_password_must_be_changed_first(browser):
    made = roles.prepare()
    assert enter(browser, made.username, made.password).status_code == 302
    assert browser.get("/data/")["Location"] == "/accounts/password/"
    assert browser.get("/admin/")["Location"] == "/accounts/password/"
    assert browser.get("/api/tables")["Location"] == "/accounts/password/"
    changed = {"old_password": made.password, "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert browser.post("/accounts/password/", changed).status_code == 302
    assert browser.get("/data/").status_code == 200
    assert AuditEntry.objects.filter(action="password-changed", who_name=made.username).exists()


@pytest.mark.parametrize("weak", ["short", "123456789012345", "administrator", "passwordpassword"[:8]])
def test_weak_passwords_are_refused(browser, weak):
    made = roles.prepare()
    enter(browser, made.username, made.password)
    answer = browser.post("/accounts/password/", {"old_password": made.password, "new_password1": weak, "new_password2": weak})
    assert answer.status_code == 200
    assert Person.objects.get(username=made.username).must_change_password


def test_guessing_is_slowed_down_and_written_down(browser, officer):
    for _ in range(settings.FAILED_LOGINS_ALLOWED):
        assert enter(browser, "officer", "wrong").status_code == 200
    answer = enter(browser, "officer", PASSWORD)
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 0
    assert "_auth_user_id" not in browser.session
    assert AuditEntry.objects.filter(action="login-failed", subject="officer").count() == settings.FAILED_LOGINS_ALLOWED


def test_a_good_login_forgets_failures(browser, officer):
    enter(browser, "officer", "wrong")
    assert enter(browser, "officer", PASSWORD).status_code == 302
    assert not FailedLogin.objects.filter(username="officer").exists()
    assert AuditEntry.objects.filter(action="login", who_name="officer").exists()


def test_role_changes_are_in_the_trail(officer):
    roles.prepare()
    officer.groups.add(Group.objects.get(name="leader"))
    entry = AuditEntry.objects.get(action="role-given", subject="officer")
    assert (entry.before, entry.after) == ({"roles": []}, {"roles": ["leader"]})
    officer.groups.remove(Group.objects.get(name="leader"))
    entry = AuditEntry.objects.get(action="role-taken", subject="officer")
    assert (entry.before, entry.after) == ({"roles": ["leader"]}, {"roles": []})


def test_the_trail_is_never_changed(officer):
    entry = AuditEntry.objects.filter(action="person-made").get(subject="officer")
    with pytest.raises(ValueError, match="never changed"):
        entry.save()
    with pytest.raises(ValueError, match="never deleted"):
        entry.delete()


def test_only_staff_see_the_admin(browser, officer):
    enter(browser, "officer", PASSWORD)
    assert browser.get("/admin/cockpit/person/").status_code == 302
    assert Client(SERVER_NAME="localhost").get("/admin/cockpit/person/").status_code == 302


def test_the_admin_can_be_used(browser):
    Person.objects.create_superuser("root", password=PASSWORD)
    enter(browser, "root", PASSWORD)
    for path in ("", "cockpit/person/", "cockpit/auditentry/", "auth/group/"):
        assert browser.get(f"/admin/{path}").status_code == 200
    assert browser.get("/admin/cockpit/auditentry/add/").status_code == 403


def test_forms_need_their_token(officer):
    strict = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    assert strict.post("/accounts/login/", {"username": "officer", "password": PASSWORD}).status_code == 403


def test_the_next_page_is_on_this_server(browser, officer):
    login = {"username": "officer", "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert browser.post("/accounts/login/", login)["Location"] == "/"
    chosen = browser.post("/language/", {"language": "en", "next": "//elsewhere.example/"})
    assert chosen["Location"] == "/"


def test_secrets_are_closed_to_others():
    assert (settings.PLACE.state / "secret").stat().st_mode & 0o777 == 0o600
    assert len(settings.SECRET_KEY) > 60
