"""What is said of the service and of its collections: landing page, collections, queryables, and the links between them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest

from scicity.cockpit.ogc.serving import Collection
from scicity.cockpit.templatetags.words import language
from scicity.space.filters import Queryable
from scicity.space.geojson import moment
from scicity.space.register import STRATA
from scicity.vocabulary import term

JSON, GEOJSON, HTML = "application/json", "application/geo+json", "text/html"
OPENAPI, SCHEMA = "application/vnd.oai.openapi+json;version=3.0", "application/schema+json"
GPKG, LINES = "application/geopackage+sqlite3", "application/x-ndjson"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
KINDS = {"text": "string", "number": "number", "bool": "boolean", "timestamp": "string"}


def base(request: HttpRequest) -> str:
    """The address of the service."""
    return request.build_absolute_uri("/ogc/")


def link(href: str, rel: str, kind: str, title: tuple[str, str] | str = "") -> dict[str, str]:
    """A link."""
    said = title if isinstance(title, str) else title[language() != "zh"]
    return {"href": href, "rel": rel, "type": kind} | ({"title": said} if said else {})


def both(href: str, kind: str = JSON, here: str = "json") -> list[dict[str, str]]:
    """Links of an answer to itself and to its other form."""
    joined = "&" if "?" in href else "?"
    forms = {
        "json": (kind, ("本文档（JSON）", "This document as JSON")),
        "html": (HTML, ("本页面（HTML）", "This document as HTML")),
    }
    return [link(f"{href}{joined}f={form}", "self" if form == here else "alternate", *forms[form]) for form in forms]


def landing(request: HttpRequest) -> dict[str, Any]:
    """What is there."""
    root, district = base(request), request.city.district
    title = district.name(language())
    return {
        "title": title,
        "description": (
            "一张图各图层：读取、筛选、下载与编辑"
            if language() == "zh"
            else "The layers of the map: to read, filter, take and edit"
        ),
        "links": [
            *both(root),
            link(f"{root}api", "service-desc", OPENAPI, ("接口定义（OpenAPI 3.0）", "The definition of the API (OpenAPI 3.0)")),
            link(f"{root}api?f=html", "service-doc", HTML, ("接口说明", "The documentation of the API")),
            link(f"{root}conformance", "conformance", JSON, ("符合的标准条款类", "Conformance classes")),
            link(f"{root}collections", "data", JSON, ("图层", "Collections")),
            link(f"{root}tileMatrixSets", f"{REL}tiling-schemes", JSON, ("瓦片矩阵集", "Tile matrix sets")),
        ],
    }


def described(request: HttpRequest, collection: Collection) -> dict[str, Any]:
    """A collection with its extent, CRSs, what is said of its keeper, and links."""
    spec, here = collection.spec, f"{base(request)}collections/{quote(collection.name)}"
    zh = language() == "zh"
    told: dict[str, Any] = {
        "id": collection.name,
        "title": collection.titles[not zh],
        "description": " / ".join(dict.fromkeys(collection.titles)),
        "itemType": "feature",
        "extent": _extent(collection),
        "crs": [each.uri for each in collection.crs],
        "storageCrs": collection.crs[0].uri,
        "links": [
            *both(here),
            link(f"{here}/items", "items", GEOJSON, ("要素（GeoJSON）", "Features as GeoJSON")),
            link(f"{here}/items?f=html", "items", HTML, ("要素（页面）", "Features as a page")),
            link(f"{here}/queryables", f"{REL}queryables", SCHEMA, ("可查询属性", "Queryables")),
            link(f"{here}/tiles", f"{REL}tilesets-vector", JSON, ("矢量瓦片集", "Sets of vector tiles")),
            link(f"{here}/download.gpkg", "enclosure", GPKG, ("全部要素（GeoPackage）", "All features as GeoPackage")),
            link(
                f"{here}/download.geojsonl",
                "enclosure",
                LINES,
                ("全部要素（GeoJSON 序列）", "All features as a sequence of GeoJSON"),
            ),
        ],
        "origin": spec.origin,
    }
    keeper = spec.responsible_zh if zh else spec.responsible_en or spec.responsible_zh
    for name, value in (
        ("responsible", keeper),
        ("source", spec.source),
        ("agreement", spec.agreement_no),
        ("license", spec.licence),
    ):
        if value:
            told[name] = value
    if spec.licence and spec.licence.startswith(("http://", "https://")):
        told["links"].append(link(spec.licence, "license", HTML, spec.licence))
    return told


def _extent(collection: Collection) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if collection.extent is not None:
        found["spatial"] = {"bbox": [list(collection.extent)], "crs": collection.crs[0].uri}
    first, last = collection.period
    if first is not None or last is not None:
        found["temporal"] = {
            "interval": [[first if first is None else moment(first), last if last is None else moment(last)]],
            "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian",
        }
    return found


def queryables(request: HttpRequest, collection: Collection) -> dict[str, Any]:
    """The properties that can be asked for, as a JSON Schema."""
    here = f"{base(request)}collections/{quote(collection.name)}/queryables"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": here,
        "type": "object",
        "title": collection.titles[language() != "zh"],
        "properties": {name: property_schema(each) for name, each in collection.queryables.items()},
        "additionalProperties": False,
    }


def property_schema(each: Queryable) -> dict[str, Any]:
    """A property as a JSON Schema; columns with what the vocabulary says of them."""
    if each.kind == "geometry":
        # the reference is how drafts of Part 3 told a geometry; QGIS knows it by that
        reference = {"$ref": "https://geojson.org/schema/Geometry.json"}
        return {"title": _said(each.name), "format": "geometry-any", "x-ogc-role": "primary-geometry", **reference}
    told: dict[str, Any] = {"title": _said(each.name)}
    told["type"] = KINDS.get(each.kind, ["string", "number"])
    if each.kind == "timestamp":
        told["format"] = "date-time"
        told["x-ogc-role"] = {"valid_from": "primary-interval-start", "valid_to": "primary-interval-end"}.get(each.name, "")
    if each.name == "feature":
        told["x-ogc-role"] = "id"
    if each.name == "stratum":
        told["enum"] = list(STRATA)
    if each.sql == f"f.{each.name}":
        known = term(each.name)
        if known.unit:
            told["x-ogc-unit"] = known.symbol or known.unit
    return told


def _said(name: str) -> str:
    try:
        known = term(name)
    except LookupError:
        return name
    return known.zh if language() == "zh" else known.en
