"""Supervision: the processes of one district, begun together, begun again when they die, and ended together.

Each is a program of its own, because the lake's runtime does not survive a fork. What ends with status 0 had nothing to do and
stays ended; what dies is begun again, the later the more often it died; when the server ends, all do. Nothing is left behind:
on Linux the kernel ends the processes of a supervisor that was killed, and hands orphans of a killed server to the supervisor.

    python -m scicity.operation.supervising --district FOLDER --host 127.0.0.1 --port 8000 --workers 1 --log FILE
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from scicity.operation import logs

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # [s] until what died is begun again, at first and at most; each death doubles it
SOUND = 60.0  # [s] what lived so long has not failed to begin
LOOK = 0.2  # [s] between two looks at who lives
PATIENCE = 10.0  # [s] to end by themselves, before they are killed
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PARENT_DEATH_SIGNAL, CHILD_SUBREAPER = 1, 36  # of prctl(2)
log = logging.getLogger(__name__)


@dataclass
class Kept:
    """A program that is kept going. With `vital` everything ends with it."""

    name: str
    command: Sequence[str]
    vital: bool = False
    output: IO[bytes] | None = None
    process: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    deaths: int = 0
    due: float | None = 0.0  # [s, monotonic] when it is begun (again); None: no more

    def begin(self, now: float) -> None:
        """Begins it."""
        self.process = subprocess.Popen(  # noqa: S603  (our own programs)
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
            preexec_fn=_ends_with_parent,
        )
        self.begun, self.due = now, None

    def look(self, now: float) -> int | None:
        """Begins what is due; the status with which it ended, if it just did, else None."""
        if self.process is None:
            if self.due is not None and now >= self.due:
                self.begin(now)
            return None
        status = self.process.poll()
        if status is None:
            return None
        self.process = None
        if status == 0 or self.vital:
            self.due = None
            return status
        self.deaths = 0 if now - self.begun >= SOUND else self.deaths
        wait = pause(self.deaths)
        self.deaths, self.due = self.deaths + 1, now + wait
        log.warning(
            "%s ended with status %s; begun again in %.0f s", self.name, status, wait, extra={"told": {"of": self.name}}
        )
        return status


def pause(deaths: int) -> float:
    """How long [s] to wait before something is begun again that died so often before."""
    return min(FIRST_WAIT * 2.0 ** min(deaths, 16), LONGEST_WAIT)


def keep(all_of_them: Sequence[Kept], ended: threading.Event, clock: Callable[[], float] = time.monotonic) -> int:
    """Keeps programs going until `ended` is set or a vital one ends, then ends all; the status to end with."""
    status = 0
    try:
        while not ended.is_set():
            for each in all_of_them:
                last = each.look(clock())
                if each.vital and last is not None:
                    log.error("%s ended with status %s, and all with it", each.name, last)
                    ended.set()
                    status = last if last >= 0 else 1
            ended.wait(LOOK)
    finally:
        end([each.process for each in all_of_them if each.process is not None])
    return status


def end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ends processes, and whatever children they left to this one; kills what does not end by itself."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + PATIENCE
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for orphan in orphans():
        os.kill(orphan, signal.SIGKILL)
        os.waitpid(orphan, 0)


def orphans() -> list[int]:
    """The processes whose parent died and that were handed to this one; Linux tells them, others have none."""
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return [int(each) for each in listed.read_text(encoding="ascii").split()] if listed.exists() else []


def _prctl() -> Any:
    return ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else lambda *_: 0


_tell_kernel = _prctl()


def _ends_with_parent() -> None:
    _tell_kernel(PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)


def main() -> None:
    """Keeps the server of a district going, and what moves its readings, asks its devices and sends notices."""
    options = argparse.ArgumentParser(prog="python -m scicity.operation.supervising", description=__doc__)
    for name in ("--district", "--host", "--port", "--workers"):
        options.add_argument(name, required=True)
    options.add_argument("--log", default="", help="where those beside the server write; standard error unless said")
    asked = options.parse_args()
    logs.begin("supervisor")
    ended = threading.Event()
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_IGN:  # begun with nohup
            continue
        signal.signal(number, lambda *_: ended.set())
    _tell_kernel(CHILD_SUBREAPER, 1, 0, 0, 0)
    python = [sys.executable, "-m"]
    served = ["--host", asked.host, "--port", asked.port, "--workers", asked.workers]
    output = Path(asked.log).open("ab") if asked.log else sys.stderr.buffer  # noqa: SIM115  (as long as this process)
    all_of_them = [Kept("server", [*python, "scicity.operation.serving", *served], vital=True)]
    for name in ("arrive", "collect", "notices"):
        all_of_them.append(Kept(name, [*python, "scicity", name, "--district", asked.district], output=output))
    sys.exit(keep(all_of_them, ended))


if __name__ == "__main__":
    main()
