"""Templates and the files of an annual report: which template counts, what a file is called, its form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scicity.kernel.files import plain_files, text_of
from scicity.kernel.problems import Problems
from scicity.reports.annual import pdf, sheets, word
from scicity.reports.annual.parts import Document
from scicity.reports.annual.template import LARGEST, read

HERE = Path(__file__).parent
FILES = "reports/*.md"
NAME = "annual"
LANGUAGES = ("zh", "en")
FORMS = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
WRITERS = {"pdf": pdf.written, "docx": word.written, "xlsx": sheets.written}


def template_of(folder: Path, language: str) -> str:
    """The template of a district in a language: its own file `reports/annual.zh.md`, else the one that comes with the program.

    A file that cannot be read as text is no template: the check of the district tells why.
    """
    problems = Problems()
    for file, place in plain_files(Path(folder), FILES, problems, LARGEST * 4):
        if file.name == f"{NAME}.{language}.md":
            text = text_of(file.read_bytes(), place, problems)
            if text is not None:
                return text
    return (HERE / f"{NAME}.{language}.md").read_text(encoding="utf-8")


def is_own(folder: Path, language: str) -> bool:
    """Whether a district has a template of its own in a language."""
    return (Path(folder) / "reports" / f"{NAME}.{language}.md").is_file()


def check(folder: Path, problems: Problems) -> None:
    """What is wrong with the templates of a district's folder, before anything is looked up."""
    wanted = {f"{NAME}.{language}.md" for language in LANGUAGES}
    for file, place in plain_files(Path(folder), FILES, problems, LARGEST * 4):
        if file.name not in wanted:
            if file.name != "README.md":
                problems.add("file-unknown", place, found=file.name, expected="one of " + ", ".join(sorted(wanted)))
            continue
        text = text_of(file.read_bytes(), place, problems)
        for fault in read(text).faults if text is not None else ():
            expected, remedy = fault.expected[1], fault.remedy[1]
            problems.add(
                "report-template",
                place,
                fault.line,
                f"sign {fault.column}",
                found=fault.found,
                expected=expected,
                remedy=remedy,
            )


def written(city: Any, document: Document, form: str, address: str = "") -> bytes:
    """A document as `pdf`, `docx` or `xlsx`: the same document gives the same bytes. Raises NoFont."""
    return WRITERS[form](document, city.district.calendar.tz, address)


def name_of(city: Any, year: int, language: str, form: str) -> str:
    """The name of a report's file."""
    return f"{city.district.slug}-{NAME}-{year}-{language}.{form}"
