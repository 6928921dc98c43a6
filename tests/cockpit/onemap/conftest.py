"""A city with a map, served in place of the little one."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.conf import settings as served_settings
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import Person
from scicity.cockpit.ogc import door, serving, taking
from scicity.cockpit.space import specs

from . import mapped_city


@pytest.fixture(scope="package")
def built(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The city, loaded once."""
    return mapped_city.build(tmp_path_factory.mktemp("mapped"))


@pytest.fixture(autouse=True)
def mapped(built: Any, city: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serves the city with a map."""
    served = dataclasses.replace(built, place=served_settings.PLACE)
    cities.use(served)
    monkeypatch.setattr(taking, "_later", lambda: None)
    for kept in (specs._specs, serving._followed, serving._kept, door._known):
        kept.clear()
    return served


@pytest.fixture(params=["zh", "en"])
def both(request: pytest.FixtureRequest, db: None) -> Client:
    """A reader of either language."""
    return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=request.param)


@pytest.fixture
def reader(db: None) -> Client:
    """A reader without an account."""
    return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")


@pytest.fixture
def officer(db: None) -> Client:
    """An officer."""
    roles.prepare()
    person = Person.objects.create_user("olga")
    person.groups.add(roles.Group.objects.get(name="officer"))
    found = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    found.force_login(person)
    return found
