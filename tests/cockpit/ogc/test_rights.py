"""Who sees which layers and rows, on every address; and who is let in, by page, by password."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from scicity.cockpit.models import FailedLogin, Person
from scicity.cockpit.ogc import door

from .conftest import PASSWORD, Asking

pytestmark = pytest.mark.django_db


def basic(name: str, password: str = PASSWORD) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


PATHS = ["collections/pipes", "collections/pipes/items", "collections/pipes/items/w0", "collections/pipes/queryables",
         "collections/pipes/download.gpkg", "collections/pipes/download.geojsonl"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_layer_is_seen_by_its_roles_alone(people: dict[str, Person], path: str) -> None:
    for name, status in (("olga", 200), ("rita", 200), ("dan", 200), ("eve", 404)):
        assert Asking(people[name]).answer(path).status_code == status, name
    assert Asking().answer(path).status_code == 404


def test_lists_hold_what_may_be_seen(people: dict[str, Person]) -> None:
    for name, layers in (("olga", 3), ("eve", 2)):
        asking = Asking(people[name])
        assert len(asking.get("collections")["collections"]) == layers
        assert ("/collections/pipes/items" in asking.get("api")["paths"]) is (layers == 3)
        assert ("pipes" in asking.answer("", f="html").content.decode()) is (layers == 3)


@pytest.mark.parametrize(("name", "count"), [("olga", 100), ("dan", 100), ("rita", 90), ("eve", 90), ("", 90)])
def test_rows_are_seen_by_their_roles_alone(people: dict[str, Person], name: str, count: int) -> None:
    asking = Asking(people[name] if name else None)
    assert asking.get("collections/parcels/items", limit=1)["numberMatched"] == count
    assert len(asking.ids("parcels")) == count
    assert asking.answer("collections/parcels/items/p009").status_code == (200 if count == 100 else 404)
    lines = b"".join(asking.answer("collections/parcels/download.geojsonl").streaming_content).splitlines()
    assert len(lines) == count
    east = asking.get("collections/parcels")["extent"]["spatial"]["bbox"][0][2]
    assert east == pytest.approx(116.41 if count == 100 else 116.409, abs=1e-4)  # the last column is restricted


def test_tags_of_one_reader_are_not_those_of_another(people: dict[str, Person]) -> None:
    mine = Asking(people["olga"]).answer("collections/parcels/items").headers["ETag"]
    assert Asking(people["eve"]).answer("collections/parcels/items", headers={"if-none-match": mine}).status_code == 200


def test_a_program_shows_name_and_password(people: dict[str, Person]) -> None:
    asking = Asking()
    assert asking.get("collections/parcels/items", headers=basic("olga"), limit=1)["numberMatched"] == 100
    people["olga"].set_password("another long password")
    people["olga"].save()
    answer = asking.answer("collections/parcels/items", headers=basic("olga"))
    assert (answer.status_code, answer.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    assert asking.answer("", headers=basic("olga", "another long password")).status_code == 200
    people["olga"].is_active = False
    people["olga"].save()
    assert asking.answer("", headers=basic("olga", "another long password")).status_code == 401


def test_a_password_that_was_right_is_not_computed_again(people: dict[str, Person], monkeypatch: pytest.MonkeyPatch) -> None:
    asking, computed = Asking(), []
    usual = door.authenticate
    monkeypatch.setattr(door, "authenticate", lambda *args, **named: computed.append(1) or usual(*args, **named))
    for _ in range(3):
        asking.get("collections", headers=basic("olga"))
    assert computed == [1]
    asking.get("collections", 401, headers=basic("olga", "wrong"))
    assert computed == [1, 1]


def test_guessing_is_slowed_down(people: dict[str, Person], settings: Any) -> None:
    for _ in range(settings.FAILED_LOGINS_ALLOWED):
        assert Asking().answer("", headers=basic("olga", "wrong")).status_code == 401
    assert FailedLogin.objects.count() == settings.FAILED_LOGINS_ALLOWED
    answer = Asking().answer("", headers=basic("olga"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "900")


@pytest.mark.parametrize(
    "told",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"a\0:b\0").decode(),
    ],
)
def test_what_is_no_password_is_refused(db: None, told: str) -> None:
    assert Asking().answer("", headers={"authorization": told}).status_code == 401


def test_a_one_time_password_opens_nothing(people: dict[str, Person]) -> None:
    people["olga"].must_change_password = True
    people["olga"].save()
    assert Asking().answer("collections", headers=basic("olga")).status_code == 403


def test_where_the_map_is_not_public_nobody_is_told_anything(layered: Any, people: dict[str, Person]) -> None:
    layered.district.settings["public"] = {"pages": ["overview"]}
    try:
        for path in ("", "api", "collections", "collections/parcels/items", "collections/parcels/download.gpkg"):
            answer = Asking().answer(path)
            assert (answer.status_code, answer.headers["WWW-Authenticate"][:5]) == (401, "Basic")
            page = Asking().answer(path, headers={"accept": "text/html"})
            assert (page.status_code, page.headers["Location"][:16]) == (302, "/accounts/login/")
        assert Asking(people["eve"]).answer("collections").status_code == 200
        layered.district.settings["public"] = {"pages": ["map"]}
        assert Asking().answer("collections").status_code == 200
    finally:
        layered.district.settings.pop("public")


def test_what_is_kept_of_one_reader_is_not_shown_to_another(people: dict[str, Person]) -> None:
    """Queryables of restricted rows alone are for those who see all rows."""
    for name in ("dan", "eve", "dan"):
        told = Asking(people[name]).get("collections/parcels")
        assert told["extent"]["spatial"]["bbox"][0][2] == pytest.approx(116.41 if name == "dan" else 116.409, abs=1e-4)
        assert json.dumps(told).count("Secret") == 0
