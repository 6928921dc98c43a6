"""Loads a district, brings every figure up to date, and serves the cockpit."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from scicity.commands import USUAL, Folder, Json, console, load, open_city, say, stop

LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  (compared with, never bound to unasked)


def run(
    folder: Folder = USUAL,
    host: Annotated[str, typer.Option(help="The address to serve at; 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to serve at.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes that answer requests.", min=1, max=64)] = 1,
    as_json: Json = False,
) -> None:
    refuse_taken(host, port, as_json)
    loaded, text = load.bring(folder, as_json)
    if not as_json:
        console.print(text, markup=False)
    city = open_city(folder)
    os.environ["SCICITY_DISTRICT"] = str(folder.resolve())
    os.environ["SCICITY_STATE"] = str(city.state.parent.resolve())
    if host not in LOOPBACK:
        os.environ.setdefault("SCICITY_HOSTS", "*" if host in EVERYWHERE else f"localhost,127.0.0.1,[::1],{host}")
    from scicity.cockpit.first import prepare_records

    made = prepare_records()
    address = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    lines = [f"administrator: name {made[0]}, password for the first login {made[1]}"] if made else []
    lines += [f"the cockpit of {city.district.name('en')} is at {address} (Ctrl-C ends it)"]
    first = {"name": made[0], "password": made[1]} if made else None
    say({"loaded": loaded, "administrator": first, "address": address}, "\n".join(lines), as_json)
    serve(host, port, workers, folder, city.state / "arrival.log")


def refuse_taken(host: str, port: int, as_json: bool) -> None:
    """Ends the command where nothing can be served at that address, before any work is done."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            stop(f"cannot serve at {host}:{port} ({error.strerror}); choose another with --port", as_json)


def serve(host: str, port: int, workers: int, folder: Path, arrival_log: Path) -> None:
    """Becomes the server, and begins beside it what moves arriving readings to the lake and what asks devices; they end with
    it. Each is a process of its own, for the lake's runtime does not survive the fork of a server's workers."""
    sys.stdout.flush()
    with arrival_log.open("ab") as log:
        for beside in ("arrive", "collect"):
            command = [sys.executable, "-m", "scicity", beside, "--district", str(folder)]
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603  (our own command)
    options = f"--interface wsgi --host {host} --port {port} --workers {workers} --blocking-threads 4".split()
    command = [sys.executable, "-m", "granian", *options, "--log-level", "warning", "scicity.cockpit.wsgi:application"]
    os.execv(sys.executable, command)  # noqa: S606  (our own server)
