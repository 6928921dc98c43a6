"""The templates of a district's folder: which one counts, and what is wrong with them. Reads no table."""

from __future__ import annotations

from pathlib import Path

from scicity.kernel.files import plain_files, text_of
from scicity.kernel.problems import Problems
from scicity.reports.annual.template import LARGEST, read

HERE = Path(__file__).parent
FILES = "reports/*.md"
NAME = "annual"
LANGUAGES = ("zh", "en")


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
