"""Sends the notices that are due and lets go of unfinished uploads, for as long as whoever began it lives; `up` begins it."""

import logging
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from scicity.commands import USUAL, District, Json, open_city, say
from scicity.operation import logs
from scicity.operation.presence import present

EVERY = 5.0  # [s] between two looks
LET_GO_EVERY = 120  # looks between two times at which unfinished uploads are let go of
log = logging.getLogger(__name__)


def run(
    once: Annotated[bool, typer.Option(help="Send what is due now, and end.")] = False,
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    logs.begin("notices")
    city = open_city(district)
    from scicity.cockpit.first import records_of
    from scicity.cockpit.place import Place

    place = replace(Place.of_environment(), district=city.folder.resolve(), state_root=city.state.parent.resolve())
    present(place.state)
    records_of(place)
    from django.db import close_old_connections
    from django.db.utils import OperationalError, ProgrammingError

    from scicity.documents.uploading import let_go
    from scicity.notices.sending import Sent, forget_letters, send_due

    parent, look, waiting = os.getppid(), 0, threading.Event()
    while True:
        done, gone = Sent(), 0
        try:
            close_old_connections()
            done = send_due(datetime.now(UTC))
            if look % LET_GO_EVERY == 0:
                gone = let_go(datetime.now(UTC))
                forget_letters(datetime.now(UTC))
        except (OperationalError, ProgrammingError) as error:  # the database is away, or not prepared yet
            log.warning("not now: %s", error)
        if done != Sent() or gone:
            log.info("sent %d, later %d, failed %d; unfinished uploads ended %d", done.sent, done.later, done.failed, gone)
        if once:
            document = {"sent": done.sent, "later": done.later, "failed": done.failed, "uploads_ended": gone}
            say(
                document,
                f"sent {done.sent}, to be tried again {done.later}, failed {done.failed}; ended {gone} uploads",
                as_json,
            )
            return
        look += 1
        waiting.wait(EVERY)
        if os.getppid() != parent:
            return
