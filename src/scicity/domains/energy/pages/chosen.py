"""What a reader has chosen on a page of energy: zone, year, carrier; and the names of what the tables call by a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from scicity.domains.energy.pages import asked

Pair = tuple[str, str]
BANDS: dict[str, Pair] = {
    "sharp": ("尖", "sharp"),
    "peak": ("峰", "peak"),
    "flat": ("平", "flat"),
    "valley": ("谷", "valley"),
    "deep_valley": ("深谷", "deep valley"),
    "single": ("单一价", "single price"),
    "demand": ("需量", "demand"),
    "none": ("无价", "no tariff"),
}
NODES: dict[str, Pair] = {
    "bought": ("外购", "bought"),
    "generated": ("自发", "generated"),
    "discharged": ("放电", "discharged"),
    "exported": ("外送", "given back"),
    "charged": ("充电", "charged"),
    "self_used": ("本地发电自用", "own generation used"),
    "negative_rest": ("负差额", "negative rest"),
    "unassigned": ("未分项", "unassigned"),
    "common": ("公共", "common"),
    "unattributed": ("无法归属", "cannot be told"),
}
ROLES: dict[str, Pair] = {
    "main": ("总表", "main meter"),
    "sub": ("分表", "sub-meter"),
    "generation": ("发电表", "generation"),
    "storage": ("储能表", "storage"),
}
FLOWS: dict[str, Pair] = {"forward": ("正向", "forward"), "reverse": ("反向", "reverse")}
FLAG_WORDS: dict[str, Pair] = {
    "estimated": ("估算", "estimated"),
    "partial": ("不全", "partly unknown"),
    "rejected": ("有读数被弃用", "a reading set aside"),
    "rollover": ("翻转", "rolled over"),
    "conflict": ("同刻两值", "two values at once"),
    "reset": ("清零", "reset"),
    "changed": ("装置变更", "installation changed"),
    "frozen": ("冻结", "frozen"),
    "implausible": ("不合理", "implausible"),
    "interpolated": ("内插", "interpolated"),
}


@dataclass(frozen=True)
class Chosen:
    """What was chosen, and what there is to choose from."""

    zone: Any
    zones: list[Any]
    year: int
    years: list[str]
    carrier: str
    carriers: list[tuple[str, Pair]]

    @property
    def name(self) -> Pair:
        """The carrier in Chinese and English."""
        return asked.carrier_name(self.carrier)


def chosen(request: HttpRequest) -> Chosen | None:
    """What a reader chose, the newest full year of all and its first carrier unless said; None where there are no years."""
    city = request.city
    years = asked.years(city)
    if not years:
        return None
    zones = asked.zones(city)
    wanted = request.GET.get("zone", asked.WHOLE)
    zone = wanted if wanted in zones else asked.WHOLE
    text = request.GET.get("year", "")
    year = int(text) if text in map(str, years) else asked.full_year(city) or years[-1]
    rows = asked.carriers(city, zone, year)
    found = [row["carrier"] for row in rows]
    carrier = request.GET.get("carrier", "")
    carrier = carrier if carrier in found else found[0] if found else "electricity"
    carriers = [(one, asked.carrier_name(one)) for one in found]
    return Chosen(zones[zone], list(zones.values()), year, [str(y) for y in reversed(years)], carrier, carriers)


def pair_of(row: Any) -> Pair:
    """The names of a row of a register."""
    return str(row["name_zh"]), str(row["name_en"])


def names_of(city: Any, table: str) -> dict[str, Pair]:
    """The names of the rows of a register by their keys."""
    rows = city.rows(table)
    return {row[row.table.grain[0]]: pair_of(row) for row in rows}


def item_names(city: Any) -> dict[str, Pair]:
    """The names of sub-items with their codes in front."""
    found = {code: (f"{code} {zh}", f"{code} {en}") for code, (zh, en) in names_of(city, "energy.sub_item").items()}
    return {**found, **{word: NODES[word] for word in ("unassigned", "unattributed")}}


def tenant_names(city: Any) -> dict[str, Pair]:
    """The names of enterprises, of what is common and of what nobody can tell."""
    return {**names_of(city, "buildings.enterprise"), **{word: NODES[word] for word in ("common", "unattributed")}}


def flags_of(flags: int | None, bits: dict[str, int]) -> list[Pair]:
    """What was done to a value, in words."""
    return [FLAG_WORDS.get(name, (name, name)) for name, bit in bits.items() if (flags or 0) & bit]
