"""The form of building energy data: each building's months by carrier and, where there are any, sub-items, as CSV and XML.

After the manner of the ministry's guide to the transfer of building-energy data and JGJ/T 285-2014, neither of which was seen:
names and order of the elements are ours, and the file says `review: unverified`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from scicity.kernel.lineage import Figure, Row
from scicity.reports.content import address_of
from scicity.reports.period import NoPeriod, Period
from scicity.reports.told import clean
from scicity.reports.words import KEYS

TOTALS, PARTS = "energy.consumption_monthly", "energy.sub_item_monthly"
BUILDINGS, ITEMS = "buildings.building", "energy.sub_item"
GROUPS = {  # the four sub-items of electricity
    "A": ("照明插座用电", "lighting and sockets"),
    "B": ("空调用电", "heating, ventilation and air conditioning"),
    "C": ("动力用电", "power"),
    "D": ("特殊用电", "special uses"),
}
REVIEW = "unverified"
STANDARD = "JGJ/T 285-2014"
NOTE = "names and order of the elements follow no document that was seen; check them against the authority's before sending"
COLUMNS = (
    *("building", "name_zh", "name_en", "zone", "use", "floor_area_m2", "month", "carrier", "sub_item", "energy_kwh"),
    *("estimated_kwh", "coverage", "origin", "closed", "address", "review"),
)
FORMS = {"csv": "text/csv; charset=utf-8", "xml": "application/xml"}


@dataclass(frozen=True)
class Entry:
    """Energy of a building's carrier in a month, all of it or (`sub_item`) a part. `figure` None is not metered."""

    building: Row
    month: date
    carrier: str
    sub_item: str
    figure: Figure | None
    estimated: Decimal | None = None

    @property
    def origin(self) -> str:
        """Whether it was measured here, or stands on data of another place."""
        return "" if self.figure is None else "stand-in" if self.figure.stand_in else "measured"


def entries(city: Any, year: int) -> list[Entry]:
    """The entries of a year by building, month and carrier: the total, then the sub-items. Raises NoPeriod."""
    period = Period(year)
    buildings = {row["building"]: row for row in _all(city, BUILDINGS)}
    totals = [row for row in _all(city, TOTALS) if row["month"].year == year and row["building"] in buildings]
    if not any(row["energy"] is not None for row in totals):
        raise NoPeriod(f"there is no energy of buildings of {period}")
    parts: dict[tuple[Any, ...], list[Row]] = {}
    for row in _all(city, PARTS):
        if row["month"].year == year:
            parts.setdefault((row["building"], row["month"], row["carrier"]), []).append(row)
    found = []
    for row in sorted(totals, key=lambda row: (row["building"], row["month"], row["carrier"])):
        key = (row["building"], row["month"], row["carrier"])
        below = sorted(parts.get(key, ()), key=lambda part: part["sub_item"])
        for part in (row, *below):
            named = part.get("sub_item", "")
            found.append(
                Entry(
                    buildings[row["building"]],
                    row["month"],
                    row["carrier"],
                    named,
                    part.figure("energy"),
                    part["estimated_energy"],
                )
            )
    return found


def _all(city: Any, table: str) -> list[Row]:
    """The rows of a table; none where the district has no such table."""
    if table not in city.figures.catalog.tables or city.figures.lake.snapshot(table).version < 0:
        return []
    return list(city.figures.rows(table))


def written(city: Any, year: int, form: str, address: str = "") -> bytes:
    """The form of a year as `csv` or `xml`: the same lake gives the same bytes. Raises NoPeriod."""
    return {"csv": as_csv, "xml": as_xml}[form](city, entries(city, year), year, address)


def as_csv(city: Any, found: list[Entry], year: int, address: str = "") -> bytes:
    """CSV in UTF-8 with a mark for Excel: a line for each entry, columns as in the docs; unknown is empty.

    A text that a table's program could take for a formula begins with an apostrophe.
    """
    into = io.StringIO(newline="")
    lines = csv.writer(into)
    lines.writerow(COLUMNS)
    for entry in found:
        building, figure = entry.building, entry.figure
        texts = [building[name] for name in ("building", "name_zh", "name_en", "zone", "use")]
        lines.writerow(
            [
                *(_plain(text) for text in texts),
                _number(building["floor_area"]),
                f"{entry.month:%Y-%m}",
                *(entry.carrier, entry.sub_item),
                *(_number(figure.value if figure else None), _number(entry.estimated)),
                _number(figure.coverage if figure else None),
                *(entry.origin, figure.closed if figure else ""),
                address + address_of(figure) if figure else "",
                REVIEW,
            ]
        )
    return b"\xef\xbb\xbf" + into.getvalue().encode()


def _plain(text: Any) -> str:
    said = clean(str(text or ""))
    return f"'{said}" if said[:1] in ("=", "+", "-", "@", "\t", "\r") else said


def _number(value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:f}" if isinstance(value, Decimal) else repr(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def as_xml(city: Any, found: list[Entry], year: int, address: str = "") -> bytes:
    """XML: a building holds its months, a month its carriers, a carrier its total and sub-items, metered or not."""
    root = ElementTree.Element("buildingEnergy", {"year": str(year), "standard": STANDARD, "review": REVIEW, "unit": "kWh"})
    common = ElementTree.SubElement(root, "common")
    _text(common, "district", city.district.slug)
    _text(common, "name", city.district.name("zh"), {"lang": "zh"})
    _text(common, "name", city.district.name("en"), {"lang": "en"})
    _text(common, "asOf", _as_of(city).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _text(common, "note", NOTE)
    items = {row["sub_item"]: (row["name_zh"], row["name_en"]) for row in _all(city, ITEMS)} or GROUPS
    for building, of_building in _grouped(found, lambda entry: entry.building["building"]):
        first = of_building[0].building
        told = {"id": clean(building), "zone": clean(first["zone"] or ""), "use": clean(first["use"] or "")}
        element = ElementTree.SubElement(root, "building", told | {"floorArea": _number(first["floor_area"])})
        _text(element, "name", first["name_zh"] or "", {"lang": "zh"})
        _text(element, "name", first["name_en"] or "", {"lang": "en"})
        for month, of_month in _grouped(of_building, lambda entry: entry.month):
            below = ElementTree.SubElement(element, "month", {"value": f"{month:%Y-%m}"})
            for carrier, of_carrier in _grouped(of_month, lambda entry: entry.carrier):
                _carrier(below, carrier, of_carrier, items, address)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _carrier(month: Any, carrier: str, found: list[Entry], items: Any, address: str) -> None:
    """A carrier's energy in a month, and the sub-items of electricity."""
    energy = ElementTree.SubElement(month, "energy", {"carrier": clean(carrier)})
    ElementTree.SubElement(energy, "total", _attributes(found[0], address)).text = _value(found[0])
    for entry in found[1:]:
        name = items.get(entry.sub_item) or KEYS["sub_item"].get(entry.sub_item, (entry.sub_item, ""))
        told = {"code": clean(entry.sub_item), "name": clean(str(name[0])), **_attributes(entry, address)}
        ElementTree.SubElement(energy, "subItem", told).text = _value(entry)
    if carrier == "electricity" and len(found) == 1:
        for code, (name, _) in GROUPS.items():
            ElementTree.SubElement(energy, "subItem", {"code": code, "name": name, "missing": "not metered"})


def _attributes(entry: Entry, address: str) -> dict[str, str]:
    figure = entry.figure
    if figure is None:
        return {"missing": "not metered"}
    told = {"origin": entry.origin, "coverage": _number(figure.coverage), "estimated": _number(entry.estimated)}
    told |= {"closed": figure.closed, "missing": "unknown" if figure.value is None else ""}
    return {name: value for name, value in told.items() if value} | {"figure": clean(address + address_of(figure))}


def _value(entry: Entry) -> str:
    return _number(entry.figure.value) if entry.figure is not None else ""


def _text(parent: Any, name: str, text: str, attributes: dict[str, str] | None = None) -> None:
    ElementTree.SubElement(parent, name, attributes or {}).text = clean(text)


def _grouped(found: list[Entry], key: Any) -> Iterator[tuple[Any, list[Entry]]]:
    groups: dict[Any, list[Entry]] = {}
    for entry in found:
        groups.setdefault(key(entry), []).append(entry)
    yield from groups.items()


def _as_of(city: Any) -> datetime:
    """When the newest of the tables was written."""
    moments = [0]
    for table in (TOTALS, PARTS, BUILDINGS):
        if table in city.figures.catalog.tables:
            commit = next(iter(city.figures.lake.newest_first(table)), None)
            moments.append(commit.at if commit else 0)
    return datetime.fromtimestamp(max(moments) // 1000, UTC)
