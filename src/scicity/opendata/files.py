"""Open data as files in a folder: for Open SDG, as SDMX, or everything with its catalogue."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from scicity.opendata import dcat, forms, open_sdg, sdmx
from scicity.opendata.datasets import Dataset, offered

BASE = "https://example.org/open-data"  # where the catalogue's links lead unless an address is said


class NothingOpen(LookupError):  # noqa: N818  (reads as what happened)
    """A district that has nothing to export."""


def open_sdg_set(city: Any, domains: Collection[str] | None = None, base: str = "") -> dict[str, bytes]:
    """The set for Open SDG by path. Raises NothingOpen where the district has no indicators."""
    dataset = next((each for each in offered(city, domains) if each.name == "indicators"), None)
    if dataset is None:
        raise NothingOpen("there are no values of indicators yet")
    return open_sdg.files(city, dataset, base)


def sdmx_set(city: Any, domains: Collection[str] | None = None) -> dict[str, bytes]:
    """The datasets as SDMX-CSV 2.0 with their structures, by path. Raises NothingOpen."""
    datasets = _some(city, domains)
    found = {"structure.xml": sdmx.structure(city, datasets)}
    return found | {f"{dataset.name}.csv": sdmx.as_csv(city, dataset) for dataset in datasets}


def everything(city: Any, domains: Collection[str] | None = None, base: str = "") -> dict[str, bytes]:
    """All datasets in all forms with the catalogue, by path. Raises NothingOpen."""
    base = base or BASE
    datasets = _some(city, domains)
    found = {f"{dataset.name}.{form}": made(city, dataset, form) for dataset in datasets for form in dcat.DISTRIBUTIONS}
    sizes = {(dataset.name, form): len(found[f"{dataset.name}.{form}"]) for dataset in datasets for form in dcat.DISTRIBUTIONS}
    return found | {
        "structure.xml": sdmx.structure(city, datasets),
        "catalog.jsonld": dcat.catalogue(city, datasets, base, sizes),
    }


def made(city: Any, dataset: Dataset, form: str) -> bytes:
    """A dataset in a form: `csv`, `json` or `sdmx.csv`."""
    makers = {"csv": forms.as_csv, "json": forms.as_json, "sdmx.csv": sdmx.as_csv}
    return bytes(makers[form](city, dataset))


def write(content: Mapping[str, bytes], folder: Path) -> int:
    """Writes files below a folder; how many bytes. A path that would lead out of the folder is a fault of the program."""
    total = 0
    for name, data in content.items():
        file = folder / name
        if not file.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{name!r} leads out of the folder")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        total += len(data)
    return total


def _some(city: Any, domains: Collection[str] | None) -> list[Dataset]:
    found = offered(city, domains)
    if not found:
        raise NothingOpen("there are no figures to export yet")
    return found
