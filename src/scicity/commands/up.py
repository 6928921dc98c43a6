"""Loads a district, brings every figure up to date, and serves the cockpit."""

import os
import socket
import sys
from typing import Annotated

import typer

from scicity.city import City
from scicity.commands import SAMPLE, Folder, Json, console, load


def run(
    folder: Folder = SAMPLE,
    host: Annotated[str, typer.Option(help="The address to serve at; 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to serve at.")] = 8000,
    as_json: Json = False,
) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            console.print(f"✗ cannot serve at {host}:{port} ({error.strerror}); choose another with --port", markup=False)
            raise typer.Exit(1) from None
    load.run(folder, as_json)
    city = City(folder)
    os.environ["SCICITY_DISTRICT"] = str(folder.resolve())
    os.environ["SCICITY_STATE"] = str(city.state.parent.resolve())
    if host not in ("127.0.0.1", "::1", "localhost"):
        os.environ.setdefault("SCICITY_HOSTS", f"localhost,127.0.0.1,[::1],{host}" if host != "0.0.0.0" else "*")  # noqa: S104
    from scicity.cockpit.first import prepare_records

    made = prepare_records()
    if made:
        console.print(f"administrator: name [b]{made[0]}[/b], password for the first login [b]{made[1]}[/b]")
    shown = f"[{host}]" if ":" in host else host
    console.print(f"the cockpit of {city.district.name('en')} is at http://{shown}:{port}/ (Ctrl-C ends it)", markup=False)
    arguments = [
        "--interface",
        "wsgi",
        "--host",
        host,
        "--port",
        str(port),
        "--blocking-threads",
        "4",
        "--log-level",
        "warning",
    ]
    # A process of its own: the lake's runtime does not survive the fork of a server's workers.
    command = [sys.executable, "-m", "granian", *arguments, "scicity.cockpit.wsgi:application"]
    os.execv(sys.executable, command)  # noqa: S606  (our own server)
