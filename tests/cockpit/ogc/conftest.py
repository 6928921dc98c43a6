"""A city with layers, served in place of the little one; people who may more and less."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as served_settings
from django.test import Client, TestCase

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import Person
from scicity.cockpit.ogc import door, serving, taking
from scicity.cockpit.space import specs

from . import layered_city

PASSWORD = "a long password of nobody"
ROLES = {"olga": "officer", "rita": "reviewer", "dan": "data-officer", "eve": "resident"}


@pytest.fixture(scope="package")
def built(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The city, loaded once; tests that edit make one of their own."""
    return layered_city.build(tmp_path_factory.mktemp("layered"))


@pytest.fixture
def own(tmp_path: Path) -> Any:
    """A city for one test, which may change it."""
    return layered_city.build(tmp_path)


@pytest.fixture(autouse=True)
def layered(request: pytest.FixtureRequest, city: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serves the city with layers: the test's own where it asks for `own`."""
    found = request.getfixturevalue("own" if "own" in request.fixturenames else "built")
    served = dataclasses.replace(found, place=served_settings.PLACE)
    cities.use(served)
    monkeypatch.setattr(taking, "_later", lambda: None)
    for kept in (specs._specs, serving._followed, serving._kept, door._known):
        kept.clear()
    return served


@pytest.fixture
def people(db: None, settings: Any) -> dict[str, Person]:
    """An officer, a reviewer, a data officer, a resident."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    roles.prepare()
    found = {}
    for name, role in ROLES.items():
        person = found[name] = Person.objects.create_user(name, password=PASSWORD)
        person.groups.add(roles.Group.objects.get(name=role))
    return found


class Asking:
    """A client of the service: JSON in and out."""

    def __init__(self, person: Person | None = None) -> None:
        self.client = Client(SERVER_NAME="localhost", headers={"accept": "application/json"})
        if person is not None:
            self.client.force_login(person)

    def get(self, path: str, status: int = 200, **asked: Any) -> Any:
        """What is answered, as JSON."""
        answer = self.answer(path, **asked)
        assert answer.status_code == status, answer.content
        return json.loads(answer.content)

    def answer(self, path: str, **asked: Any) -> Any:
        """The answer of a GET below /ogc/; `bbox_crs=` asks for the parameter bbox-crs."""
        headers = asked.pop("headers", None)
        told = {re.sub("_(crs|lang)$", r"-\1", name): value for name, value in asked.items()}
        return self.client.get(f"/ogc/{path}", told, headers=headers)

    def ids(self, layer: str, **asked: Any) -> list[str]:
        """The features of a layer that fit, of one page."""
        return [each["id"] for each in self.get(f"collections/{layer}/items", **({"limit": 1000} | asked))["features"]]

    def send(self, method: str, path: str, told: Any = None, kind: str = "application/geo+json", **headers: str) -> Any:
        """The answer to what is sent."""
        body = told if isinstance(told, bytes) else b"" if told is None else json.dumps(told).encode()
        heads = {name.replace("_", "-"): value for name, value in headers.items()}
        with TestCase.captureOnCommitCallbacks(execute=True):
            return self.client.generic(method, f"/ogc/{path}", body, content_type=kind, headers=heads)


@pytest.fixture
def stranger(db: None) -> Asking:
    """Somebody without an account."""
    return Asking()


@pytest.fixture
def officer(people: dict[str, Person]) -> Asking:
    """An officer."""
    return Asking(people["olga"])


@pytest.fixture
def keeper(people: dict[str, Person]) -> Asking:
    """A data officer."""
    return Asking(people["dan"])
