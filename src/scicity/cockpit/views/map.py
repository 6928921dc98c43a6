"""The map: zones and other layers of the district's folder, and everything in its registers that has a place."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from scicity.access.files import layers
from scicity.cockpit.city import OpenCity
from scicity.cockpit.opening import path_of
from scicity.cockpit.templatetags.words import language, name, title_of
from scicity.kernel.lineage import Row
from scicity.kernel.problems import Problems

PLACED = {"longitude", "latitude"}
_layers: dict[tuple[str, int], dict[str, Any]] = {}


def page(request: HttpRequest) -> HttpResponse:
    """The map and, for those who do not see it, the same places as tables."""
    return render(request, "cockpit/map.html", context_of(request.city))


def context_of(city: OpenCity) -> dict[str, Any]:
    """What a page with the map needs."""
    zones = city.rows("district.zone", order=["zone"])
    registers = [(table, rows) for table in placed_tables(city) if (rows := city.rows(table))]
    return {
        "map": {
            "layers": [
                {"name": file.stem, "url": reverse("map-layer", args=[file.stem]), "kind": "area", "label": label(file.stem)}
                for file in layers.files_of(city.district.folder)
                if is_slug(file.stem)
            ]
            + [
                {"name": t, "url": reverse("map-points", args=[t]), "kind": "point", "label": title_of(city.figures.catalog[t])}
                for t, _ in registers
            ],
            "language": language(),
        },
        "zones": zones,
        "registers": [(title_of(city.figures.catalog[table]), rows) for table, rows in registers],
    }


def placed_tables(city: OpenCity) -> list[str]:
    """The registers whose rows have a place on the map."""
    return [t.name for t in city.figures.catalog.sources if set(t.columns) >= PLACED]


def label(stem: str) -> str:
    """The name of a layer: of zones in words, of others that of the file."""
    return {"zones": ("分区", "Zones"), "boundary": ("边界", "Boundary")}.get(stem, (stem, stem))[language() != "zh"]


def is_slug(stem: str) -> bool:
    """Whether a file's name can stand in an address."""
    return stem.replace("-", "").replace("_", "").isascii() and stem.replace("-", "").replace("_", "").isalnum()


def layer(request: HttpRequest, name: str) -> HttpResponse:
    """A layer of the district's folder as GeoJSON; only files that the folder lists are read."""
    files = {file.stem: file for file in layers.files_of(request.city.district.folder)}
    if name not in files:
        raise Http404(name)
    key = (str(files[name]), files[name].stat().st_mtime_ns)
    if key not in _layers:
        problems = Problems()
        found = layers.read(files[name], files[name].name, problems)
        if found is None:
            raise Http404(name)
        _layers[key] = found
    return JsonResponse(named(request.city, _layers[key]), headers=CACHED)


CACHED = {"Cache-Control": "private, max-age=60"}


def named(city: OpenCity, collection: dict[str, Any]) -> dict[str, Any]:
    """The collection with each feature's name in the reader's language (`label`)."""
    zones = {row["zone"]: row for row in city.rows("district.zone")}
    features = []
    for feature in collection["features"]:
        told = feature.get("properties") or {}
        row = zones.get(told.get("zone") or told.get("id")) or told
        features.append({**feature, "properties": {**told, "label": name(row) or told.get("name") or ""}})
    return {**collection, "features": features}


def points(request: HttpRequest, table: str) -> HttpResponse:
    """The rows of a register that have a place, as GeoJSON; each leads to the figures of its row."""
    city: OpenCity = request.city
    if table not in placed_tables(city):
        raise Http404(table)
    features = [point(row) for row in city.rows(table) if row["longitude"] is not None and row["latitude"] is not None]
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
            "why": path_of(row.figure("longitude").address),
        },
    }
