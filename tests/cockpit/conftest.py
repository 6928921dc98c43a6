"""The cockpit over a little city; Django is set up for these tests alone."""

from __future__ import annotations

import atexit
import dataclasses
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(tempfile.mkdtemp(prefix="scicity-test-"))
atexit.register(shutil.rmtree, ROOT, ignore_errors=True)
os.environ["DJANGO_SETTINGS_MODULE"] = "scicity.cockpit.settings"
os.environ["SCICITY_DISTRICT"] = str(ROOT / "city" / "district")
os.environ["SCICITY_STATE"] = str(ROOT / "city" / "state")

_spec = importlib.util.spec_from_file_location("little_city", Path(__file__).with_name("little_city.py"))
little_city = sys.modules["little_city"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(little_city)
CITY = little_city.build(ROOT / "city")

import django  # noqa: E402  (its settings read the folders above)

django.setup()

from django.conf import settings  # noqa: E402
from django.db.backends.sqlite3.base import DatabaseWrapper  # noqa: E402

from scicity.cockpit import city as cities  # noqa: E402
from scicity.cockpit import scope  # noqa: E402

# A file, as in a running district: threads of a live server write beside each other, each by a connection of its own.
settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(ROOT / "records-of-tests.sqlite3")
_close = DatabaseWrapper.close
# What a test wrote goes with its transaction: who lets go of old connections meanwhile leaves that one, as one in memory.
DatabaseWrapper.close = lambda self: None if self.in_atomic_block else _close(self)  # type: ignore[method-assign]
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
]

_own = importlib.util.spec_from_file_location("sta", Path(__file__).with_name("sta.py"))
sta = sys.modules["sta"] = importlib.util.module_from_spec(_own)
_own.loader.exec_module(sta)


@pytest.fixture(autouse=True)
def city():
    """The little city, served."""
    # A worker of a parallel run has its settings from the process that started it, and the place that they name.
    served = dataclasses.replace(CITY, place=settings.PLACE)
    cities.use(served)
    scope._known.clear()  # it was of whichever city another test served at this place
    return served


@pytest.fixture(autouse=True)
def nothing_to_count():
    """What a test leaves to be counted ends with it: a timer, or the end of the process, would count in another database."""
    from scicity.cockpit.ogc import taking

    yield
    for timer in taking._waiting:
        timer.cancel()
    for left in (taking._waiting, taking._counted, taking._known):
        left.clear()


@pytest.fixture
def waiting(city, tmp_path, monkeypatch):
    """An inbox of its own behind the served city."""
    from scicity.access.inbox import Inbox
    from scicity.cockpit import arriving

    own = Inbox(tmp_path / "inbox.sqlite3")
    monkeypatch.setitem(arriving._inboxes, city.place, own)
    return own


@pytest.fixture
def service(waiting, db):
    """SensorThings, as a device that may send for `m/*` and `new-*` sees it."""
    from scicity.cockpit import devices

    return sta.Service(devices.make("roof-gateway", ["m/*", "new-*"]))


@pytest.fixture
def owner(monkeypatch):
    """The domain energy owns subjects of documents: what is called after a person is theirs."""
    from tests.documents.served import may

    from scicity.cockpit import discovery

    told = SimpleNamespace(may_read=may, may_write=may, page_of=lambda subject: "/energy/")
    usual = discovery.module
    monkeypatch.setattr(
        discovery, "module", lambda domain, name: told if (domain, name) == ("energy", "documents") else usual(domain, name)
    )
    return told


@pytest.fixture(scope="module")
def chromium():
    """A browser."""
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed")
    from playwright.sync_api import sync_playwright

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # the browser's loop runs in this thread, the pages in others
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()
