"""Checks a district's folder, takes what changed into the lake, and brings every figure up to date."""

import time
from pathlib import Path
from typing import Any

from scicity.commands import USUAL, Folder, Json, open_city, progress, refuse, say, stop, told
from scicity.kernel.problems import Refused


def run(folder: Folder = USUAL, as_json: Json = False) -> None:
    say(*bring(folder, as_json), as_json=as_json)


def bring(folder: Path, as_json: bool) -> tuple[dict[str, Any], str]:
    """Loads a district with a progress bar; what was done, for programs and for people. Ends the command with all problems."""
    began = time.perf_counter()
    city = open_city(folder)
    from scicity.cockpit.first import publish_records
    from scicity.operation.upgrading import UpgradeDue

    with progress(as_json) as bar:
        task = bar.add_task("checking", total=None)
        try:
            loaded = city.load(lambda name: bar.update(task, description=f"reading {name.split('#')[0]}"))
        except Refused as refused:
            bar.stop()
            refuse(refused.problems, as_json)
            raise
        except UpgradeDue as due:
            bar.stop()
            stop(str(due), as_json)
        publish_records(city)
        done = city.compute(lambda name, at, of: bar.update(task, description=f"computing {name}", completed=at, total=of))
    seconds = time.perf_counter() - began
    document = {
        **{"sources": loaded.sources, "layers": loaded.layers, "readings": loaded.readings},
        **{"tables": told(done), "seconds": round(seconds, 3)},
    }
    parts = sum(len(d.computed) for d in done)
    text = (
        f"{sum(loaded.readings.values()):,} readings, {len(loaded.sources)} changed registers and {len(loaded.layers)} changed "
    )
    text += "layers taken; "
    text += f"{parts} partitions of {len(done)} tables computed in {seconds:.1f} s."
    return document, text
