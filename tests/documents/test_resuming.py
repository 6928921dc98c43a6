"""A file of 200 MB by a real server that is killed in its middle: it goes on where it ended, and memory stays bounded."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scicity.documents import keeping
from tests.access.postgres import Postgres
from tests.operation.running import HOME, environment, until

pytestmark = pytest.mark.slow
LENGTH = 200_000_000
SHORTER = 40_000_000  # where the same was shown with the whole length beside another database
PIECE = 1 << 20
HEAD = b"  0\nSECTION\n"
TOKEN = "a" * 32
CONTENT = "application/offset+octet-stream"
MOST_MEMORY = 64 << 20  # [bytes] more than the server has before; a piece and its buffers are a few MB


def content(first: int, last: int) -> Iterator[bytes]:
    """A part of a file that is the same each time, in pieces."""
    block = hashlib.shake_256(b"scicity").digest(PIECE // 2).hex().encode()
    at = first
    while at < last:
        within = at % PIECE
        piece = block[within : within + min(PIECE - within, last - at)]
        if at < len(HEAD):
            piece = (HEAD + block[len(HEAD) :])[at : at + len(piece)]
        yield piece
        at += len(piece)


class Served:
    """A server with its own state, in a process group of its own; `length` is that of a file that is sent to it."""

    length = LENGTH

    def __init__(self, root: Path, folder: Path, **settings: str) -> None:
        self.state = root / "state"
        told = {"SCICITY_DISTRICT": str(folder), "SCICITY_SERVED_FOR_DOCUMENTS": "1", **settings}
        self.environment = environment(self.state, **told)
        self.environment["PYTHONPATH"] = f"{HOME / 'src'}:{HOME}"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "tests.documents.served", "prepare"]
        said = subprocess.run(command, cwd=HOME, env=self.environment, capture_output=True, text=True, check=True).stdout
        self.sessions = json.loads(said.splitlines()[-1])
        self.log = (root / "log").open("ab")
        self.begin()

    def begin(self) -> None:
        """Returns when it answers."""
        command = [sys.executable, "-m", "tests.documents.served", str(self.port)]
        told = {"cwd": HOME, "env": self.environment, "start_new_session": True, "stdout": self.log, "stderr": self.log}
        self.process = subprocess.Popen(command, **told)
        until(self._answers, "the server answers")

    def kill(self) -> None:
        """As a power cut would, but for what the system has not written yet."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        until(lambda: not self._answers(), "the server is gone")

    def headers(self, who: str = "wang") -> dict[str, str]:
        """Of a request of somebody."""
        cookie = f"sessionid={self.sessions[who]}; csrftoken={TOKEN}"
        return {"Cookie": cookie, "X-CSRFToken": TOKEN, "Tus-Resumable": "1.0.0"}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """An answer: status, headers in small letters, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers={**self.headers(), **told})
        answer = connection.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return found

    def begun(self, path: str, at: int, length: int) -> socket.socket:
        """A connection on which a piece was announced."""
        connection = socket.create_connection(("127.0.0.1", self.port), 120)
        told = {**self.headers(), "Host": "localhost", "Upload-Offset": str(at), "Content-Type": CONTENT}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**told, "Content-Length": str(length)}.items())
        connection.sendall(f"PATCH {path} HTTP/1.1\r\n{lines}\r\n".encode())
        return connection

    def offset(self, path: str) -> int:
        """How far an upload has come."""
        status, headers, _ = self.ask("HEAD", path)
        assert status == 200
        return int(headers["upload-offset"])

    def memory(self) -> int:
        """The most [bytes] that its processes had, by the kernel's account of each."""
        found = 0
        for each in Path("/proc").glob("[0-9]*/stat"):
            try:
                group = int(each.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[2])
                if group == self.process.pid:
                    status = (each.parent / "status").read_text(encoding="utf-8")
                    found += 1024 * int(status.partition("VmHWM:")[2].split()[0])
            except (OSError, IndexError, ValueError):
                continue
        return found

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


@pytest.fixture
def served(tmp_path: Path, folder: Path) -> Iterator[Served]:
    """A server with its records in a file."""
    made = Served(tmp_path, folder)
    yield made
    made.kill()
    made.log.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Served]:
    """A server for the tests of a module that neither kill it nor measure it."""
    made = Served(tmp_path_factory.mktemp("shared"), folder)
    yield made
    made.kill()
    made.log.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path, folder: Path) -> Iterator[Served]:
    """A server, with its records in either database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("served")
        return
    cluster: Postgres = request.getfixturevalue("postgres")
    made = Served(tmp_path, folder, SCICITY_DATABASE=cluster.database(f"uploads_{secrets.token_hex(4)}"))
    made.length = SHORTER
    yield made
    made.kill()
    made.log.close()


def begun(served: Served, length: int) -> str:
    """The path of a new upload."""
    told = {"filename": "总图.dxf", "subject": "energy.case:wang-1", "kind": "drawing"}
    coded = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
    status, headers, said = served.ask("POST", "/documents/uploads/", Upload_Length=str(length), Upload_Metadata=coded)
    assert status == 201, said
    return headers["location"]


def test_two_hundred_megabytes_go_on_where_a_killed_server_ended(either: Served) -> None:
    length, whole = either.length, hashlib.sha256()
    first, second = length * 3 // 10, length * 65 // 100
    for piece in content(0, length):
        whole.update(piece)
    path = begun(either, length)
    either.ask("GET", "/documents/")  # so that what pages need is in memory
    before = either.memory()

    connection = either.begun(path, 0, length)  # cut by its sender
    for piece in content(0, first):
        connection.sendall(piece)
    connection.close()
    until(lambda: either.offset(path) == first, "what came before the cut is kept")

    connection = either.begun(path, first, length - first)  # cut by a server that is killed
    for piece in content(first, second):
        connection.sendall(piece)
    until(lambda: either.offset(path) > second - 12_000_000, "much of it is acknowledged")
    acknowledged, grown = either.offset(path), either.memory() - before
    either.kill()
    connection.close()
    either.begin()
    at = either.offset(path)
    assert acknowledged <= at <= second, "what was acknowledged is there after the kill"

    took = time.perf_counter()
    status, headers, said = either.ask(
        "PATCH", path, content(at, length), Upload_Offset=str(at), Content_Type=CONTENT, Content_Length=str(length - at)
    )
    took = time.perf_counter() - took
    assert status == 204 and headers["upload-offset"] == str(length), said
    kept = keeping.path_of(either.state / "small", whole.hexdigest())
    with kept.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == whole.hexdigest()
    print(
        f"\nmemory grew by {grown / 2**20:.1f} MiB; the last {(length - at) / 1e6:.0f} MB took {took:.1f} s with looking at it"
    )
    assert grown < MOST_MEMORY
    status, headers, got = either.ask("GET", f"{headers['document-location']}1/")
    assert status == 200 and hashlib.sha256(got).hexdigest() == whole.hexdigest()
    assert either.memory() < before + 2 * MOST_MEMORY


def test_a_connection_that_nobody_knows_to_be_dead_is_overtaken(either: Served) -> None:
    path = begun(either, 3 * PIECE)
    dead = either.begun(path, 0, 3 * PIECE)
    dead.sendall(b"".join(content(0, 10_000)))
    turn = either.state / "small" / keeping.UPLOADS / f"{path.rpartition('/')[2]}.turn"
    until(turn.exists, "it has its turn")
    status, headers, said = either.ask("PATCH", path, b"".join(content(0, PIECE)), Upload_Offset="0", Content_Type=CONTENT)
    assert (status, headers["upload-offset"]) == (204, str(PIECE)), said
    dead.sendall(b"!" * (3 * PIECE - 10_000))
    assert b" 423 " in dead.recv(100)
    dead.close()
    rest = b"".join(content(PIECE, 3 * PIECE))
    status, headers, said = either.ask("PATCH", path, rest, Upload_Offset=str(PIECE), Content_Type=CONTENT)
    assert status == 204 and "document-location" in headers, said


def test_many_who_say_that_much_will_come_do_not_stop_the_cockpit(shared: Served) -> None:
    path = begun(shared, LENGTH)
    silent = [shared.begun(path, 0, LENGTH) for _ in range(16)]
    assert shared.ask("GET", "/healthz")[0] == 200 and shared.ask("GET", "/documents/")[0] == 200
    for connection in silent:
        connection.close()
    until(lambda: shared.ask("PATCH", path, b"x", Upload_Offset="0", Content_Type=CONTENT)[0] == 204, "they are forgotten")
