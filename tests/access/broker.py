"""A Mosquitto broker of its own for tests, on a free port of loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """Started and stopped; keeps what it holds for those who are away."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.configuration = folder / "mosquitto.conf"
        lines = (
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "max_queued_messages 0",
            "max_inflight_messages 1000",
        )
        self.configuration.write_text("\n".join((*lines, "")), encoding="utf-8")
        self.address = f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it listens."""
        command = [str(MOSQUITTO), "-c", str(self.configuration)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        for line in self.process.stderr:  # it tells when it runs
            if "running" in line:
                break

    def stop(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait()
