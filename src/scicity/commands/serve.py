"""Serves the cockpit and takes readings by HTTP, and nothing else: for machines on which each process is a service."""

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scicity.commands import USUAL, Folder, Json, open_city, say, stop

if TYPE_CHECKING:
    from scicity.city import City

LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  (compared with, never bound to unasked)
Host = Annotated[str, typer.Option(help="The address to serve at; 127.0.0.1 is this machine alone.")]
Port = Annotated[int, typer.Option(help="The port to serve at.", min=1, max=65535)]
Workers = Annotated[int, typer.Option(help="Processes that answer requests.", min=1, max=64)]


def run(
    folder: Folder = USUAL, host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 1, as_json: Json = False
) -> None:
    refuse_taken(host, port, as_json)
    document, text = prepare(open_city(folder), folder, host, port)
    say(document, text, as_json)
    sys.stdout.flush()
    command = [sys.executable, "-m", "scicity.operation.serving", *served(host, port, workers)]
    os.execv(sys.executable, command)  # noqa: S606  (our own server)


def served(host: str, port: int, workers: int) -> list[str]:
    """The arguments of the server."""
    return ["--host", host, "--port", str(port), "--workers", str(workers)]


def prepare(city: "City", folder: Path, host: str, port: int) -> tuple[dict[str, object], str]:
    """Names the places to the server that comes behind, and brings the records up to date; what to say of it."""
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
    return {"administrator": first, "address": address}, "\n".join(lines)


def refuse_taken(host: str, port: int, as_json: bool) -> None:
    """Ends the command where nothing can be served at that address, before any work is done."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            stop(f"cannot serve at {host}:{port} ({error.strerror}); choose another with --port", as_json)
