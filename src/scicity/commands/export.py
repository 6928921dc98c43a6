"""Exports figures: the form of building energy data of a year, or the district's open data as files in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scicity.commands import USUAL, District, Json, open_city, say, stop

ENERGY = "building-energy"
SETS = ("open-sdg", "sdmx", "open-data")
WHAT = (ENERGY, *SETS)


def run(
    what: Annotated[str, typer.Argument(help="building-energy, open-sdg, sdmx, or open-data (CSV, JSON, SDMX, DCAT).")],
    where: Annotated[str, typer.Argument(help="Of building-energy the year, e.g. 2022; else the folder to write to.")],
    form: Annotated[str, typer.Option("--format", help="csv or xml, of building-energy.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="The file; unless said, named after district, form and year.")] = None,
    address: Annotated[str, typer.Option(help="The server's address, for links; unless said, [reports] address.")] = "",
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    city = open_city(district)
    if what in SETS:
        _open_data(city, what, Path(where), address, as_json)
        return
    from scicity.reports import building_energy
    from scicity.reports.period import NoPeriod, Period

    if what != ENERGY or form not in building_energy.FORMS:
        stop(f"what can be exported is {', '.join(WHAT)}; {ENERGY} as csv or xml", as_json)
    try:
        period = Period.of(where)
        if period.number:
            raise NoPeriod(f"{where!r} is a month; the form is of a year")
        content = building_energy.written(city, period.year, form)
    except NoPeriod as error:
        stop(str(error), as_json)
    file = out or Path(f"{city.district.slug}-{ENERGY}-{period}.{form}")
    file.write_bytes(content)
    text = f"{file}: {len(content):,} bytes; review: {building_energy.REVIEW} ({building_energy.NOTE})."
    say({"file": str(file), "bytes": len(content), "review": building_energy.REVIEW}, text, as_json)


def _open_data(city: Any, what: str, folder: Path, address: str, as_json: bool) -> None:
    """Writes what a stranger may see."""
    from scicity.opendata import files
    from scicity.opendata.public import domains_of, seen_by_all
    from scicity.reports import document

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        stop(f"{folder} is there already and not empty", as_json)
    try:
        base = document.address_of(city, address)
        base = f"{base}/open-data" if base else ""
        public, domains = seen_by_all(city), domains_of(city)
        if what == "sdmx":
            content = files.sdmx_set(public, domains)
        else:
            maker = files.open_sdg_set if what == "open-sdg" else files.everything
            content = maker(public, domains, base)
    except (files.NothingOpen, document.NoAddress) as error:
        stop(str(error), as_json)
    size = files.write(content, folder)
    told = {"folder": str(folder), "files": len(content), "bytes": size}
    say(told, f"{folder}: {len(content)} files, {size:,} bytes.", as_json)
