"""Moves what arrives to the lake and heals, for as long as whoever began it lives; `up` begins it beside the cockpit."""

import logging
import os
from collections import Counter
from dataclasses import replace

from scicity.commands import USUAL, District, Json, open_city, say
from scicity.operation import logs
from scicity.operation.presence import present

log = logging.getLogger(__name__)


def run(district: District = USUAL, as_json: Json = False) -> None:
    logs.begin("arrive")
    city = open_city(district)
    from scicity.access.arrival import Moved
    from scicity.cockpit.arriving import Mover
    from scicity.cockpit.city import OpenCity
    from scicity.cockpit.first import records_of
    from scicity.cockpit.place import Place

    os.nice(10)  # those who send come first
    parent, total = os.getppid(), Counter[str]()

    def told(moved: Moved) -> None:
        total.update(moved.readings)
        held = sum(moved.held.values())
        line = f"to the lake: {sum(moved.readings.values()):,} readings; held: {held:,}"
        if as_json:
            say({"moved": moved.readings, "held": moved.held, "since": dict(total)}, line, as_json)
        else:
            log.info(line, extra={"told": {"moved": moved.readings, "held": moved.held}})

    place = replace(Place.of_environment(), district=city.folder.resolve(), state_root=city.state.parent.resolve())
    present(place.state)
    Mover(OpenCity(city.district, city.figures, place), records_of(place)).run(lambda: os.getppid() == parent, told)
