"""The pages of the words: glossary, problems, settings."""

from __future__ import annotations

import csv
from pathlib import Path

from scicity import vocabulary
from scicity.kernel import problems as kernel_problems
from scicity.kernel.district import ZONE
from scicity.reference.markdown import code, table

SETTINGS = Path(vocabulary.__file__).parent / "settings.csv"
PLACES = {
    "environment": ("环境变量", "Environment variables"),
    "district.toml": ("district.toml 的字段", "Keys of district.toml"),
}


def glossary() -> str:
    """Every term with its unit, in both languages."""
    rows = [
        (code(term.term), term.zh, term.en, term.type, term.symbol or "", term.definition, term.standard)
        for term in vocabulary.terms().values()
    ]
    text = "# 术语 · Glossary\n\nA column of any table is one of these words: one meaning, one type, one unit.\n"
    text += "`real` is a floating-point number; `decimal` and `factor` are exact; an `instant` is UTC.\n\n"
    return text + table(["term", "中文", "English", "type", "unit", "definition", "standard"], rows)


def problems() -> str:
    """Every kind of problem with its remedy, in both languages."""
    rows = [
        (code(found["code"]), found["zh"], found["remedy_zh"], found["en"], found["remedy_en"])
        for found in kernel_problems.catalogue().values()
    ]
    text = "# 问题 · Problems\n\nWhat `./scicity check` can find.\n"
    text += "Each problem also names file, row, field, what was found and what was expected.\n\n"
    return text + table(["code", "问题", "处理办法", "problem", "remedy"], rows)


def settings() -> str:
    """Every setting: of the environment, and of a district's own file."""
    text = "# 设置 · Settings\n"
    rows = settings_told()
    for place, (zh, en) in PLACES.items():
        mine = [(code(row["setting"]), row["default"], row["zh"], row["en"]) for row in rows if row["place"] == place]
        text += f"\n## {zh} · {en}\n\n" + table(["setting", "unless said", "说明", "what it says"], mine)
    zones = [
        (code(name), vocabulary.term(name).zh, vocabulary.term(name).en, "" if name in ZONE.optional else "yes")
        for name in ZONE.columns
    ]
    return (
        text
        + "\n`[[zone]]` has the columns of `district.zone`; the zone `district` is the whole:\n\n"
        + table(["key", "中文", "English", "needed"], zones)
    )


def settings_told() -> list[dict[str, str]]:
    """The rows of `settings.csv`."""
    with SETTINGS.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))
