"""Asks and listens to the devices of registers/connections.csv for as long as whoever began it lives; `up` begins it."""

import asyncio
import logging
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from scicity.commands import USUAL, District, Json, open_city, say
from scicity.operation import logs
from scicity.operation.presence import present

SPARE_SECONDS = 1.0  # between two looks at whether whoever began it lives
log = logging.getLogger(__name__)


def run(district: District = USUAL, as_json: Json = False) -> None:
    logs.begin("collect")
    city = open_city(district)
    os.environ["SCICITY_DISTRICT"] = str(city.folder.resolve())
    os.environ["SCICITY_STATE"] = str(city.state.parent.resolve())
    from scicity.access.collecting import Connection, Point
    from scicity.access.gathering import Desk, gather
    from scicity.access.storage import StorageRefused
    from scicity.cockpit.arriving import BEAT, COLLECTOR, inbox_of
    from scicity.cockpit.city import OpenCity
    from scicity.cockpit.first import prepare_records
    from scicity.cockpit.place import Place

    prepare_records()
    from scicity.cockpit.devices import named

    engine, catalog = city.computing.engine, city.catalog
    points: dict[str, list[Point]] = {}
    for row in engine.rows(catalog["devices.point"]).to_pylist():
        scale = 1.0 if row["scale"] is None else row["scale"]
        points.setdefault(row["connection"], []).append(Point(row["datastream"], row["item"], scale))
    connections = [
        Connection(
            row["connection"],
            row["protocol"],
            row["address"],
            timedelta(seconds=row["interval_seconds"] or 60),
            tuple(points.get(row["connection"], ())),
        )
        for row in engine.rows(catalog["devices.connection"]).to_pylist()
    ]
    told, line = {"connections": [each.name for each in connections]}, f"{len(connections)} connections"
    if as_json:
        say(told, line, as_json)
    else:
        log.info(line, extra={"told": told})
    place = replace(Place.of_environment(), district=city.folder.resolve(), state_root=city.state.parent.resolve())
    present(place.state)
    inbox = inbox_of(OpenCity(city.district, city.figures, place))
    desk = Desk(inbox, named, lambda name: os.environ.get("SCICITY_PASSWORD_" + name.upper().replace("-", "_")))

    async def gathering() -> None:
        parent, under_way = os.getppid(), asyncio.create_task(gather(connections, desk))
        how = {"connections": len(connections), "pid": os.getpid(), "begun": datetime.now(UTC).isoformat()}
        while os.getppid() == parent and connections:
            try:
                await asyncio.to_thread(inbox.beat, COLLECTOR, datetime.now(UTC), how)
            except StorageRefused:
                log.exception("the inbox refuses")
            for _ in range(round(BEAT / SPARE_SECONDS)):
                if os.getppid() == parent:
                    await asyncio.sleep(SPARE_SECONDS)
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)

    asyncio.run(gathering())
