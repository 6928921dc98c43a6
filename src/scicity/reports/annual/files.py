"""The files of an annual report: in which forms it is written, and what a file is called."""

from __future__ import annotations

from typing import Any

from scicity.reports.annual import pdf, sheets, word
from scicity.reports.annual.parts import Document
from scicity.reports.annual.template_files import LANGUAGES, NAME, is_own, template_of

__all__ = ["FORMS", "LANGUAGES", "is_own", "name_of", "template_of", "written"]
FORMS = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
WRITERS = {"pdf": pdf.written, "docx": word.written, "xlsx": sheets.written}


def written(city: Any, document: Document, form: str, address: str = "") -> bytes:
    """A document as `pdf`, `docx` or `xlsx`: the same document gives the same bytes. Raises NoFont."""
    return WRITERS[form](document, city.district.calendar.tz, address)


def name_of(city: Any, year: int, language: str, form: str) -> str:
    """The name of a report's file."""
    return f"{city.district.slug}-{NAME}-{year}-{language}.{form}"
