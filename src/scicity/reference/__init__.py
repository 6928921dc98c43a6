"""The reference: pages of `docs/reference/`, rendered from what the code and the data say of themselves."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from scicity.reference import commands, features, indicators, methods, sensorthings, tables, words

FOLDER = "docs/reference"
HEAD = "<!-- Rendered by `./scicity docs` from {source}; change it there. -->\n\n"


def pages(home: Path, hidden: Container[Path] = ()) -> dict[str, str]:
    """Every page of the reference by its file's name. Parts whose file is in `hidden` are left out."""
    found = {
        "glossary.md": ("src/scicity/vocabulary/terms.csv", words.glossary()),
        "problems.md": ("src/scicity/vocabulary/problems.csv", words.problems()),
        "settings.md": ("src/scicity/vocabulary/settings.csv and the table of zones", words.settings()),
        "tables.md": ("tables.py of every domain", tables.page(home, hidden)),
        "methods.md": ("methods/ of every domain", methods.page(home, hidden)),
        "indicators.md": ("frameworks/*.yaml of every district", indicators.page(home, hidden)),
        "sensorthings.md": ("requirements.csv and the tests that name them", sensorthings.page(home, hidden)),
        "ogc-features.md": ("requirements.csv and the tests that name them", features.page(home, hidden)),
        "commands.md": ("src/scicity/commands/", commands.page(home, hidden)),
    }
    return {name: HEAD.format(source=source) + text.rstrip("\n") + "\n" for name, (source, text) in found.items()}
