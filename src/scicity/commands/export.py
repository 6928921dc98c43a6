"""Writes a form for an authority; building-energy: the energy of each building by month, carrier and sub-item in a year."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scicity.commands import USUAL, District, Json, open_city, say, stop

WHAT = "building-energy"


def run(
    what: Annotated[str, typer.Argument(help="building-energy.")],
    year: Annotated[str, typer.Argument(help="The year, e.g. 2022.")],
    form: Annotated[str, typer.Option("--format", help="csv or xml.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="The file; unless said, named after district, form and year.")] = None,
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    city = open_city(district)
    from scicity.reports import building_energy
    from scicity.reports.period import NoPeriod, Period

    if what != WHAT or form not in building_energy.FORMS:
        stop(f"what can be exported is {WHAT}, as csv or xml", as_json)
    try:
        period = Period.of(year)
        if period.number:
            raise NoPeriod(f"{year!r} is a month; the form is of a year")
        content = building_energy.written(city, period.year, form)
    except NoPeriod as error:
        stop(str(error), as_json)
    file = out or Path(f"{city.district.slug}-{WHAT}-{period}.{form}")
    file.write_bytes(content)
    text = f"{file}: {len(content):,} bytes; review: {building_energy.REVIEW} ({building_energy.NOTE})."
    say({"file": str(file), "bytes": len(content), "review": building_energy.REVIEW}, text, as_json)
