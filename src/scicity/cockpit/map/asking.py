"""What the map asks behind its page: figures, sections, traces, selections, sheets; and the pages of layers and features."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from scicity.cockpit import audit
from scicity.cockpit.city import OpenCity
from scicity.cockpit.map import feature as one
from scicity.cockpit.map import layers, selecting, sheet, values
from scicity.cockpit.ogc import taking
from scicity.cockpit.ogc.serving import collection
from scicity.cockpit.space.rights import seen_of
from scicity.cockpit.templatetags.words import either, language
from scicity.cockpit.views.map import CACHED, day_asked, names_of, spec_for
from scicity.space import section as sections
from scicity.space.connected import WAYS, network_of
from scicity.space.index import Query
from scicity.space.register import THEMES, Spec

GEOJSON = "application/geo+json"
TRACED = 5_000  # features of a trace that are drawn
CROSSED = 2_000
DEEPEST_LINE = 200  # corners of a section's line
NOW = {"Cache-Control": "private, no-store"}


def spoken(request: HttpRequest) -> str:
    """The language that a page says it is in, or the reader's."""
    said = request.GET.get("language") or request.POST.get("language") or ""
    return said if said in ("zh", "en") else language()


def unclear(expected: object) -> JsonResponse:
    """An answer for what cannot be understood."""
    return JsonResponse({"expected": str(expected)}, status=400)


@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """Figures and readings that can be drawn as a layer."""
    return JsonResponse({"tables": values.catalogue(request.city, spoken(request))}, headers=CACHED)


@require_GET
def figures(request: HttpRequest, table: str, column: str) -> HttpResponse:
    """A figure or the newest readings as GeoJSON; categories by name, `year` for the newest of that year and before."""
    year = request.GET.get("year", "")
    if year and not (year.isascii() and year.isdigit() and 1 <= int(year[:5]) <= 9998):
        return unclear("a year")
    categories = {name: text for name, text in request.GET.items() if name not in ("year", "language")}
    asked = values.Asked(table, column, categories, int(year) if year else None)
    try:
        found = values.layer(request.city, asked, seen_of(request), spoken(request))
    except LookupError as error:
        raise Http404(f"{table}.{column}"[:200]) from error
    return JsonResponse(found, headers=NOW, json_dumps_params={"ensure_ascii": False})


@require_GET
def section(request: HttpRequest) -> HttpResponse:
    """What a line (`line=lon,lat;lon,lat`) crosses in layers (`layers=a,b`), where and how deep."""
    city, said = request.city, spoken(request)
    try:
        line = [tuple(map(float, corner.split(","))) for corner in request.GET.get("line", "").split(";")]
        if len(line) > DEEPEST_LINE or any(len(corner) != 2 for corner in line):
            raise ValueError(f"2 to {DEEPEST_LINE} corners: longitude,latitude;…")
        plane, flat = sections.plane_of([(corner[0], corner[1]) for corner in line])
    except ValueError as error:
        return unclear(error)
    bounds = (
        *(min(corner[at] for corner in line) for at in (0, 1)),
        *(max(corner[at] for corner in line) for at in (0, 1)),
    )
    moment = selecting.instant_of(city, day_asked(request))
    query = Query(bbox=bounds, during=None if moment is None else (moment, moment), seen=seen_of(request))
    seen = layers.seen(request)
    found: list[sections.Crossing] = []
    for name in dict.fromkeys(request.GET.get("layers", "").split(",")):
        index = layers.index_of(city, name) if name in seen else None
        if index is not None and index.about("version") is not None:
            found += sections.crossings(plane, flat, name, index.find(query, sections.COLUMNS))
    found.sort(key=lambda each: (each.along, each.depth or 0.0))
    told = [_crossing(each, seen[each.layer], said) for each in found[:CROSSED]]
    return JsonResponse({"length": flat.length, "crossings": told, "more": len(found) > CROSSED}, headers=NOW)


def _crossing(each: sections.Crossing, spec: Spec, said: str) -> dict[str, Any]:
    first, second = (each.name_zh, each.name_en) if said == "zh" else (each.name_en, each.name_zh)
    word = layers.class_word(spec, each.feature_class, said) if each.feature_class else ""
    known = layers.known_class(spec, each.feature_class)
    return {
        "layer": each.layer,
        "layer_label": layers.label(spec, said),
        "feature": each.feature,
        "name": first or second or word or each.feature,
        "class": word,
        "colour": known[2] if known else layers.BY_THEME.get(spec.theme, layers.OTHER),
        "along": round(each.along, 2),
        "until": round(each.until, 2),
        "depth": each.depth,
        "elevation": each.elevation,
        "tall": each.tall,
        "wide": each.wide,
        "origin": each.origin,
        "url": reverse("map-feature", args=[each.layer, each.feature]),
    }


@require_GET
def trace(request: HttpRequest) -> HttpResponse:
    """What hangs together with a feature of a network: `way` up, down or both; the nearest come first."""
    city, said = request.city, spoken(request)
    spec = spec_for(request, request.GET.get("layer", ""))
    way, feature = request.GET.get("way", "both"), request.GET.get("feature", "")
    if way not in WAYS:
        return unclear("way: " + ", ".join(WAYS))
    index = layers.index_of(city, spec.layer)
    network = network_of(index)
    moment = selecting.instant_of(city, day_asked(request))
    if network is None:
        return unclear("a layer whose features name two nodes (from_node, to_node)")
    roles = seen_of(request)
    try:
        found = network.trace(feature, way, roles, None if moment is None else round(moment.timestamp() * 1e6))
    except LookupError as error:
        raise Http404(feature[:200]) from error
    columns = ("feature", "name_zh", "name_en", "feature_class", "depth", "geometry")
    rows: list[dict[str, Any]] = []
    for start in range(0, min(len(found), TRACED), 500):
        part = index.find(Query(ids=found[start : start + 500][: TRACED - start], seen=roles), columns)
        rows += [dict(zip(columns, row, strict=True)) for row in part]
    place = {name: at for at, name in enumerate(found)}
    rows.sort(key=lambda row: place[row["feature"]])
    told = [
        {
            "feature": row["feature"],
            "name": row["name_zh" if said == "zh" else "name_en"] or row["name_zh"] or row["name_en"] or row["feature"],
            "class": layers.class_word(spec, row["feature_class"], said),
            "depth": row["depth"],
            "steps": at,
            "url": reverse("map-feature", args=[spec.layer, row["feature"]]),
        }
        for at, row in enumerate(rows)
    ]
    answer = {"type": "FeatureCollection", "total": len(found), "more": len(found) > TRACED, "way": way}
    return JsonResponse(answer | {"features": one.geojson(rows, told) if rows else []}, headers=NOW)


@require_POST
def select(request: HttpRequest) -> HttpResponse:
    """The first features in a drawn area, and how many there are of each layer."""
    city, said = request.city, spoken(request)
    try:
        wanted = selecting.asked(request.body.decode("utf-8", "replace"), city)
    except selecting.Unclear as error:
        return unclear(error)
    seen = layers.seen(request)
    rows, counts = selecting.rows_in(city, wanted, seen, seen_of(request), selecting.LISTED)
    told = [
        {
            "layer": spec.layer,
            "layer_label": layers.label(spec, said),
            "feature": row["feature"],
            "name": row["name_zh" if said == "zh" else "name_en"] or row["name_zh"] or row["name_en"] or "",
            "class": layers.class_word(spec, row["feature_class"], said) if row["feature_class"] else "",
            "depth": row["depth"],
            "height": row["height"],
            "origin": row["origin"],
            "url": reverse("map-feature", args=[spec.layer, row["feature"]]),
        }
        for spec, row in rows
    ]
    named = [{"layer": name, "label": layers.label(seen[name], said), "count": count} for name, count in counts.items()]
    return JsonResponse({"rows": told, "counts": named, "total": sum(counts.values())}, headers=NOW)


@require_POST
def export(request: HttpRequest, form: str) -> HttpResponse:
    """All features in a drawn area as a file, GeoJSON or CSV; who took them is written down."""
    city: OpenCity = request.city
    try:
        wanted = selecting.asked(request.POST.get("asked", ""), city)
    except selecting.Unclear as error:
        return unclear(error)
    rows, counts = selecting.rows_in(city, wanted, layers.seen(request), seen_of(request), selecting.EXPORTED)
    if sum(counts.values()) > selecting.EXPORTED:
        return unclear(f"an area with at most {selecting.EXPORTED} features; a whole layer is to be had from its own page")
    for name, count in counts.items():
        if count:  # the ledger of exchange
            taking.read(request, collection(request, name), count, "selection")
    if request.user.is_authenticated:
        audit.write("map-export", f"selection.{form}", after={name: count for name, count in counts.items() if count})
    written = selecting.as_geojson if form == "geojson" else selecting.as_csv
    kind = GEOJSON if form == "geojson" else "text/csv; charset=utf-8"
    response = StreamingHttpResponse(written(city, rows), content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{city.district.slug}-selection.{form}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
def pdf(request: HttpRequest) -> HttpResponse:
    """A sheet of the map as PDF, from the image that the page drew at a scale."""
    city, said = request.city, spoken(request)
    image = request.FILES.get("image")
    try:
        if image is None or image.size is None or image.size > sheet.LARGEST:
            raise sheet.Unclear(f"an image of at most {sheet.LARGEST >> 20} MB")
        wanted = sheet.sheet_of(request.POST.get("told", ""), image.read())
        seen = layers.seen(request)
        shown = [seen[name] for name in wanted.layers if name in seen]
        written = sheet.written(wanted, _sheet_words(request, wanted, shown, said))
    except sheet.Unclear as error:
        return unclear(error)
    response = HttpResponse(written, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{city.district.slug}-map.pdf"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _sheet_words(request: HttpRequest, wanted: sheet.Sheet, shown: list[Spec], said: str) -> dict[str, Any]:
    city: OpenCity = request.city
    zone = city.district.calendar.tz
    now = datetime.now(UTC).astimezone(zone)
    chinese = said == "zh"
    legend, stand_in = [], wanted.stand_in
    for spec in shown:
        told = layers.told(request, spec, said)
        stand_in = stand_in or told["stand_in"]
        kind = told["kinds"][0] if told["kinds"] else "area"
        drawn = set(wanted.layers[spec.layer])
        classes = [{"label": each["label"], "colour": each["colour"]} for each in told["classes"] if each["key"] in drawn]
        legend.append({"label": told["label"], "kind": kind, "colour": told["colour"], "classes": classes})
    if wanted.figure:
        legend.insert(0, _figure_legend(wanted.figure))
    told_of: dict[str, list[str]] = {}  # layers by what is said of their source
    for spec in shown:
        if text := "; ".join(filter(None, (spec.source, spec.licence))):
            told_of.setdefault(text, []).append(layers.label(spec, said))
    sources = [[("、" if chinese else ", ").join(names), text] for text, names in told_of.items()]
    under = [wanted.time, f"{now:%Y-%m-%d %H:%M}"]
    return {
        "language": said,
        "title": wanted.title or ("地图" if chinese else "Map"),
        "district": city.district.name(said),
        "under": " · ".join(filter(None, under)),
        "stand_in": layers.STAND_IN[not chinese] if stand_in else "",
        "legend": legend,
        "sources": sources,
        "foot": "SciCity · WGS 84 / Web Mercator"
        + ("，比例尺以图幅中心为准" if chinese else "; the scale holds at the middle of the sheet"),
        "words": {
            "legend": "图例" if chinese else "Legend",
            "north": "北" if chinese else "N",
            "next": "图例与来源见下页" if chinese else "More of legend and sources on the next page",
        },
    }


def _figure_legend(figure: Any) -> dict[str, Any]:
    """The legend of a figure that was drawn, from what the page says of it; colours are checked, words are words."""
    classes = []
    for step in list(figure.get("steps") or [])[:12]:
        colour = str(step.get("colour", "")) if isinstance(step, dict) else ""
        if len(colour) == 7 and colour[0] == "#" and all(sign in "0123456789abcdefABCDEF" for sign in colour[1:]):
            classes.append({"label": str(step.get("label", ""))[:60], "colour": colour})
    return {"label": str(figure.get("label", ""))[:120], "kind": "area", "colour": layers.OTHER, "classes": classes}


@require_GET
def about(request: HttpRequest, layer: str) -> HttpResponse:
    """What is known of a layer: keeper, licence, duty, origin; its classes."""
    spec = layers.seen(request).get(layer)
    if spec is None:
        raise Http404(layer)
    told = layers.told(request, spec, language())
    context = {"spec": spec, "told": told, "label": told["label"], "theme": THEMES[spec.theme], "classes": told["classes"]}
    return render(request, "cockpit/map_layer.html", context)


@require_GET
def page(request: HttpRequest, layer: str, feature: str) -> HttpResponse:
    """The page of a feature: what its layer says, what registers know of its id, its figures and readings with why."""
    spec = spec_for(request, layer)
    city: OpenCity = request.city
    row = one.found(city, spec, feature, seen_of(request))
    if row is None:
        raise Http404(feature[:200])
    said = language()
    registered = names_of(city, layer).get(feature) or {}
    both = ("name_zh", "name_en") if said == "zh" else ("name_en", "name_zh")
    names = [each for each in dict.fromkeys(row[name] or registered.get(name) for name in both) if each]
    network = network_of(layers.index_of(city, layer))
    context = {
        "spec": spec,
        "layer_label": layers.label(spec, said),
        "row": row,
        "names": names,
        "title": names[0]
        if names
        else (layers.class_word(spec, row["feature_class"], said) if row["feature_class"] else row["feature"]),
        "facts": one.facts(city, spec, row, said),
        "details": one.details(row, said),
        "registers": one.registers(city, layer, feature),
        "figures": one.figures(city, layer, feature),
        "readings": one.readings(city, layer, feature),
        "restricted": (row["restricted_to"] or "").split(),
        "traced": network is not None and feature in network.features,
        "map": {
            "layers": [
                {
                    "name": layer,
                    "url": reverse("map-shape", args=[layer, feature]),
                    "kind": "area",
                    "label": either((row["feature"],) * 2),
                }
            ],
            "fit": "",
            "language": said,
        },
    }
    return render(request, "cockpit/map_feature.html", context)


@require_GET
def shape(request: HttpRequest, layer: str, feature: str) -> HttpResponse:
    """The geometry of one feature as GeoJSON."""
    spec = spec_for(request, layer)
    row = one.found(request.city, spec, feature, seen_of(request))
    if row is None:
        raise Http404(feature[:200])
    told = {"label": row["name_zh" if language() == "zh" else "name_en"] or row["feature"], "origin": row["origin"]}
    collection = {"type": "FeatureCollection", "features": one.geojson([row], [told])}
    return HttpResponse(json.dumps(collection, ensure_ascii=False), content_type=GEOJSON, headers=NOW)
