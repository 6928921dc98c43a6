"""The annual report of the sample: what its appendix prints stands in it as printed, and its targets with their distance."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfReader

from scicity.city import City
from scicity.reports.annual import files, making
from scicity.reports.annual.parts import Document
from scicity.reports.content import address_of
from tests.reports import glyphs

SAMPLE = Path(__file__).parents[2] / "districts" / "future-science-city"
pytestmark = [pytest.mark.sample, pytest.mark.slow]
# indicator, column, year, value of the whole district: report.zh.txt, appendix and section 6.2
PRINTED = (
    ("leading-talents", "value", 2022, 1487.0),
    ("leading-talents", "value", 2023, 1700.0),
    ("national-level-innovation-platforms", "value", 2023, 46.0),
    ("pct-international-patent-applications", "value", 2022, 500.0),
    ("blue-green-space-share", "value", 2023, 43.2),
    ("blue-green-space-share", "target", 2023, 50.0),
    ("blue-green-space-share", "distance", 2023, 6.8),
    ("share-of-green-buildings-in-new-civil-buildings", "value", 2023, 92.4),
    ("share-of-green-buildings-in-new-civil-buildings", "value_high", 2023, 56.1),
)


@pytest.fixture(scope="module")
def city(shipped: Callable[[str], City]) -> City:
    return shipped("future-science-city")


def made(city: City, language: str) -> Document:
    return making.made(city, files.template_of(SAMPLE, language), 2023, language)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_printed_numbers_stand_in_the_report(city: City, language: str) -> None:
    document = made(city, language)
    found = {(figure.key.get("indicator"), figure.column, figure.key.get("year")): figure for figure in document.figures}
    for name, column, year, value in PRINTED:
        figure = found[name, column, year]
        assert figure.value == pytest.approx(value, rel=1e-12), (name, column)
        assert figure.origin == "reported"
    signs = {cell.figure.key["indicator"]: cell.sign for table in document.tables for row in table.rows for cell in row
             if cell.figure is not None and cell.sign}  # fmt: skip
    assert signs["pct-international-patent-applications"] == ">"


def test_every_number_is_the_one_of_its_table_at_its_version(city: City) -> None:
    document = made(city, "zh")
    assert len(document.figures) > 200
    for figure in document.figures:
        assert city.figures.figure(address_of(figure)).value == figure.value, figure.address


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_glyph_is_missing(city: City, language: str) -> None:
    assert glyphs.missing(PdfReader(io.BytesIO(files.written(city, made(city, language), "pdf")))) == []
