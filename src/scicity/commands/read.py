"""Takes one more file of readings, and brings what depends on them up to date."""

import time
from pathlib import Path
from typing import Annotated

import typer

from scicity.commands import USUAL, District, Json, open_city, refuse, say, told
from scicity.kernel.problems import Refused


def run(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: datastream, time, value[, revision].")],
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    city = open_city(district)
    try:
        taken = city.take(file)
    except Refused as refused:
        refuse(refused.problems, as_json)
        raise
    began = time.perf_counter()
    done = city.compute()
    seconds = time.perf_counter() - began
    tables = told(done)
    lines = [f"readings taken: {sum(taken.values()):,}; healed in {seconds:.2f} s; partitions changed, of those computed:"]
    lines += [f"  {t['table']}: {t['changed']} of {t['computed']}" for t in tables]
    say({"taken": taken, "tables": tables, "seconds": round(seconds, 3)}, "\n".join(lines), as_json)
