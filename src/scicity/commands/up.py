"""Loads a district, brings every figure up to date, serves the cockpit, and keeps what serves devices going beside it."""

import os
import sys

from scicity.commands import USUAL, Folder, Json, console, load, open_city, say
from scicity.commands.serve import Host, Port, Workers, prepare, refuse_taken, served
from scicity.operation import logs


def run(
    folder: Folder = USUAL, host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 1, as_json: Json = False
) -> None:
    refuse_taken(host, port, as_json)
    loaded, text = load.bring(folder, as_json)
    if not as_json:
        console.print(text, markup=False)
    city = open_city(folder)
    document, text = prepare(city, folder, host, port)
    say({"loaded": loaded, **document}, text, as_json)
    sys.stdout.flush()
    beside = [] if logs.in_json() else ["--log", str(city.state / "arrival.log")]
    arguments = ["--district", str(folder.resolve()), *served(host, port, workers), *beside]
    os.execv(sys.executable, [sys.executable, "-m", "scicity.operation.supervising", *arguments])  # noqa: S606  (our own)
