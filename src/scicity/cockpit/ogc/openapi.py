"""The definition of the service as OpenAPI 3.0: each collection with the parameters that it can be asked by."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest

from scicity.cockpit.ogc.asking import ITEMS, MOST_LIMIT, USUAL_LIMIT
from scicity.cockpit.ogc.described import GEOJSON, GPKG, HTML, JSON, LINES, SCHEMA, base, landing, property_schema
from scicity.cockpit.ogc.serving import Collection
from scicity.cockpit.templatetags.words import language
from scicity.space.served import CRS84

ID = "/collections/{}"
PROBLEM = {"$ref": "#/components/responses/problem"}
UNCHANGED = {"description": "As it was (If-None-Match)"}
ERRORS = ("400", "401", "403", "404", "405", "429", "503")
EDIT_ERRORS = ("409", "412", "413", "415", "428")


def definition(request: HttpRequest, collections: list[Collection]) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, Any] = {
        "/": {"get": _get("landing", ("首页", "Landing page"), [_ref("f")], {JSON: {}, HTML: {}})},
        "/conformance": {
            "get": _get("conformance", ("符合的条款类", "Conformance classes"), [_ref("f")], {JSON: {}, HTML: {}})
        },
        "/api": {
            "get": _get(
                "api", ("本文档", "This document"), [_ref("f")], {"application/vnd.oai.openapi+json;version=3.0": {}, HTML: {}}
            )
        },
        "/collections": {"get": _get("collections", ("图层", "Collections"), [_ref("f")], {JSON: {}, HTML: {}})},
    }
    for each in collections:
        paths |= _paths(each)
    return {
        "openapi": "3.0.3",
        "info": {"title": landing(request)["title"], "version": "1.0.0", "description": landing(request)["description"]},
        "servers": [{"url": base(request).rstrip("/")}],
        "tags": [{"name": each.name, "description": " / ".join(dict.fromkeys(each.titles))} for each in collections],
        "paths": paths,
        "security": [{}, {"password": []}],  # some layers and features are for some alone
        "components": {
            "parameters": PARAMETERS,
            "schemas": SCHEMAS,
            "responses": {
                "problem": {"description": "problem", "content": {"application/problem+json": {"schema": {"type": "object"}}}}
            },
            "securitySchemes": {"password": {"type": "http", "scheme": "basic"}},
        },
    }


def _paths(each: Collection) -> dict[str, Any]:
    here, name = ID.format(quote(each.name)), each.name
    plain = [_own(q.name, property_schema(q)) for q in each.queryables.values() if q.kind != "geometry" and q.name not in ITEMS]
    items = {
        "get": _get(
            f"{name}.items",
            ("要素", "Features"),
            [*(_ref(one) for one in ITEMS if one not in ("after", "language")), _crs(each), *plain],
            {GEOJSON: {"schema": {"$ref": "#/components/schemas/featureCollection"}}, HTML: {}},
            name,
        )
    }
    items["get"]["parameters"] = [one for one in items["get"]["parameters"] if one != _ref("crs")]
    one = {
        "parameters": [_own("featureId", {"type": "string"}, where="path")],
        "get": _get(
            f"{name}.item",
            ("一个要素", "One feature"),
            [_ref("f"), _crs(each)],
            {GEOJSON: {"schema": {"$ref": "#/components/schemas/feature"}}, HTML: {}},
            name,
        ),
    }
    if each.spec.editable:
        body = {"required": True, "content": {GEOJSON: {"schema": {"$ref": "#/components/schemas/feature"}}}}
        patch = {"required": True, "content": {"application/merge-patch+json": {"schema": {"type": "object"}}}}
        lock = [_ref("If-Match"), _ref("Content-Crs")]
        items["post"] = _act(f"{name}.create", ("新增要素", "Create a feature"), "201", [_ref("Content-Crs")], body, name)
        one["put"] = _act(f"{name}.replace", ("替换要素", "Replace a feature"), "200", lock, body, name)
        one["patch"] = _act(f"{name}.update", ("修改要素", "Change a feature"), "200", lock, patch, name)
        one["delete"] = _act(f"{name}.delete", ("删除要素", "Delete a feature"), "204", lock[:1], None, name)
    return {
        here: {"get": _get(f"{name}.collection", ("图层", "Collection"), [_ref("f")], {JSON: {}, HTML: {}}, name)},
        f"{here}/queryables": {
            "get": _get(f"{name}.queryables", ("可查询属性", "Queryables"), [_ref("f")], {SCHEMA: {}, HTML: {}}, name)
        },
        f"{here}/items": items,
        f"{here}/items/{{featureId}}": one,
        f"{here}/download.gpkg": {"get": _get(f"{name}.gpkg", ("下载 GeoPackage", "Take as GeoPackage"), [], {GPKG: {}}, name)},
        f"{here}/download.geojsonl": {
            "get": _get(f"{name}.geojsonl", ("下载 GeoJSON 序列", "Take as a sequence of GeoJSON"), [], {LINES: {}}, name)
        },
    }


def _get(
    operation: str, said: tuple[str, str], parameters: list[Any], content: dict[str, Any], tag: str = ""
) -> dict[str, Any]:
    answers = {"200": {"description": "OK", "content": content}, "304": UNCHANGED} | dict.fromkeys(ERRORS, PROBLEM)
    told = {"operationId": operation, "summary": said[language() != "zh"], "parameters": parameters, "responses": answers}
    return told | ({"tags": [tag]} if tag else {})


def _act(operation: str, said: tuple[str, str], status: str, parameters: list[Any], body: Any, tag: str) -> dict[str, Any]:
    told = {
        "operationId": operation,
        "summary": said[language() != "zh"],
        "tags": [tag],
        "security": [{"password": []}],
        "parameters": parameters,
        "responses": {status: {"description": "OK"}} | dict.fromkeys((*ERRORS, *EDIT_ERRORS), PROBLEM),
    }
    return told | ({"requestBody": body} if body else {})


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def _own(name: str, schema: dict[str, Any], where: str = "query") -> dict[str, Any]:
    """A parameter. OpenAPI 3.0 knows no lists of types, and its schema says what is asked alone."""
    kept = {key: value for key, value in schema.items() if key in ("type", "format", "enum", "default")}
    if isinstance(kept.get("type"), list):
        kept = {"type": "string"}
    told = {"name": name, "in": where, "required": where == "path", "schema": kept}
    told |= {"description": schema["title"]} if "title" in schema else {}
    return told | ({"style": "form", "explode": False} if where == "query" else {})


def _crs(each: Collection) -> dict[str, Any]:
    uris = [one.uri for one in each.crs]
    return _own("crs", {"type": "string", "format": "uri", "enum": uris})


PARAMETERS: dict[str, Any] = {
    "f": _own("f", {"type": "string", "enum": ["json", "html"]}),
    "limit": _own("limit", {"type": "integer"})
    | {"schema": {"type": "integer", "minimum": 1, "maximum": MOST_LIMIT, "default": USUAL_LIMIT}},
    "offset": _own("offset", {"type": "integer"}) | {"schema": {"type": "integer", "minimum": 0, "default": 0}},
    "bbox": _own("bbox", {})
    | {
        "schema": {
            "type": "array",
            "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
            "items": {"type": "number"},
        }
    },
    "bbox-crs": _own("bbox-crs", {"type": "string", "format": "uri"}),
    "datetime": _own("datetime", {"type": "string"}),
    "crs": _own("crs", {"type": "string", "format": "uri"}),
    "filter": _own("filter", {"type": "string"}),
    "filter-lang": _own("filter-lang", {"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"}),
    "filter-crs": _own("filter-crs", {"type": "string", "format": "uri", "default": CRS84}),
    "If-Match": {"name": "If-Match", "in": "header", "schema": {"type": "string"}},
    "Content-Crs": {"name": "Content-Crs", "in": "header", "schema": {"type": "string"}},
}
SCHEMAS: dict[str, Any] = {
    "feature": {
        "type": "object",
        "required": ["type", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": {"type": "object", "nullable": True},
            "properties": {"type": "object", "nullable": True},
        },
    },
    "featureCollection": {
        "type": "object",
        "required": ["type", "features"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": {"$ref": "#/components/schemas/feature"}},
            "numberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
            "timeStamp": {"type": "string", "format": "date-time"},
            "links": {"type": "array", "items": {"type": "object"}},
        },
    },
}
