"""The server by itself: Granian with the cockpit, in a process that holds nothing else, for its workers are forks of it."""

from __future__ import annotations

import argparse
import logging

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from scicity.cockpit.patience import THREADS
from scicity.cockpit.place import Place
from scicity.operation import logs
from scicity.operation.presence import present

MANY_THREADS = "Configuration allows spawning"  # a warning: most of them only wait, as cockpit/patience.py says
PATIENCE = 8  # [s] so long a worker may finish its requests, before the supervisor's own patience ends


def main() -> None:
    """Serves until it is told to end."""
    options = argparse.ArgumentParser(prog="python -m scicity.operation.serving", description=__doc__)
    options.add_argument("--host", required=True)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--workers", type=int, required=True)
    asked = options.parse_args()
    present(Place.of_environment().state)
    logging.getLogger("_granian").addFilter(lambda record: MANY_THREADS not in record.getMessage())
    Granian(
        "scicity.cockpit.wsgi:application",
        address=asked.host,
        port=asked.port,
        interface=Interfaces.WSGI,
        workers=asked.workers,
        blocking_threads=THREADS,
        workers_kill_timeout=PATIENCE,
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
        log_dictconfig=logs.configuration(),
    ).serve()


if __name__ == "__main__":
    main()
