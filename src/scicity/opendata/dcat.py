"""The catalogue of a district's open data: DCAT 3 with the properties of DCAT-AP 3.0, as JSON-LD."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from scicity.opendata.datasets import THEMES, Dataset, spans, state_of

FREQUENCY = "http://publications.europa.eu/resource/authority/frequency/"
FILE_TYPES = "http://publications.europa.eu/resource/authority/file-type/"
LANGUAGES = {
    "zh": "http://publications.europa.eu/resource/authority/language/ZHO",
    "en": "http://publications.europa.eu/resource/authority/language/ENG",
}
# form: what it is called, its media type, the EU's code of its file type, the standard that it follows
DISTRIBUTIONS = {
    "csv": ("CSV", "text/csv", "CSV", "https://www.rfc-editor.org/rfc/rfc4180"),
    "json": ("JSON", "application/json", "JSON", "https://www.rfc-editor.org/rfc/rfc8259"),
    "sdmx.csv": ("SDMX-CSV 2.0", "application/vnd.sdmx.data+csv; version=2.0.0", "CSV", "https://sdmx.org/standards-2/"),
}
CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
}


def catalogue(
    city: Any,
    datasets: list[Dataset],
    base: str,
    sizes: Mapping[tuple[str, str], int],
    layers: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """The catalogue. `base` is the address below which the files lie; `sizes` their bytes by dataset and form; `layers` are
    datasets of the map, described already."""
    settings = city.district.settings.get("open_data", {})
    publisher = publisher_of(city)
    found = [_dataset(city, dataset, base, sizes, settings, publisher) for dataset in datasets]
    told = {
        "@context": CONTEXT,
        "@id": f"{base}/catalog.jsonld",
        "@type": "dcat:Catalog",
        "dct:title": both(f"{city.district.name('zh')}开放数据", f"Open data of {city.district.name('en')}"),
        "dct:description": both(
            "每个数值都附单位、来源类别、覆盖率、替代标记与核对状态，并可点开其由来。",
            "Every value has its unit, origin, coverage, stand-in mark and review, and opens to where it comes from.",
        ),
        "dct:publisher": publisher,
        "dct:language": [{"@id": LANGUAGES[language]} for language in ("zh", "en")],
        "foaf:homepage": {"@id": f"{base}/"},
        "dcat:dataset": [*found, *layers],
    }
    if datasets:
        newest = max(state_of(city, dataset)[1] for dataset in datasets)
        told["dct:modified"] = _time(newest)
    if settings.get("license"):
        told["dct:license"] = {"@id": str(settings["license"])}
    return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()


def publisher_of(city: Any) -> dict[str, Any]:
    """Who publishes: `[open_data] publisher` of the district, else the district itself."""
    said = city.district.settings.get("open_data", {}).get("publisher") or {}
    zh = str(said.get("zh") or city.district.name("zh"))
    en = str(said.get("en") or city.district.name("en"))
    return {"@type": "foaf:Agent", "foaf:name": both(zh, en)}


def _dataset(
    city: Any,
    dataset: Dataset,
    base: str,
    sizes: Mapping[tuple[str, str], int],
    settings: Mapping[str, Any],
    publisher: Mapping[str, Any],
) -> dict[str, Any]:
    begin, end = spans(city, dataset)
    digest, at = state_of(city, dataset)
    address = f"{base}/{dataset.name}"
    found: dict[str, Any] = {
        "@id": address,
        "@type": "dcat:Dataset",
        "dct:identifier": f"{city.district.slug}/{dataset.name}",
        "dct:title": both(dataset.zh, dataset.en),
        "dct:description": both(*dataset.about),
        "dct:publisher": publisher,
        "dct:modified": _time(at),
        "dct:accrualPeriodicity": {"@id": FREQUENCY + {"year": "ANNUAL", "month": "MONTHLY", "day": "DAILY"}[dataset.time]},
        "dcat:theme": [{"@id": THEMES + dataset.theme}],
        "dcat:version": digest,
        "dct:spatial": spatial(city),
        "dct:language": [{"@id": LANGUAGES[language]} for language in ("zh", "en")],
        "dcat:distribution": [_distribution(dataset, form, base, sizes, settings, at) for form in DISTRIBUTIONS],
    }
    if begin:
        found["dct:temporal"] = {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": {"@value": begin, "@type": "xsd:date"},
            "dcat:endDate": {"@value": end, "@type": "xsd:date"},
        }
    if settings.get("contact"):
        found["dcat:contactPoint"] = {"@type": "vcard:Kind", "vcard:hasEmail": {"@id": f"mailto:{settings['contact']}"}}
    return found


def _distribution(
    dataset: Dataset, form: str, base: str, sizes: Mapping[tuple[str, str], int], settings: Mapping[str, Any], at: Any
) -> dict[str, Any]:
    name, media, kind, standard = DISTRIBUTIONS[form]
    address = f"{base}/{dataset.name}.{form}"
    found: dict[str, Any] = {
        "@id": address,
        "@type": "dcat:Distribution",
        "dct:title": both(f"{dataset.zh}（{name}）", f"{dataset.en} ({name})"),
        "dcat:accessURL": {"@id": address},
        "dcat:downloadURL": {"@id": address},
        "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{media.partition(';')[0]}"},
        "dct:format": {"@id": FILE_TYPES + kind},
        "dct:conformsTo": {"@id": standard},
        "dct:modified": _time(at),
    }
    size = sizes.get((dataset.name, form))
    if size is not None:
        found["dcat:byteSize"] = {"@value": str(size), "@type": "xsd:nonNegativeInteger"}
    if settings.get("license"):
        found["dct:license"] = {"@id": str(settings["license"])}
    return found


def spatial(city: Any) -> dict[str, Any]:
    """Where the district is: its names, and the box around its zones or buildings where their places are known."""
    found: dict[str, Any] = {
        "@type": "dct:Location",
        "skos:prefLabel": both(city.district.name("zh"), city.district.name("en")),
    }
    box = box_of(city)
    if box:
        west, south, east, north = box
        ring = ", ".join(f"{x} {y}" for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south)))
        found["dcat:bbox"] = {"@value": f"POLYGON(({ring}))", "@type": "http://www.opengis.net/ont/geosparql#wktLiteral"}
    return found


def box_of(city: Any) -> tuple[float, float, float, float] | None:
    """West, south, east and north [° WGS 84] of the district's buildings."""
    table = city.figures.catalog.tables.get("buildings.building")
    if table is None or not {"longitude", "latitude"} <= set(table.columns):
        return None
    rows = city.figures.rows("buildings.building", ["longitude", "latitude"])
    places = [(row["longitude"], row["latitude"]) for row in rows if None not in (row["longitude"], row["latitude"])]
    if not places:
        return None
    across, up = zip(*places, strict=True)
    return min(across), min(up), max(across), max(up)


def both(zh: str, en: str) -> list[dict[str, str]]:
    return [{"@value": zh, "@language": "zh"}, {"@value": en, "@language": "en"}]


def _time(at: Any) -> dict[str, str]:
    return {"@value": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "@type": "xsd:dateTime"}
