"""What dies is begun again, and nothing outlives the supervisor: with programs of one line, and with SciCity's own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from scicity.access.inbox import Inbox
from scicity.operation.supervising import FIRST_WAIT, LONGEST_WAIT, SOUND, Kept, keep, pause
from tests.access.broker import free_port
from tests.operation.running import begun, district, group, pid_of, until

FOR_EVER = [sys.executable, "-c", "import signal; signal.pause()"]
FAILS = [sys.executable, "-c", "raise SystemExit(3)"]
IS_DONE = [sys.executable, "-c", ""]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_the_pause_doubles_up_to_a_minute() -> None:
    assert [pause(deaths) for deaths in (0, 1, 2, 5, 6, 10_000)] == [FIRST_WAIT, 2.0, 4.0, 32.0, LONGEST_WAIT, LONGEST_WAIT]


def test_what_dies_is_begun_again_the_later_the_more_often_it_died() -> None:
    each, now = Kept("fails", FAILS), 1000.0
    for deaths in range(1, 4):
        assert each.look(now) is None and each.process is not None
        each.process.wait()
        assert each.look(now) == 3 and each.deaths == deaths
        assert each.due == now + pause(deaths - 1)
        assert each.look(now) is None and each.process is None  # not before it is due
        now = each.due or 0.0
    each.look(now)
    assert each.process is not None
    each.process.wait()
    each.look(now + SOUND)
    assert each.deaths == 1, "what lived long begins from the first pause"


def test_what_has_nothing_to_do_stays_ended() -> None:
    each = Kept("done", IS_DONE)
    each.look(0.0)
    assert each.process is not None
    each.process.wait()
    assert each.look(0.0) == 0
    assert each.look(1e9) is None and each.process is None


def test_all_end_with_the_server_and_with_its_status() -> None:
    beside = Kept("beside", FOR_EVER)
    assert keep([Kept("server", FAILS, vital=True), beside], threading.Event()) == 3
    assert beside.process is not None and beside.process.poll() == -signal.SIGTERM


def test_what_ignores_the_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scicity.operation.supervising.PATIENCE", 0.1)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); signal.pause()"
    each = Kept("deaf", [sys.executable, "-c", deaf])
    each.process = subprocess.Popen(each.command, stdout=subprocess.PIPE)
    assert each.process.stdout is not None and each.process.stdout.readline() == b"1\n"
    ended = threading.Event()
    ended.set()
    assert keep([each], ended) == 0
    assert each.process.poll() == -signal.SIGKILL
    each.process.stdout.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a district with one connection, so that `collect` has something to do."""
    return district(tmp_path_factory.mktemp("district"), free_port())


@pytest.fixture
def up(small: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Inbox, str]]:
    """`scicity up` with all that belongs to it: answering, moving, collecting."""
    port = free_port()
    process = begun(tmp_path / "state", tmp_path / "up.log", "up", str(small), "--port", str(port), SCICITY_LOG="json")
    try:
        address = f"http://127.0.0.1:{port}/healthz"
        until(lambda: process.poll() is not None or answers(address), "the server answers")
        assert process.poll() is None, (tmp_path / "up.log").read_text(encoding="utf-8")
        yield process, Inbox(tmp_path / "state" / "small" / "inbox.sqlite3"), address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(address: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


@pytest.mark.slow
def test_mover_and_collector_are_begun_again_and_all_end_together(
    up: tuple[subprocess.Popen[bytes], Inbox, str], tmp_path: Path
) -> None:
    process, inbox, address = up
    for part in ("mover", "collector"):
        first = until(lambda part=part: pid_of(inbox, part), f"the {part} beats")  # type: ignore[misc]
        os.kill(first, signal.SIGKILL)
        again = until(lambda part=part, first=first: pid_of(inbox, part) not in (0, first), f"another {part} beats")  # type: ignore[misc]
        assert again and answers(address)
    assert len(group(process.pid)) >= 4  # supervisor, server, its worker, mover, collector
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert until(lambda: not group(process.pid), "nothing is left")
    assert not answers(address)
    text = (tmp_path / "up.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.partition("(Ctrl-C ends it)")[2].splitlines() if line]  # what `up` itself says
    assert {"arrive", "collect"} <= {line["told"]["of"] for line in lines if line["process"] == "supervisor"}


@pytest.mark.slow
def test_nothing_outlives_a_killed_server_or_a_killed_supervisor(
    up: tuple[subprocess.Popen[bytes], Inbox, str], small: Path, tmp_path: Path
) -> None:
    process, inbox, address = up
    until(lambda: pid_of(inbox, "collector"), "the collector beats")
    os.kill(server_of(process.pid), signal.SIGKILL)  # its workers are orphans now
    assert process.wait(60) == 1
    assert until(lambda: not group(process.pid), "nothing is left of a killed server")
    again = begun(tmp_path / "state", tmp_path / "up.log", "up", str(small), "--port", address.split(":")[2].split("/")[0])
    try:
        until(lambda: answers(address), "the server answers at the same address")
        again.kill()
        again.wait()
        assert until(lambda: not group(again.pid), "nothing is left of a killed supervisor")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(again.pid, signal.SIGKILL)


def server_of(supervisor: int) -> int:
    """The process of the server itself."""
    for each in group(supervisor):
        words = Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0")
        parent = int(Path(f"/proc/{each}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        if b"scicity.operation.serving" in words and parent == supervisor:
            return each
    raise AssertionError("no server")
