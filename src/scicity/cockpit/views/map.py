"""The map: zones and other layers of the district's folder, and everything in its registers that has a place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from scicity.access.files import layers
from scicity.cockpit import discovery
from scicity.cockpit.city import OpenCity
from scicity.cockpit.opening import path_of
from scicity.cockpit.templatetags.words import either, language, name, title_of
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.lineage import Row
from scicity.kernel.problems import Problems

# Layers by the name of their file, from the ground up.
LAYERS = {
    "outline": ("轮廓", "Outline"),
    "boundary": ("边界", "Boundary"),
    "zones": ("分区", "Zones"),
    "buildings": ("建筑", "Buildings"),
    "stations": ("监测站", "Stations"),
}
PLACED = {"longitude", "latitude"}
_layers: dict[tuple[str, int], dict[str, Any] | None] = {}


def page(request: HttpRequest) -> HttpResponse:
    """The map and, for those who do not see it, the same places as tables."""
    context = context_of(request.city)
    context["map"]["layers"] += brought()
    return render(request, "cockpit/map.html", context)


def brought() -> list[dict[str, Any]]:
    """The layers that domains bring (`pages/map.py` with `LAYERS` and `features`), for the page of the map alone."""
    return [
        {
            "name": f"{domain}.{name}",
            "url": reverse("map-points", args=[f"{domain}.{name}"]),
            "kind": "point",
            "label": either(said),
            "ring": True,
        }
        for domain in discovery.with_pages()
        if (module := discovery.module(domain, "pages.map"))
        for name, said in module.LAYERS.items()
    ]


def context_of(city: OpenCity) -> dict[str, Any]:
    """What a page with the map needs."""
    zones = sorted(city.rows("district.zone"), key=lambda row: (row["zone"] != ROOT_ZONE, row["zone"]))
    files = sorted(
        layers.files_of(city.district.folder), key=lambda file: list(LAYERS).index(file.stem) if file.stem in LAYERS else 9
    )
    registers = [
        (table, rows)
        for table in placed_tables(city)
        if (rows := [row for row in city.rows(table) if row["longitude"] is not None and row["latitude"] is not None])
    ]
    return {
        "map": {
            "layers": [
                {"name": file.stem, "url": reverse("map-layer", args=[file.stem]), "kind": "area", "label": label(file.stem)}
                for file in files
                if is_slug(file.stem)
            ]
            + [
                {"name": t, "url": reverse("map-points", args=[t]), "kind": "point", "label": title_of(city.figures.catalog[t])}
                for t, _ in registers
            ],
            "fit": "zones" if any(file.stem == "zones" for file in files) else "",
            "language": language(),
        },
        "zones": zones,
        "sources": sources_of(city),
        "registers": [(title_of(city.figures.catalog[table]), rows) for table, rows in registers],
    }


def placed_tables(city: OpenCity) -> list[str]:
    """The registers whose rows have a place on the map."""
    return [t.name for t in city.figures.catalog.sources if set(t.columns) >= PLACED]


def label(stem: str) -> str:
    """The name of a layer: of zones in words, of others that of the file."""
    return LAYERS.get(stem, (stem, stem))[language() != "zh"]


def is_slug(stem: str) -> bool:
    """Whether a file's name can stand in an address."""
    return stem.replace("-", "").replace("_", "").isascii() and stem.replace("-", "").replace("_", "").isalnum()


def layer(request: HttpRequest, name: str) -> HttpResponse:
    """A layer of the district's folder as GeoJSON; only files that the folder lists are read."""
    files = {file.stem: file for file in layers.files_of(request.city.district.folder)}
    if name not in files:
        raise Http404(name)
    found = loaded(files[name])
    if found is None:
        raise Http404(name)
    return JsonResponse(named(request.city, found), headers=CACHED)


def loaded(file: Path) -> dict[str, Any] | None:
    """A layer as checked; read again where the file changed, None where it is none."""
    key = (str(file), file.stat().st_mtime_ns)
    if key not in _layers:
        _layers[key] = layers.read(file, file.name, Problems())
    return _layers[key]


CACHED = {"Cache-Control": "private, max-age=60"}


def named(city: OpenCity, collection: dict[str, Any]) -> dict[str, Any]:
    """The collection with each feature's name in the reader's language (`label`)."""
    registers = named_registers(city)
    features = []
    for feature in collection["features"]:
        told = feature.get("properties") or {}
        key = next((key for key in told if key in registers and told[key] in registers[key]), "")
        row = registers[key][told[key]] if key else told
        said = {"label": name(row) or told.get("name") or "", "url": opened(row) if key else ""}
        features.append({**feature, "properties": {**told, **said}})
    return {**collection, "features": features}


def named_registers(city: OpenCity) -> dict[str, dict[str, Row]]:
    """The registers whose rows have names, by the one column that names a row (`zone`, `building`)."""
    found: dict[str, dict[str, Row]] = {}
    for table in city.figures.catalog.sources:
        if len(table.grain) == 1 and {"name_zh", "name_en"} <= set(table.columns) and table.packaged is None:
            found[table.grain[0]] = {row[table.grain[0]]: row for row in city.rows(table.name)}
    return found


def opened(row: Row) -> str:
    """The page that opens the first known figure of a row, or nothing."""
    figure = next((figure for figure in row.figures if figure.value is not None), None)
    return path_of(figure.address) if figure else ""


def sources_of(city: OpenCity) -> list[tuple[str, str, str]]:
    """What the layers say of where they come from: label, origin, source."""
    found: dict[tuple[str, str, str], None] = {}
    for file in layers.files_of(city.district.folder):
        for feature in (loaded(file) or {"features": []})["features"]:
            told = feature.get("properties") or {}
            found[label(file.stem), str(told.get("origin") or ""), str(told.get("source") or "")] = None
    return list(found)


def points(request: HttpRequest, table: str) -> HttpResponse:
    """The rows of a register that have a place, as GeoJSON, or what a domain brings; each leads to the figures of its row."""
    city: OpenCity = request.city
    domain, _, name = table.partition(".")
    module = discovery.module(domain, "pages.map") if domain in discovery.with_pages() else None
    if module and name in module.LAYERS:
        features = module.features(city, name, language())
    elif table in placed_tables(city):
        features = [point(row) for row in city.rows(table) if row["longitude"] is not None and row["latitude"] is not None]
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
