"""The cockpit as it is served, with subjects that two invented people may write and read; for a server in its own process.

`python -m tests.documents.served PORT` serves; `python -m tests.documents.served prepare` makes the people and prints the
cookies of their sessions.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from types import SimpleNamespace

PEOPLE = ("wang", "li")


def may(person, subject: str) -> bool:
    """Whether the subject is theirs: `energy.case:wang` is Wang's."""
    return subject.partition(":")[2].startswith(person.username)


def give_subjects() -> None:
    """Has the domain energy own subjects."""
    from scicity.cockpit import discovery

    usual = discovery.module
    owner = SimpleNamespace(may_read=may, may_write=may, page_of=lambda subject: "/energy/")
    discovery.module = lambda domain, name: owner if (domain, name) == ("energy", "documents") else usual(domain, name)


def prepare() -> None:
    """People, and a session for each."""
    from scicity.cockpit.first import prepare_records

    prepare_records()
    from django.contrib.sessions.backends.db import SessionStore

    from scicity.cockpit.models import Person

    told = {}
    for name in PEOPLE:
        person = Person.objects.create_user(name, email=f"{name}@example.org", password="blue-lake-under-the-hill")
        session = SessionStore()
        session["_auth_user_id"] = str(person.pk)
        session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
        session["_auth_user_hash"] = person.get_session_auth_hash()
        session.save()
        told[name] = session.session_key
    print(json.dumps(told))


def serve(port: int) -> None:
    """Serves as `scicity.operation.serving` does."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    from scicity.cockpit.patience import THREADS

    Granian(
        "tests.documents.served:application",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare()
    else:
        serve(int(sys.argv[1]))
elif os.environ.get("SCICITY_SERVED_FOR_DOCUMENTS"):
    logging.raiseExceptions = False
    give_subjects()
    from scicity.cockpit.wsgi import application

    __all__ = ["application"]
