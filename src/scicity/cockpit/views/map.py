"""The map: its page, its layers and everything in registers that has a place, as GeoJSON; the small map of other pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.gzip import gzip_page

from scicity.cockpit import discovery
from scicity.cockpit.city import OpenCity
from scicity.cockpit.map import layers, selecting, sheet
from scicity.cockpit.map.feature import geojson, key_of_layer
from scicity.cockpit.map.values import PLACED
from scicity.cockpit.opening import path_of
from scicity.cockpit.space.rights import seen_of
from scicity.cockpit.templatetags.words import either, language, name, title_of
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.lineage import Row
from scicity.space.index import Query
from scicity.space.register import Spec

CACHED = {"Cache-Control": "private, max-age=60"}
COLUMNS = (
    *("feature", "name_zh", "name_en", "feature_class", "stratum", "elevation", "height", "depth", "valid_from", "valid_to"),
    *("origin", "geometry"),
)
MOST = 20_000  # features of GeoJSON; a layer of more is drawn from tiles
NAMED = 200  # zones whose names are written
LEADER = ("outline", "boundary", "zones", "buildings")  # layers of the small map; `buildings` where they are few
FEW = 400


@gzip_page
def page(request: HttpRequest) -> HttpResponse:
    """The map and, for those who do not see it, the same layers and places as tables. `?language=` is part of the address."""
    wanted = request.GET.get("language", "")
    if wanted in ("zh", "en"):
        with translation.override("zh-hans" if wanted == "zh" else "en"):
            return render(request, "cockpit/map.html", whole(request))
    return render(request, "cockpit/map.html", whole(request))


def whole(request: HttpRequest) -> dict[str, Any]:
    """What the page of the map needs."""
    city: OpenCity = request.city
    spoken = language()
    specs = layers.seen(request)
    held = [layers.held(request, spec) for spec in specs.values()]
    told = [layers.told(request, spec, spoken, each) for spec, each in zip(specs.values(), held, strict=True)]
    today = datetime.now(UTC).astimezone(city.district.calendar.tz).date()
    tables = context_of(city)
    return {
        "onemap": {
            "layers": told + others(city),
            "themes": [*layers.themes(spoken), {"name": "registers", "label": either(("台账与监测", "Registers and sensors"))}],
            "shown": layers.shown_first([each["name"] for each in told]),
            "home": home_of(told),
            "names": _zone_names(request, specs.get("zones")),
            "today": int(today.strftime("%Y%m%d")),
            "years": layers.span_of(city, [each for _, found in held for each in found], today),
            "language": spoken,
            "live": request.live,
            "papers": {paper: [across, down] for paper, (_, _, across, down) in sheet.PAPERS.items()},
            "urls": {
                "values": reverse("map-values"),
                "section": reverse("map-section"),
                "trace": reverse("map-trace"),
                "select": reverse("map-select"),
                "sheet": reverse("map-sheet"),
                "feature": "/map/features/",
            },
        },
        "layers": [(spec, each) for spec, each in zip(specs.values(), told, strict=True)],
        "zones": tables["zones"],
        "registers": tables["registers"],
        "sources": tables["sources"],
    }


def _zone_names(request: HttpRequest, spec: Spec | None) -> list[tuple[float, float, str]]:
    """The names of zones, each with a point in it."""
    city: OpenCity = request.city
    if spec is None or (index := layers.index_of(city, spec.layer)).about("version") is None:
        return []
    rows = index.find(Query(seen=seen_of(request), limit=NAMED), COLUMNS)
    known = names_of(city, spec.layer)
    places = shapely.point_on_surface(shapely.from_wkb(np.array([row[-1] for row in rows], object)))
    told = [_properties(city, spec, row, known, language())["label"] for row in rows]
    return [(place.x, place.y, label) for place, label in zip(places, told, strict=True) if not place.is_empty]


def home_of(told: list[dict[str, Any]]) -> list[float] | None:
    """The box that the map shows first: of the zones, else of all layers."""
    by_name = {each["name"]: each["bounds"] for each in told if each["bounds"]}
    if not by_name:
        return None
    boxes = [by_name["zones"]] if "zones" in by_name else list(by_name.values())
    return [*(min(box[at] for box in boxes) for at in (0, 1)), *(max(box[at] for box in boxes) for at in (2, 3))]


def others(city: OpenCity) -> list[dict[str, Any]]:
    """What is no layer of the folder: registers whose rows have a place, and what domains bring (`pages/map.py`)."""
    found = [
        (table, title_of(city.figures.catalog[table]), False, any(row.get("origin") == "stand-in" for row in rows))
        for table in placed_tables(city)
        if (rows := _rows_of(city, table))
    ]
    for domain in discovery.with_pages():
        if module := discovery.module(domain, "pages.map"):
            found += [(f"{domain}.{one}", either(said), True, False) for one, said in module.LAYERS.items()]
    return [
        {
            **{"name": one, "label": said, "theme": "registers", "loaded": True, "count": None, "kinds": [], "strata": []},
            **{"bounds": None, "classes": [], "colour": layers.PALETTE[at % len(layers.PALETTE)], "tall": False},
            **{
                "deep": False,
                "timed": False,
                "tiles": "",
                "url": reverse("map-points", args=[one]),
                "about": "",
                "licence": "",
            },
            **{"origin": "", "stand_in": stand_in, "source": "", "limited": False, "ring": ring},
        }
        for at, (one, said, ring, stand_in) in enumerate(found)
    ]


def context_of(city: OpenCity) -> dict[str, Any]:
    """What a page with the small map needs: layers that all may see, as GeoJSON, and registers with places."""
    zones = sorted(city.rows("district.zone"), key=lambda row: (row["zone"] != ROOT_ZONE, row["zone"]))
    spoken = language()
    specs = {one: spec for one, spec in layers.specs(city).items() if not spec.roles}
    registers = [(table, rows) for table in placed_tables(city) if (rows := _rows_of(city, table))]
    return {
        "map": {
            "layers": [
                {
                    "name": one,
                    "url": reverse("map-layer", args=[one]),
                    "kind": "area",
                    "label": layers.label(specs[one], spoken),
                }
                for one in LEADER
                if one in specs and layers.index_of(city, one).about("version") is not None and not _many(city, one)
            ]
            + [
                {"name": t, "url": reverse("map-points", args=[t]), "kind": "point", "label": title_of(city.figures.catalog[t])}
                for t, _ in registers
            ],
            "fit": "zones" if "zones" in specs else "",
            "language": spoken,
        },
        "zones": zones,
        "sources": [
            (layers.label(spec, spoken), spec.origin, "; ".join(filter(None, (spec.source, spec.licence))))
            for spec in specs.values()
            if spec.source or spec.licence
        ],
        "registers": [(title_of(city.figures.catalog[table]), rows) for table, rows in registers],
    }


def _many(city: OpenCity, one: str) -> bool:
    return sum(each.count for each in layers.groups(layers.index_of(city, one))) > FEW


def _rows_of(city: OpenCity, table: str) -> list[Row]:
    return [row for row in city.rows(table) if row["longitude"] is not None and row["latitude"] is not None]


def placed_tables(city: OpenCity) -> list[str]:
    """The registers whose rows have a place on the map."""
    return [t.name for t in city.figures.catalog.sources if set(t.columns) >= PLACED]


def spec_for(request: HttpRequest, layer: str) -> Spec:
    """A layer that whoever asks may see. Raises Http404."""
    spec = layers.seen(request).get(layer)
    if spec is None or layers.index_of(request.city, layer).about("version") is None:
        raise Http404(layer)
    return spec


def layer(request: HttpRequest, name: str) -> HttpResponse:
    """A layer from its index as GeoJSON, with the properties that tiles have, as far as whoever asks may see it."""
    spec = spec_for(request, name)
    city: OpenCity = request.city
    spoken = request.GET.get("language", "")
    spoken = spoken if spoken in ("zh", "en") else language()
    rows = layers.index_of(city, name).find(Query(seen=seen_of(request), limit=MOST + 1), COLUMNS)
    known = names_of(city, name)
    told = [_properties(city, spec, row, known, spoken) for row in rows[:MOST]]
    features = geojson([{"geometry": row[-1]} for row in rows[:MOST]], told)
    collection = {"type": "FeatureCollection", "features": features, "more": len(rows) > MOST}
    text = json.dumps(collection, ensure_ascii=False)
    return HttpResponse(text, content_type="application/geo+json", headers=CACHED)


def names_of(city: OpenCity, layer_name: str) -> dict[str, Row]:
    """The rows of the register that names a layer's features, where the layer itself need not."""
    key = key_of_layer(layer_name)
    for table in city.figures.catalog.sources if key else ():
        if list(table.grain) == [key] and {"name_zh", "name_en"} <= set(table.columns):
            return {str(row[key]): row for row in city.rows(table.name)}
    return {}


def _properties(city: OpenCity, spec: Spec, row: tuple[Any, ...], known: dict[str, Row], spoken: str) -> dict[str, Any]:
    told = dict(zip(COLUMNS, row, strict=True))
    first, second = ("name_zh", "name_en") if spoken == "zh" else ("name_en", "name_zh")
    registered = known.get(told["feature"]) or {}
    said = told[first] or registered.get(first) or told[second] or registered.get(second)
    found = {
        "feature": told["feature"],
        "name": said,
        "label": said or layers.class_word(spec, told["feature_class"], spoken) or told["feature"],
        "url": reverse("map-feature", args=[spec.layer, told["feature"]]),
        **{column: told[column] for column in ("feature_class", "stratum", "elevation", "height", "depth", "origin")},
        "from": layers.day_number(told["valid_from"], city),
        "to": layers.day_number(told["valid_to"], city),
    }
    return {column: value for column, value in found.items() if value is not None}


def points(request: HttpRequest, table: str) -> HttpResponse:
    """The rows of a register that have a place, as GeoJSON, or what a domain brings; each leads to the figures of its row."""
    city: OpenCity = request.city
    domain, _, one = table.partition(".")
    module = discovery.module(domain, "pages.map") if domain in discovery.with_pages() else None
    if module and one in module.LAYERS:
        features = module.features(city, one, language())
    elif table in placed_tables(city):
        features = [point(row) for row in _rows_of(city, table)]
    else:
        raise Http404(table)
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, default=str)
    return HttpResponse(text, content_type="application/geo+json", headers=CACHED)


def point(row: Row) -> dict[str, Any]:
    """A row as a GeoJSON feature."""
    key = row.table.grain[0]
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]},
        "properties": {
            "id": row[key],
            "kind": key,
            "label": name(row) or row[key],
            "origin": row.get("origin"),
            "zone": row.get("zone"),
            "url": path_of(row.figure("longitude").address),
        },
    }


def day_asked(request: HttpRequest) -> Any:
    """The day of `?day=`, or None. Raises Http404 for what is none."""
    try:
        return selecting.day_of(request.GET.get("day"))
    except ValueError as error:
        raise Http404("day") from error
