"""A report as a file: its format, its name, and the address that its links lead to."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from scicity.reports import pdf, xlsx
from scicity.reports.content import made
from scicity.reports.period import Period

FORMS = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:/[A-Za-z0-9._~\-/]*)?")


class NoAddress(ValueError):  # noqa: N818  (reads as what happened)
    """A text that is not the address of a server."""


def written(
    city: Any, period: Period, language: str, form: str, address: str = "", domains: Collection[str] | None = None
) -> bytes:
    """The report of a period in `zh` or `en` as `pdf` or `xlsx`: the same lake gives the same bytes.

    `domains` are those whose tables the reader may see, all of them if None.

    Raises NoPeriod where there is no energy of the period, NoFont where the font of the PDF is not installed.
    """
    return {"pdf": pdf.written, "xlsx": xlsx.written}[form](
        made(city, period, domains), language, city.district.calendar.tz, address
    )


def name_of(city: Any, period: Period, language: str, form: str) -> str:
    """The name of a report's file."""
    return f"{city.district.slug}-{period}-{language}.{form}"


def address_of(city: Any, said: str = "") -> str:
    """The address that links lead to: what is said, else the district's `[reports] address`, else none. Raises NoAddress."""
    address = said or str(city.district.settings.get("reports", {}).get("address", ""))
    if address and not ADDRESS.fullmatch(address):
        raise NoAddress(f"{address[:80]!r} is no address of a server: https://city.example is one")
    return address.rstrip("/")


def languages_of(city: Any) -> tuple[str, ...]:
    """The languages of a district, the usual one first."""
    said = city.district.settings["district"].get("languages") or ("zh", "en")
    return tuple(each for each in said if each in ("zh", "en")) or ("zh", "en")
