"""Takes one more file of readings, and brings what depends on them up to date."""

import time
from pathlib import Path
from typing import Annotated

import typer

from scicity.city import City
from scicity.commands import SAMPLE, District, Json, refuse, say
from scicity.kernel.problems import Refused


def run(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: datastream, time, value[, revision].")],
    district: District = SAMPLE,
    as_json: Json = False,
) -> None:
    city = City(district)
    try:
        taken = city.take(file)
    except Refused as refused:
        refuse(refused.problems, as_json)
        raise
    began = time.perf_counter()
    done = city.compute()
    seconds = time.perf_counter() - began
    tables = [{"table": d.table, "computed": sorted(p.period for p in d.computed), "changed": len(d.changed)} for d in done]
    lines = [f"{sum(taken.values()):,} readings taken; healed in {seconds:.2f} s:"]
    lines += [f"  {t['table']}: {len(t['computed'])} partitions computed, {t['changed']} changed" for t in tables]
    say({"taken": taken, "tables": tables, "seconds": round(seconds, 3)}, as_json, "\n".join(lines))
