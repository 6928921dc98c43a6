"""OGC API - Tiles by HTTP: each layer as one set of vector tiles in WebMercatorQuad, and TileJSON for maps.

Sources: OGC 20-057 (OGC API - Tiles Part 1), OGC 17-083r4 (Two Dimensional Tile Matrix Set and Tile Set Metadata 2.0),
TileJSON 3.0.
"""

from __future__ import annotations

import gzip
import math
from typing import Any
from urllib.parse import quote

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.cache import get_conditional_response

from scicity.cockpit.ogc import taking
from scicity.cockpit.ogc.described import JSON, REL, base, link
from scicity.cockpit.ogc.door import Refused, door, private, sent
from scicity.cockpit.ogc.serving import Collection, collection
from scicity.cockpit.templatetags.words import language
from scicity.space.mvt import Tile, world
from scicity.space.tiles import COLUMNS, LAST, Tiles

MVT, TILEJSON = "application/vnd.mapbox-vector-tile", "application/vnd.mapbox.tile+json"
QUAD = "WebMercatorQuad"
QUAD_URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
HALF = math.pi * 6_378_137.0  # [m] from the middle of the square of Web Mercator to its sides
PIXEL = 0.00028  # [m] of a screen, as OGC 17-083r4 has it
LANGUAGES = ("zh", "en")
NUMBERS = ("elevation", "height", "depth", "from", "to")


@door
def tile(request: HttpRequest, name: str, z: str, y: str, x: str) -> HttpResponse:
    """A tile; 204 where nothing of the layer is drawn in it."""
    _reads(request)
    found = collection(request, name)
    wanted = _tile(z, x, y)
    spoken = request.GET.get("language") or language()
    if spoken not in LANGUAGES:
        raise Refused(400, f"language: found {spoken[:20]!r}; expected one of {', '.join(LANGUAGES)}")
    made = Tiles(found.index, found.city.district.calendar.tz).tile(wanted, spoken, found.seen)
    etag = f'W/"{made.etag}"'
    if made.body:
        taking.read(request, found, 0, "tiles")  # that somebody took the layer, and how many tiles; not how many features
    answer = get_conditional_response(request, etag=etag) or HttpResponse(status=204)
    if made.body and answer.status_code == 204:
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        answer = HttpResponse(made.body if packed else gzip.decompress(made.body), content_type=MVT)
        if packed:
            answer.headers["Content-Encoding"] = "gzip"
    answer.headers["ETag"] = etag
    return private(answer)


@door
def tilesets(request: HttpRequest, name: str) -> HttpResponse:
    """The sets of tiles of a layer: one."""
    _reads(request)
    found = collection(request, name)
    here = f"{base(request)}collections/{quote(found.name)}/tiles"
    told = {"links": [link(here, "self", JSON)], "tilesets": [_described(request, found) | {"links": _of(request, found)}]}
    return sent(request, told)


@door
def tileset(request: HttpRequest, name: str) -> HttpResponse:
    """What is said of the tiles of a layer, as OGC or, with `f=tilejson`, as TileJSON."""
    _reads(request)
    found = collection(request, name)
    form = request.GET.get("f", "json")
    if form == "tilejson":
        return sent(request, _tilejson(request, found), TILEJSON)
    if form != "json":
        raise Refused(400, f"f: found {form[:20]!r}; expected json or tilejson")
    box = found.extent
    told = _described(request, found) | {
        "tileMatrixSetLimits": _limits(box),
        "boundingBox": {"lowerLeft": list(box[:2]), "upperRight": list(box[2:]), "crs": CRS84} if box else None,
        "layers": [
            {
                "id": found.name,
                "title": found.titles[language() != "zh"],
                "dataType": "vector",
                "propertiesSchema": {
                    "type": "object",
                    "properties": {each: {"type": "number" if each in NUMBERS else "string"} for each in COLUMNS},
                },
            }
        ],
        "links": _of(request, found),
    }
    return sent(request, {key: value for key, value in told.items() if value is not None})


@door
def matrix_sets(request: HttpRequest) -> HttpResponse:
    """The tile matrix sets: one."""
    _reads(request)
    here = f"{base(request)}tileMatrixSets"
    one = {"id": QUAD, "title": QUAD, "uri": QUAD_URI, "crs": MERCATOR, "links": [link(f"{here}/{QUAD}", "self", JSON)]}
    return sent(request, {"links": [link(here, "self", JSON)], "tileMatrixSets": [one]})


@door
def matrix_set(request: HttpRequest) -> HttpResponse:
    """The tile matrix set WebMercatorQuad, down to the last zoom of which tiles are made."""
    _reads(request)
    return sent(
        request,
        {
            "id": QUAD,
            "title": "Google Maps Compatible for the World",
            "uri": QUAD_URI,
            "crs": MERCATOR,
            "orderedAxes": ["X", "Y"],
            "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
            "tileMatrices": [_matrix(zoom) for zoom in range(LAST + 1)],
        },
    )


def _matrix(zoom: int) -> dict[str, Any]:
    size = 2 * HALF / 256 / 2**zoom
    return {
        "id": str(zoom),
        "scaleDenominator": size / PIXEL,
        "cellSize": size,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [-HALF, HALF],
        "matrixWidth": 2**zoom,
        "matrixHeight": 2**zoom,
        "tileWidth": 256,
        "tileHeight": 256,
    }


def _described(request: HttpRequest, found: Collection) -> dict[str, Any]:
    return {
        "title": found.titles[language() != "zh"],
        "dataType": "vector",
        "crs": MERCATOR,
        "tileMatrixSetURI": QUAD_URI,
        "accessConstraints": "restricted" if found.spec.roles else "unclassified",
    }


def _of(request: HttpRequest, found: Collection) -> list[dict[str, Any]]:
    root = base(request)
    here = f"{root}collections/{quote(found.name)}/tiles/{QUAD}"
    tiles = link(f"{here}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "item", MVT)
    return [
        link(here, "self", JSON),
        link(f"{here}?f=tilejson", "alternate", TILEJSON, "TileJSON"),
        tiles | {"templated": True},  # type: ignore[dict-item]
        link(f"{root}tileMatrixSets/{QUAD}", f"{REL}tiling-scheme", JSON, QUAD),
        link(f"{root}collections/{quote(found.name)}", f"{REL}geodata", JSON, found.titles[language() != "zh"]),
    ]


def _tilejson(request: HttpRequest, found: Collection) -> dict[str, Any]:
    here = f"{base(request)}collections/{quote(found.name)}/tiles/{QUAD}"
    told: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": found.titles[language() != "zh"],
        "scheme": "xyz",
        "tiles": [f"{here}/{{z}}/{{y}}/{{x}}?language={language()}"],
        "minzoom": 0,
        "maxzoom": LAST,
        "vector_layers": [{"id": found.name, "fields": {each: "Number" if each in NUMBERS else "String" for each in COLUMNS}}],
    }
    return told | ({"bounds": list(found.extent)} if found.extent else {})


def _limits(box: tuple[float, float, float, float] | None) -> list[dict[str, Any]]:
    """At each zoom, the tiles that a box lies in."""
    if box is None:
        return []
    (left, top), (right, bottom) = world(np.array([[box[0], box[3]], [box[2], box[1]]])).clip(0, 1).tolist()
    found = []
    for zoom in range(LAST + 1):
        west, north, east, south = (min(int(at * 2**zoom), 2**zoom - 1) for at in (left, top, right, bottom))
        rows = {"minTileRow": north, "maxTileRow": south, "minTileCol": west, "maxTileCol": east}
        found.append({"tileMatrix": str(zoom), **rows})
    return found


def _tile(z: str, x: str, y: str) -> Tile:
    """The tile of an address. Raises Refused (404) where there is none such."""
    if not all(each.isascii() and each.isdecimal() and len(each) <= 7 for each in (z, x, y)) or int(z) > LAST:
        raise Refused(404, f"found the tile {z[:9]}/{y[:9]}/{x[:9]}; expected a zoom from 0 to {LAST}, a row and a column")
    found = Tile(int(z), int(x), int(y))
    if max(found.x, found.y) >= 2**found.z:
        raise Refused(404, f"found the tile {z}/{y}/{x}; expected a row and a column from 0 to {2**found.z - 1} at this zoom")
    return found


def _reads(request: HttpRequest) -> None:
    if request.method not in ("GET", "HEAD"):
        raise Refused(405, f"found {request.method}; expected GET", Allow="GET, HEAD")


urlpatterns = [
    path("tileMatrixSets", matrix_sets),
    path(f"tileMatrixSets/{QUAD}", matrix_set),
    path("collections/<str:name>/tiles", tilesets),
    path(f"collections/<str:name>/tiles/{QUAD}", tileset, name="ogc-tileset"),
    path(f"collections/<str:name>/tiles/{QUAD}/<str:z>/<str:y>/<str:x>", tile, name="ogc-tile"),
]
