"""The indicators for Open SDG: a data file and metadata for each, and the configuration that its builder (sdg-build) reads.

The district's indicators are its own, not those of the goals: one that answers a target stands below it, 11-6-L1 (L: local);
the others stand alone (`standalone`). The builder fails where all stand alone, so that without any target all stand below 0-0.
Rows of the whole district are the headline; those of a zone are a disaggregation.

Source: sdg-build 2.3, `open_sdg.py`, `check_csv.py`, `SchemaInputOpenSdg.py` (MIT).
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import Any

import yaml

from scicity.opendata.datasets import Dataset, lines, names_of
from scicity.opendata.dcat import publisher_of
from scicity.opendata.forms import safe
from scicity.reports.annual.asking import PROGRESS
from scicity.reports.period import ROOT
from scicity.reports.told import clean
from scicity.reports.words import Names

CONFIG = "config_data.yml"
SCHEMA = "_prose.yml"
COLUMNS = (
    *("Year", "Units", "Series", "Zone", "COMMENT_OBS", "Target", "Target year", "Progress", "Coverage", "Stand-in", "Review"),
    *("Lineage", "Value"),
)
ATTRIBUTES = ("COMMENT_OBS", "Target", "Target year", "Progress", "Coverage", "Stand-in", "Review", "Lineage")
SERIES = {
    "reported": ("报告所述", "Stated by a report"),
    "manual": ("人工录入", "Entered by hand"),
    "measured": ("由数据算得", "Computed from data"),
}
BOUNDS = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than", "about": "about"}
MOST_ZIPPED = (1980, 1, 1, 0, 0, 0)


def files(city: Any, dataset: Dataset, base: str = "") -> dict[str, bytes]:
    """The files of the set by their paths: data/, meta/ (with meta/zh/), translations/, the configuration and the schema."""
    about = {row["indicator"]: row for row in city.figures.rows("indicators.indicator")}
    frameworks = {row["framework"]: row for row in city.figures.rows("indicators.framework")}
    series: dict[str, list[dict[str, Any]]] = {name: [] for name in about}
    for line in lines(city, dataset):
        series.setdefault(line["indicator"], []).append(line)
    found: dict[str, bytes] = {}
    ids = _ids(about)
    for name, row in about.items():
        rows = _rows(series[name])
        identity = ids[name]
        found[f"data/indicator_{identity}.csv"] = _csv(rows)
        framework = frameworks.get(row["framework"], {})
        numbers = sum(1 for each in rows if each["Value"])
        for language, folder in (("en", "meta"), ("zh", "meta/zh")):
            found[f"{folder}/{identity}.yml"] = _yaml(_meta(city, identity, row, framework, numbers, language, base))
    found |= _translations(city, series)
    found[CONFIG] = _yaml(_config())
    found[SCHEMA] = _yaml({"prose": {"metadata": {"meta": _schema()}}})
    found["build.py"] = BUILD.encode()
    found["README.md"] = _readme(city).encode()
    return dict(sorted(found.items()))


def zipped(content: Mapping[str, bytes]) -> bytes:
    """Files as one archive without times: the same files give the same bytes."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, MOST_ZIPPED)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            out.writestr(entry, data)
    return into.getvalue()


def _ids(about: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The id of each indicator in names of files: below the target that it answers, else its own with a hyphen."""
    found, counts = {}, Counter[str]()
    alone = all(not row.get("sdg_target") for row in about.values())
    for name, row in sorted(about.items(), key=lambda each: (each[1]["framework"], each[1]["source_row"])):
        goal, _, target = str(row.get("sdg_target") or ("0" if alone else "")).partition(".")
        if not goal:
            found[name] = name if "-" in name else f"{name}-1"
            continue
        below = f"{goal}-{target or '0'}"
        counts[below] += 1
        found[name] = f"{below}-L{counts[below]}"
    return found


def _rows(found: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The rows of one indicator: a year, zone and origin each. A pair's second number is a series of its own."""
    targets = {(each["zone"], each["year"], each["origin"]): each["value"] for each in found if each["measure"] == "target"}
    rows = []
    for each in found:
        if each["measure"] not in ("value", "value_high") or not each["value"]:
            continue  # a year without a number has no row: the builder reads an empty value as a gap in the line
        key = (each["zone"], each["year"], each["origin"])
        row = {
            "Year": each["year"],
            "Units": each["unit"],
            "Series": _series(each),
            "Zone": "" if each["zone"] == ROOT else each["zone"],
            "COMMENT_OBS": BOUNDS.get(each["comparator"], ""),
            "Target": targets.get(key, ""),
            "Target year": each["target_year"],
            "Progress": each["progress"],
            "Coverage": each["coverage"],
            "Stand-in": each["stand_in"],
            "Review": each["review"],
            "Lineage": each["lineage"],
            "Value": each["value"],
        }
        rows.append({name: value if name == "Value" else safe(clean(str(value)).strip()) for name, value in row.items()})
    return sorted(rows, key=lambda row: (row["Series"], row["Zone"], row["Year"]))


def _series(line: Mapping[str, Any]) -> str:
    kind = line["origin"] if line["origin"] in SERIES else "measured"  # a stand-in was computed too, and says what it is
    return f"{kind} second" if line["measure"] == "value_high" else kind


def _csv(rows: list[dict[str, str]]) -> bytes:
    into = io.StringIO()
    out = csv.DictWriter(into, COLUMNS, lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
    return into.getvalue().encode()


def _meta(
    city: Any, identity: str, row: Mapping[str, Any], framework: Mapping[str, Any], numbers: int, language: str, base: str
) -> dict[str, Any]:
    """The metadata of an indicator in a language."""

    def said(key: str) -> str:
        return clean(str(row.get(f"{key}_{language}") or row.get(f"{key}_en") or row.get(f"{key}_zh") or ""))

    title = said("name") or str(row["indicator"])
    alone = "-L" not in identity
    found = {
        "indicator_name": title,
        "indicator": str(row["indicator"]),
        "standalone": alone,
        "graph_title": title,
        "graph_type": "line",
        "data_non_statistical": not numbers,
        "reporting_status": "complete" if numbers else "notstarted",
        "national_geographical_coverage": city.district.name(language),
        "computation_units": str(row.get("symbol") or row.get("unit") or ""),
        "un_designated_tier": "",
        "un_custodian_agency": said("responsible"),
        "data_keywords": said("dimension"),
        "comparison_target": f"SDG {row['sdg_target']}" if row.get("sdg_target") else "",
        "direction": str(row.get("direction") or ""),
        "framework": clean(str(framework.get(f"name_{language}") or row["framework"])),
        "framework_document": clean(str(framework.get("document") or "")),
        "framework_review": str(framework.get("review") or ""),
        "computation_definitions": clean(str(row.get("formula") or "")),
        "source_active_1": True,
        "source_organisation_1": publisher_of(city)["foaf:name"][language == "en"]["@value"],
        "source_url_1": f"{base}/" if base else "",
        "source_other_info": clean(str(row.get("source") or "")),
    }
    return {key: value for key, value in found.items() if value != ""}


def _schema() -> list[dict[str, Any]]:
    """The fields of the metadata, as the builder's schema asks for them."""
    texts = (
        *("indicator_name", "indicator", "graph_title", "national_geographical_coverage", "computation_units"),
        *("un_custodian_agency", "data_keywords", "comparison_target", "direction", "framework"),
        *("framework_document", "framework_review", "computation_definitions", "source_organisation_1", "source_url_1"),
        "source_other_info",
    )
    fields = [{"name": name, "field": {"element": "text", "label": name, "scope": "national"}} for name in texts]
    for name in ("standalone", "data_non_statistical", "source_active_1"):
        fields.append({"name": name, "field": {"element": "checkbox", "label": name, "scope": "data"}})
    for name, options in (
        ("graph_type", ("line", "bar", "binary")),
        ("reporting_status", ("notstarted", "inprogress", "complete", "notapplicable")),
    ):
        choices = [{"name": each, "value": each} for each in options]
        fields.append({"name": name, "field": {"element": "select", "label": name, "scope": "data", "options": choices}})
    return fields


def _config() -> dict[str, Any]:
    return {
        "site_dir": "_site",
        "languages": ["zh", "en"],
        "inputs": [
            {"class": "InputCsvData", "path_pattern": "data/indicator_*-*.csv"},
            {"class": "InputYamlMeta", "path_pattern": "meta/*-*.yml", "git": False},
        ],
        "translations": [{"class": "TranslationInputYaml", "source": "translations"}],
        "schema": [{"class": "SchemaInputOpenSdg", "schema_path": SCHEMA}],
        "indicator_options": {
            "non_disaggregation_columns": ["Year", "Units", "Series", "Value", *ATTRIBUTES],
            "observation_attributes": list(ATTRIBUTES),
            "series_column": "Series",
            "unit_column": "Units",
        },
        "docs_branding": "SciCity",
    }


def _translations(city: Any, series: Mapping[str, Any]) -> dict[str, bytes]:
    """What the keys of the data are called."""
    zones = names_of(Names.read(city), city).get("zone", {})
    found = {}
    for at, language in ((0, "zh"), (1, "en")):
        data: dict[str, str] = {zone: clean(said[at]) for zone, said in zones.items()}
        for kind, said in SERIES.items():
            data[kind] = said[at]
            data[f"{kind} second"] = said[at] + ("（第二个数）" if language == "zh" else " (second number)")
        data |= {each: each.replace("_", " ") for each in PROGRESS if language == "en"}
        data |= {"Zone": ("分区", "Zone")[at]}
        found[f"translations/{language}/data.yml"] = _yaml(data)
    return found


def _yaml(told: Any) -> bytes:
    text: str = yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=10_000)
    return text.encode()


BUILD = '''"""Builds the set with Open SDG's builder: pip install its package `sdg`, then python build.py."""

import sys

from sdg.open_sdg import open_sdg_build, open_sdg_check

if __name__ == "__main__":
    good = open_sdg_check(config="config_data.yml") and open_sdg_build(config="config_data.yml")
    sys.exit(0 if good else 1)
'''


def _readme(city: Any) -> str:
    return (
        f"# {city.district.name('en')} · {city.district.name('zh')}\n\n"
        "Indicators for Open SDG: `data/` has the values, `meta/` the metadata in English and `meta/zh/` in Chinese.\n"
        "`python build.py` checks and builds them with sdg-build into `_site/`.\n\n"
        "Rows without a zone are of the whole district. `Series` is `reported` (what a report states), `manual` (entered\n"
        "by hand) or `measured` (computed from the district's data); `Stand-in` is true where data of another place lie \n"
        "below; `Review` says whether somebody has seen the document; `Lineage` is the address that opens the value. A bound\n"
        "says so in `COMMENT_OBS`.\n"
    )
