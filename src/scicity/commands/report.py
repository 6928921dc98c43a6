"""Writes the report of a month or year, or the annual monitoring report; without a period it lists what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scicity.commands import USUAL, District, Json, open_city, say, stop


def run(
    period: Annotated[str, typer.Argument(help="A month (2022-03) or a year (2022).")] = "",
    language: Annotated[str, typer.Option(help="zh or en; unless said, the district's first language.")] = "",
    form: Annotated[str, typer.Option("--format", help="pdf or xlsx; of --annual docx too.")] = "pdf",
    annual: Annotated[bool, typer.Option(help="The annual monitoring report, by the template of the folder.")] = False,
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
    if annual:
        _annual(city, period, language, form, out, address, as_json)
        return
    if language not in ("zh", "en") or form not in document.FORMS:
        stop("a language is zh or en, a format is pdf or xlsx", as_json)
    try:
        content = document.written(city, Period.of(period), language, form, document.address_of(city, address))
    except (NoPeriod, NoFont, document.NoAddress) as error:
        stop(str(error), as_json)
    file = out or Path(document.name_of(city, Period.of(period), language, form))
    file.write_bytes(content)
    say({"file": str(file), "bytes": len(content)}, f"{file}: {len(content):,} bytes.", as_json)


def _annual(city: Any, period: str, language: str, form: str, out: Path | None, address: str, as_json: bool) -> None:
    """The annual monitoring report as it stands now. One that was closed is kept with the records, and found on the web."""
    from scicity.reports import document
    from scicity.reports.annual import files, making
    from scicity.reports.fonts import NoFont
    from scicity.reports.period import NoPeriod, Period

    if language not in files.LANGUAGES or form not in files.FORMS:
        stop("a language is zh or en, a format of the annual report is pdf, docx or xlsx", as_json)
    try:
        year = Period.of(period)
        if year.number or year.year not in making.years_of(city):
            raise NoPeriod(f"{period!r} is no year of which there are figures")
        made = making.made(city, files.template_of(city.folder, language), year.year, language)
        content = files.written(city, made, form, document.address_of(city, address))
    except (NoPeriod, NoFont, document.NoAddress, making.Faulty) as error:
        stop(str(error), as_json)
    file = out or Path(files.name_of(city, year.year, language, form))
    file.write_bytes(content)
    told = {"file": str(file), "bytes": len(content), "digest": made.digest}
    say(told, f"{file}: {len(content):,} bytes, digest {made.digest[:12]}.", as_json)
