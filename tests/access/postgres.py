"""A PostgreSQL cluster of its own for tests, on a socket in its own folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
TRIES = 60  # to start


class Postgres:
    """Made at a folder, started, stopped, killed; it runs as the user `postgres` where the tests run as root."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.user = folder, "postgres" if os.geteuid() == 0 else None
        folder.mkdir(parents=True, exist_ok=True)
        if self.user:
            shutil.chown(folder, self.user)
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "--no-locale", "-E", "UTF8")
        self.address = f"postgresql://postgres@/postgres?host={folder}"

    def start(self) -> None:
        """Returns when it answers. It refuses for as long as children of one that was killed still hold its memory."""
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}'"
        for attempt in range(TRIES):
            try:
                self._run(
                    "pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"), "-o", options, "start"
                )
            except subprocess.CalledProcessError:
                if attempt == TRIES - 1:
                    raise
                time.sleep(0.5)
            else:
                return

    def database(self, name: str) -> str:
        """The address of a new database, in which nothing is."""
        self._run("createdb", "-h", str(self.folder), "-U", "postgres", name)
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def stop(self) -> None:
        """Ends its connections and itself."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "fast", "stop")

    def kill(self) -> None:
        """Ends it as a crash would."""
        os.kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([str(DEBIAN[0] / program), *arguments], check=True, capture_output=True, user=self.user, cwd="/")
