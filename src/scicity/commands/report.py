"""Writes the report of a month or year as PDF or Excel; without a period it lists those of which there are figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scicity.commands import USUAL, District, Json, open_city, say, stop


def run(
    period: Annotated[str, typer.Argument(help="A month (2022-03) or a year (2022).")] = "",
    language: Annotated[str, typer.Option(help="zh or en; unless said, the district's first language.")] = "",
    form: Annotated[str, typer.Option("--format", help="pdf or xlsx.")] = "pdf",
    out: Annotated[Path | None, typer.Option(help="The file; unless said, named after district, period and language.")] = None,
    address: Annotated[str, typer.Option(help="The server's address, for links; unless said, [reports] address.")] = "",
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    city = open_city(district)
    from scicity.reports import document
    from scicity.reports.fonts import NoFont
    from scicity.reports.period import NoPeriod, Period, listed

    if not period:
        found = [{"period": str(each.period), "closed": each.act is not None} for each in listed(city)]
        lines = [each["period"] + ("  closed" if each["closed"] else "") for each in found]
        say({"periods": found}, "\n".join(map(str, lines)) or "There are no figures of energy yet.", as_json)
        return
    language = language or document.languages_of(city)[0]
    if language not in ("zh", "en") or form not in document.FORMS:
        stop("a language is zh or en, a format is pdf or xlsx", as_json)
    try:
        content = document.written(city, Period.of(period), language, form, document.address_of(city, address))
    except (NoPeriod, NoFont, document.NoAddress) as error:
        stop(str(error), as_json)
    file = out or Path(document.name_of(city, Period.of(period), language, form))
    file.write_bytes(content)
    say({"file": str(file), "bytes": len(content)}, f"{file}: {len(content):,} bytes.", as_json)
