"""Checks a district's folder, takes what changed into the lake, and brings every figure up to date."""

import time

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from scicity.city import City
from scicity.commands import SAMPLE, Folder, Json, console, refuse, say
from scicity.kernel.problems import Refused


def run(folder: Folder = SAMPLE, as_json: Json = False) -> None:
    began = time.perf_counter()
    city = City(folder)
    columns = (TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=as_json, transient=True) as bar:
        task = bar.add_task("checking", total=None)
        try:
            loaded = city.load(lambda name: bar.update(task, description=f"reading {name.split('#')[0]}"))
        except Refused as refused:
            bar.stop()
            refuse(refused.problems, as_json)
            raise
        done = city.compute(lambda name, at, of: bar.update(task, description=f"computing {name}", completed=at, total=of))
    parts = sum(len(d.computed) for d in done)
    seconds = time.perf_counter() - began
    document = {
        "sources": loaded.sources,
        "readings": loaded.readings,
        "tables": [{"table": d.table, "computed": len(d.computed), "changed": len(d.changed), "rows": d.rows} for d in done],
        "seconds": round(seconds, 3),
    }
    text = f"{sum(loaded.readings.values()):,} readings and {len(loaded.sources)} changed registers taken; "
    text += f"{parts} partitions of {len(done)} tables computed in {seconds:.1f} s."
    say(document, as_json, text)
