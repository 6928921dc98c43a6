"""The layers of the map as the page is told of them: what the register says, and what the served index holds."""

from __future__ import annotations

import csv
import json
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from scicity.cockpit.city import OpenCity
from scicity.cockpit.ogc.serving import Collection
from scicity.cockpit.space.rights import may_see, seen_of
from scicity.cockpit.space.specs import specs
from scicity.space.index import Index
from scicity.space.register import THEMES, Spec

# Layers that the page shows at first, from the ground up; where a district has none of them, its first ones.
SHOWN = ("outline", "boundary", "zones", "water", "green-space", "streets", "buildings")
FIRST = 3
# The kind of a geometry by the second byte of its WKB (with and without Z); a collection is drawn as areas.
KINDS = {
    kind: "substr(geometry, 2, 1) IN (" + ", ".join(f"x'{mark}'" for mark in marks) + ")"
    for kind, marks in {"point": ("01", "04", "e9", "ec"), "line": ("02", "05", "ea", "ed")}.items()
}
FORM = "3"  # of what is counted of an index; of another form it is counted again
STAND_IN = ("图中含替代数据（stand-in），并非本区实测", "Shown data include stand-ins, not measured here")
CLASSES = 24  # that a legend lists; the rest share a colour
PALETTE = ("#0d7a6b", "#c7851b", "#5468b4", "#a2232a", "#4f8f46", "#8a5a9e", "#2f86a8", "#b5651d", "#7d8a2e", "#a8587c")
BY_THEME = {
    **{"base": "#47564f", "planning": "#8a5a9e", "buildings": "#9a6b4f", "transport": "#6d6a66", "services": "#c7851b"},
    **{"green": "#4f8f46", "water": "#2f86a8", "heritage": "#a2232a", "underground": "#5468b4", "environment": "#0d7a6b"},
    "energy": "#b5651d",
}
OTHER = "#7f8a85"
_summaries: dict[tuple[str, str], list[Group]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Group:
    """Features of a layer that are alike: class, level, kind, restriction, origin; how many, from when to when, where."""

    feature_class: str | None
    stratum: str | None
    kind: str
    restricted_to: str | None
    count: int
    first: int | None  # [µs UTC], as all instants of an index
    last: int | None
    bounds: tuple[float, float, float, float] | None
    height: float | None
    depth: float | None
    lowest: float | None  # elevation [m] of the lowest that has one
    stand_in: bool


def seen(request: HttpRequest) -> dict[str, Spec]:
    """The layers that whoever asks may see."""
    return {name: spec for name, spec in specs(request.city).items() if may_see(request, spec)}


def index_of(city: OpenCity, layer: str) -> Index:
    """The served index of a layer, as new as the lake; its file is not there before the layer was loaded."""
    spec = specs(city).get(layer)
    if spec is None or city.figures.lake.snapshot(spec.table.name).version < 0:
        return Index(Path(city.figures.lake.root).parent, layer)
    return Collection(city, spec, None, frozenset()).index


def groups(index: Index) -> list[Group]:
    """What an index holds, counted once for each state of it; kept beside it for other processes."""
    state = f"{FORM}-{index.changes()}"
    key = (str(index.file), state)
    with _lock:
        if key in _summaries:
            return _summaries[key]
    kept = index.file.with_suffix(".summary.json")
    found = None
    if kept.exists():
        try:
            told = json.loads(kept.read_text(encoding="utf-8"))
            found = [Group(*row) for row in told["groups"]] if told["state"] == state else None
        except (ValueError, KeyError, TypeError):
            found = None  # cut off while it was written: it is written anew
    if found is None:
        found = _counted(index)
        passing = kept.with_suffix(".tmp")
        passing.write_text(json.dumps({"state": state, "groups": [list(vars(each).values()) for each in found]}))
        passing.replace(kept)
    with _lock:
        for old in [each for each in _summaries if each[0] == key[0]]:
            del _summaries[old]
        _summaries[key] = found
    return found


def _counted(index: Index) -> list[Group]:
    cases = " ".join(f"WHEN {marks} THEN '{kind}'" for kind, marks in KINDS.items())
    text = (
        f"SELECT feature_class, stratum, CASE {cases} ELSE 'area' END, restricted_to, count(*), "
        "min(valid_from), max(coalesce(valid_to - 1, valid_from)), "
        "min(minx), min(miny), max(maxx), max(maxy), max(height), max(depth), min(elevation), origin IS 'stand-in' AS made "
        "FROM features LEFT JOIN place USING (fid) GROUP BY 1, 2, 3, 4, made ORDER BY 5 DESC"
    )
    with index.connected() as connection:
        rows = connection.execute(text).fetchall()
    return [
        Group(
            *row[:7],
            None if row[7] is None else row[7:11],
            *row[11:14],
            bool(row[14]),
        )
        for row in rows
    ]


def mine(found: list[Group], roles: frozenset[str] | None) -> list[Group]:
    """The groups whose features a reader with these roles sees (None: sees all)."""
    return [each for each in found if roles is None or not each.restricted_to or roles.intersection(each.restricted_to.split())]


@cache
def class_words() -> dict[tuple[str, str], tuple[str, str, str]]:
    """Names (zh, en) and colour of classes that the map knows, of a theme or of any (""); others stand as the file has them."""
    with (Path(__file__).parent / "classes.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["theme"], row["feature_class"]): (row["name_zh"], row["name_en"], row["colour"])
            for row in csv.DictReader(file)
        }


def known_class(spec: Spec, name: str | None) -> tuple[str, str, str] | None:
    """Names and colour of a class of a layer, where the map knows it."""
    words = class_words()
    return words.get((spec.theme, name or "")) or words.get(("", name or ""))


def class_word(spec: Spec, name: str | None, language: str) -> str:
    """The name of a class of a layer in the reader's language."""
    if not name:
        return "未分类" if language == "zh" else "without a class"
    zh, en, _ = known_class(spec, name) or (name, name, "")
    return zh if language == "zh" else en


def held(request: HttpRequest, spec: Spec) -> tuple[str, list[Group]]:
    """The state of a layer's index and what it holds that whoever asks may see; no state where it was never loaded."""
    index = index_of(request.city, spec.layer)
    if index.about("version") is None:
        return "", []
    return index.changes(), mine(groups(index), seen_of(request))


def told(request: HttpRequest, spec: Spec, language: str, known: tuple[str, list[Group]] | None = None) -> dict[str, Any]:
    """One layer as the page is told of it; `known` is what it holds, where that is at hand."""
    version, found = known or held(request, spec)
    loaded = bool(version)
    bounds = [each.bounds for each in found if each.bounds]
    return {
        "name": spec.layer,
        "label": label(spec, language),
        "theme": spec.theme,
        "loaded": loaded,
        "count": sum(each.count for each in found),
        "kinds": sorted({each.kind for each in found}),
        "strata": sorted({each.stratum for each in found if each.stratum}),
        "bounds": [*(min(each[at] for each in bounds) for at in (0, 1)), *(max(each[at] for each in bounds) for at in (2, 3))]
        if bounds
        else None,
        "classes": legend(spec, found, language),
        "colour": BY_THEME.get(spec.theme, OTHER),
        "tall": any(each.height for each in found),
        "lowest": min((each.lowest for each in found if each.lowest is not None and each.height), default=None),
        "deep": any(each.stratum == "underground" or each.depth for each in found),
        "timed": any(each.first is not None or each.last is not None for each in found),
        "tiles": f"{tiles_of(spec.layer)}?language={language}&v={version}" if loaded else "",
        "url": "",
        "about": reverse("map-about", args=[spec.layer]),
        "licence": spec.licence or "",
        "origin": spec.origin,
        "stand_in": spec.origin == "stand-in" or any(each.stand_in for each in found),
        "source": spec.source or "",
        "limited": bool(spec.roles),
    }


def legend(spec: Spec, found: list[Group], language: str) -> list[dict[str, Any]]:
    """The classes of a layer with their colours, the most frequent first."""
    counts: dict[str, int] = {}
    for each in found:
        if each.feature_class:
            counts[each.feature_class] = counts.get(each.feature_class, 0) + each.count
    names = sorted(counts, key=lambda name: (-counts[name], name))[:CLASSES]
    if len(counts) < 2 and not (names and known_class(spec, names[0])):
        return []
    return [
        {
            "key": name,
            "label": class_word(spec, name, language),
            "count": counts[name],
            "colour": (known_class(spec, name) or ("", "", ""))[2] or PALETTE[at % len(PALETTE)],
        }
        for at, name in enumerate(names)
    ]


def label(spec: Spec, language: str) -> str:
    """The name of a layer in the reader's language."""
    return (spec.name_zh if language == "zh" else spec.name_en) or spec.name_zh or spec.name_en or spec.layer


def tiles_of(layer: str) -> str:
    """The address of a layer's tiles, with places for the map's numbers."""
    return f"{reverse('ogc-collection', args=[layer])}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"


def shown_first(names: list[str]) -> list[str]:
    """The layers that are shown at first."""
    usual = [name for name in SHOWN if name in names]
    return usual or names[:FIRST]


def span_of(city: OpenCity, found: list[Group], today: date) -> tuple[int, int]:
    """The years that the time slider reaches over: from the first to the last that is told, and what is asked for always."""
    zone = city.district.calendar.tz
    years = [
        datetime.fromtimestamp(at / 1e6, UTC).astimezone(zone).year
        for each in found
        for at in (each.first, each.last)
        if at is not None and abs(at) < 2**53
    ]
    first = min([2009, *(year for year in years if year >= 1900)])
    return first, max([2035, today.year + 1, *(year for year in years if year <= 2100)])


def day_number(moment: int | None, city: OpenCity) -> int | None:
    """An instant [µs UTC] as a day of the district, such as 20260101."""
    if moment is None or abs(moment) >= 2**55:
        return None
    day = datetime.fromtimestamp(moment / 1e6, UTC).astimezone(city.district.calendar.tz)
    return day.year * 10_000 + day.month * 100 + day.day


def themes(language: str) -> list[dict[str, str]]:
    """The themes of the tree, in its order."""
    return [{"name": name, "label": pair[language != "zh"]} for name, pair in THEMES.items()]
