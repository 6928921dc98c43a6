"""Sends notices, reminds of what is due soon, and lets go of unfinished uploads, while whoever began it lives; `up` does."""

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
REMIND_EVERY = 720  # looks between two times at which reminders are looked for
LONGEST_ERROR = 300  # characters
log = logging.getLogger(__name__)


def run(
    once: Annotated[bool, typer.Option(help="Send what is due now, and end.")] = False,
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    logs.begin("notices")
    city = open_city(district)
    from scicity.access.storage import StorageRefused
    from scicity.cockpit.arriving import NOTICES, inbox_of
    from scicity.cockpit.city import OpenCity
    from scicity.cockpit.first import records_of
    from scicity.cockpit.place import Place

    place = replace(Place.of_environment(), district=city.folder.resolve(), state_root=city.state.parent.resolve())
    present(place.state)
    records_of(place)
    from django.db import close_old_connections
    from django.db.utils import OperationalError, ProgrammingError

    from scicity.documents.uploading import let_go
    from scicity.notices.reminding import remind
    from scicity.notices.sending import Sent, forget_letters, send_due

    served = OpenCity(city.district, city.figures, place)
    parent, look, waiting = os.getppid(), 0, threading.Event()
    begun, sent, told_of = datetime.now(UTC).isoformat(), 0, 0
    while True:
        done, gone, reminded, error = Sent(), 0, 0, ""
        try:
            close_old_connections()
            if look % REMIND_EVERY == 0:
                reminded = remind(served, datetime.now(UTC))
            done = send_due(datetime.now(UTC))
            if look % LET_GO_EVERY == 0:
                gone = let_go(datetime.now(UTC))
                forget_letters(datetime.now(UTC))
        except (OperationalError, ProgrammingError) as away:  # the database is away, or not prepared yet
            error = str(away).partition("\n")[0][:LONGEST_ERROR]
            log.warning("not now: %s", away)
        if done != Sent() or gone:
            log.info("sent %d, later %d, failed %d; unfinished uploads ended %d", done.sent, done.later, done.failed, gone)
        sent, told_of = sent + done.sent, told_of + reminded
        if once:
            document = {"sent": done.sent, "later": done.later, "failed": done.failed, "uploads_ended": gone}
            told = f"sent {done.sent}, to be tried again {done.later}, failed {done.failed}; ended {gone} uploads"
            say(document | {"reminded": reminded}, f"{told}; reminded {reminded}", as_json)
            return
        try:
            how = {"pid": os.getpid(), "begun": begun, "sent": sent, "reminded": told_of, "error": error}
            inbox_of(served).beat(NOTICES, datetime.now(UTC), how)
        except StorageRefused:
            log.exception("the inbox refuses")
        look += 1
        waiting.wait(EVERY)
        if os.getppid() != parent:
            return
