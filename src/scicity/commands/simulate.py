"""Plays the devices of a district's connections on this machine, so that readings come where there is no hardware.

Only connections and datastreams that are registered as stand-in, at addresses of loopback; run it beside `up`.
"""

import asyncio
import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from scicity.commands import USUAL, Folder, Json, open_city, refuse, say, stop
from scicity.operation import logs

BEGINS = 30.0  # [s] until an outage
WITH_MEMORY = ("dlt645", "cjt188", "hj212")  # protocols whose devices remember what was missed
NONE = "nothing of this district is simulated; `scicity simulate --write FOLDER` writes one that is, with every protocol"


def run(
    folder: Folder = USUAL,
    write: Annotated[
        bool, typer.Option("--write", help="Write a stand-in district with every protocol to FOLDER first.")
    ] = False,
    cockpit: Annotated[
        str, typer.Option(help="Where `up` serves; devices that send by HTTP send there.")
    ] = "http://127.0.0.1:8000",
    outage: Annotated[
        float, typer.Option(help="Seconds that a connection's devices are silent, once, after half a minute.")
    ] = 0.0,
    as_json: Json = False,
) -> None:
    if write:
        _write(folder, as_json)
        return
    logs.begin("simulate")
    city = open_city(folder)
    os.environ["SCICITY_DISTRICT"] = str(city.folder.resolve())
    os.environ["SCICITY_STATE"] = str(city.state.parent.resolve())
    from scicity.access import simulating
    from scicity.access.collecting import Connection, Point
    from scicity.access.http.simulate import send
    from scicity.cockpit.first import make_device

    sources, problems = city.check()
    refuse(problems, as_json)
    streams = {
        row["datastream"]: simulating.Stream(
            row["datastream"], row["property"], row["unit"], timedelta(seconds=row["interval_seconds"]), row["origin"]
        )
        for row in sources["district.datastream"].to_pylist()
    }
    points: dict[str, list[Point]] = {}
    for row in sources["devices.point"].to_pylist():
        scale = 1.0 if row["scale"] is None else row["scale"]
        points.setdefault(row["connection"], []).append(Point(row["datastream"], row["item"], scale))
    connections, others = [], {}
    for row in sources["devices.connection"].to_pylist():
        interval = timedelta(seconds=row["interval_seconds"] or 60)
        own = tuple(points.get(row["connection"], ()))
        connection = Connection(row["connection"], row["protocol"], row["address"], interval, own)
        why = simulating.left_out(connection, row["origin"], streams)
        if why:
            others[connection.name] = why
        else:
            connections.append(connection)
    asked = frozenset(point.datastream for own in points.values() for point in own)
    world = simulating.World(streams, asked, password=_password)
    by_http = world.senders(by_http=True)
    if not connections and not by_http:
        stop(NONE + "".join(f"\n  {name}: {why}" for name, why in others.items()), as_json)
    playing = {each.protocol for each in connections}
    known = world.senders(by_http=False) if "mqtt" in playing else {}
    known |= world.stations() if "hj212" in playing else {}
    for name, own in known.items():
        make_device(name, own)
    credentials = {name: make_device(name, own) for name, own in by_http.items()}
    lines = [f"{each.name}: {each.protocol} at {each.address}" for each in connections]
    lines += [f"{name}: by HTTP to {cockpit}" for name in credentials]
    lines += [f"{name} is not simulated: {why}" for name, why in others.items()]
    told = {"simulated": [each.name for each in connections], "by_http": list(by_http), "not_simulated": others}
    say(told, "\n".join([*lines, "everything that they say is stand-in (Ctrl-C ends it)"]), as_json)
    remembering = [each.name for each in connections if each.protocol in WITH_MEMORY]
    more = [simulating.outage(world, remembering[:1], outage, BEGINS)] if outage > 0 and remembering else []
    try:
        asyncio.run(simulating.simulate(connections, world, send(cockpit, credentials, world), *more))
    except KeyboardInterrupt:
        logging.getLogger(__name__).info("ended")


def _password(name: str) -> str | None:
    return os.environ.get(_variable(name))


def _variable(connection: str) -> str:
    return "SCICITY_PASSWORD_" + connection.upper().replace("-", "_")


def _write(folder: Path, as_json: bool) -> None:
    """Writes the stand-in district; its name is that of the folder."""
    from scicity.commands.new import DASHED, rendered

    name = folder.resolve().name
    if not DASHED.fullmatch(name) or folder.exists():
        stop(f"{folder}: a folder that is not there yet, its name of small letters, digits and hyphens", as_json)
    words = {
        "domain": "",
        "name": name,
        "dashed": name,
        "zh": "替代示范区（全部模拟）",
        "en": "Stand-in district (all simulated)",
    }
    files = rendered("stand-in", folder, words)
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    steps = [
        f"export {_variable('stations')}=stand-in  (in both terminals)",
        f"./scicity up {folder}",
        f"./scicity simulate {folder}",
    ]
    text = "\n".join([f"written: {len(files)} files below {folder}", *(f"  {n}. {step}" for n, step in enumerate(steps, 1))])
    say({"written": [str(file) for file in files], "next": steps}, text, as_json)
