"""The layers that are open to all, as datasets of the district's catalogue (DCAT 3, with the properties of DCAT-AP 3.0)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from scicity.cockpit.city import OpenCity
from scicity.cockpit.ogc.described import GEOJSON, GPKG, LINES
from scicity.cockpit.ogc.door import OPEN_WITH
from scicity.cockpit.ogc.serving import Collection
from scicity.cockpit.space.specs import specs
from scicity.opendata.dcat import FILE_TYPES, FREQUENCY, both, publisher_of
from scicity.space.geojson import moment

API = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
# days of the update duty, and the code of how often that is
OFTEN = ((1, "DAILY"), (7, "WEEKLY"), (31, "MONTHLY"), (92, "QUARTERLY"), (366, "ANNUAL"))


def catalogued(city: OpenCity, base: str) -> list[dict[str, Any]]:
    """The layers that somebody without an account may see; `base` is the address of the cockpit."""
    if city.public is not None and not city.public & OPEN_WITH:
        return []
    return [_dataset(Collection(city, spec, frozenset(), frozenset()), base) for spec in specs(city).values() if not spec.roles]


def _dataset(layer: Collection, base: str) -> dict[str, Any]:
    spec, here = layer.spec, f"{base}/ogc/collections/{quote(layer.name)}"
    zh, en = layer.titles
    keeper = {"@type": "foaf:Agent", "foaf:name": both(*layer.keeper)} if layer.keeper[0] else publisher_of(layer.city)
    forms = (
        ("OGC API - Features", f"{here}/items", GEOJSON, "GEOJSON", {"dct:conformsTo": {"@id": API}}),
        ("GeoPackage", f"{here}/download.gpkg", GPKG, "GPKG", {"dcat:downloadURL": {"@id": f"{here}/download.gpkg"}}),
        ("GeoJSON", f"{here}/download.geojsonl", LINES, "GEOJSON", {"dcat:downloadURL": {"@id": f"{here}/download.geojsonl"}}),
    )
    rights = {"dct:license": {"@id": spec.licence}} if (spec.licence or "").startswith(("http://", "https://")) else {}
    found: dict[str, Any] = {
        "@id": here,
        "@type": "dcat:Dataset",
        "dct:identifier": f"{layer.city.district.slug}/layer/{layer.name}",
        "dct:title": both(zh, en),
        "dct:description": both(
            f"图层“{zh}”的要素；来源类别：{spec.origin}", f"Features of the layer {en}; origin: {spec.origin}"
        ),
        "dct:publisher": keeper,
        "dcat:version": str(layer.version),
        "dcat:distribution": [
            {
                "@id": address,
                "@type": "dcat:Distribution",
                "dct:title": both(f"{zh}（{name}）", f"{en} ({name})"),
                "dcat:accessURL": {"@id": address},
                "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{media}"},
                "dct:format": {"@id": FILE_TYPES + kind},
                **more,
                **rights,
            }
            for name, address, media, kind, more in forms
        ],
    }
    if spec.update_days:
        often = next((code for days, code in OFTEN if spec.update_days <= days), "IRREG")
        found["dct:accrualPeriodicity"] = {"@id": FREQUENCY + often}
    if layer.extent is not None:
        west, south, east, north = layer.extent
        ring = ", ".join(f"{x} {y}" for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south)))
        place = {"@value": f"POLYGON(({ring}))", "@type": "http://www.opengis.net/ont/geosparql#wktLiteral"}
        found["dct:spatial"] = {"@type": "dct:Location", "dcat:bbox": place}
    first, last = layer.period
    if first is not None or last is not None:
        ends = {"dcat:startDate": first, "dcat:endDate": last}
        times = {name: {"@value": moment(at), "@type": "xsd:dateTime"} for name, at in ends.items() if at is not None}
        found["dct:temporal"] = {"@type": "dct:PeriodOfTime", **times}
    return found
