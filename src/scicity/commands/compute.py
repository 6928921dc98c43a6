"""Brings figures up to date with what the lake holds; the district's folder is not read."""

import time
from typing import Annotated

import typer

from scicity.commands import USUAL, District, Json, open_city, progress, say, stop, told


def run(
    table: Annotated[str | None, typer.Argument(help="Only this table and what it reads, e.g. energy.zone_yearly.")] = None,
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    city = open_city(district)
    from scicity.cockpit.first import publish_records
    from scicity.operation.upgrading import UpgradeDue

    if table and table not in city.catalog.tables:
        stop(f"no table is called {table}; `scicity tables` lists them", as_json)
    began = time.perf_counter()
    with progress(as_json) as bar:
        task = bar.add_task("computing", total=None)
        try:
            publish_records(city)
            done = city.compute(
                lambda name, at, of: bar.update(task, description=f"computing {name}", completed=at, total=of), only=table
            )
        except UpgradeDue as due:
            bar.stop()
            stop(str(due), as_json)
    seconds = time.perf_counter() - began
    tables = told(done)
    lines = [f"{sum(t['computed'] for t in tables)} partitions of {len(tables)} tables computed in {seconds:.2f} s."]
    lines += [f"  {t['table']}: {t['computed']} computed, {t['changed']} changed" for t in tables]
    say({"tables": tables, "seconds": round(seconds, 3)}, "\n".join(lines), as_json)
