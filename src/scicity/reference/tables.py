"""The page of the tables: what each domain declares."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from scicity.domains import __path__ as domains
from scicity.kernel.district import District
from scicity.kernel.tables import Derived, Read, Source, Table, discover
from scicity.reference.markdown import code, codes, table
from scicity.vocabulary import term

NOBODY = "no-district"  # a folder that is not there: tables that only a district's own files call for are not listed


def page(home: Path, hidden: Container[Path] = ()) -> str:
    """Every table: kind, what it says, grain, partition, where its rows come from, columns with their units."""
    catalog = discover(district=District(home / NOBODY, {"district": {}}))
    names: dict[str, list[str]] = {}
    for name in sorted(catalog.tables):
        if Path(domains[0]) / catalog[name].domain / "tables.py" not in hidden:
            names.setdefault(catalog[name].domain, []).append(name)
    text = (
        "# 数据表 · Tables\n\nA *source* is written by people, a *recorded* table on pages, a *reading* is sent by devices,\n"
    )
    text += "a *derived* table is a function of others. "
    text += "A column is a word of the [glossary](glossary.md). A unit stands in brackets.\n"
    for domain, mine in names.items():
        text += f"\n## {domain}\n" + "".join(entry(catalog[name]) for name in mine)
    return text


def entry(declared: Table) -> str:
    """One table."""
    text = f"\n### {declared.name}\n\n"
    title = " · ".join(part for part in (declared.title_zh, declared.title_en) if part)
    text += f"**{title}.** " if title else ""
    text += " ".join(declared.doc.split()) + "\n\n"
    rows = [("kind", declared.kind), ("grain", codes(declared.grain)), ("partition", partition_of(declared))]
    if isinstance(declared, Source):
        rows.append(("file", code(declared.path) + (" of the domain" if declared.packaged else " of the district")))
    if isinstance(declared, Derived):
        rows.append(("reads", ", ".join(read_of(read) for read in declared.reads.values())))
    optional = declared.optional if isinstance(declared, Source) else ()
    columns = ", ".join(column_of(name) + (" (optional)" if name in optional else "") for name in declared.columns)
    return text + table(["", ""], [*rows, ("columns", columns)])


def partition_of(declared: Table) -> str:
    """How its rows are spread over files."""
    period = "whole" if declared.period == "all" else f"{declared.period} of {code(declared.time)}"
    return period + (f", buckets of {code(declared.key)}" if declared.key else "")


def read_of(read: Read) -> str:
    """A table that is read, and which of its columns where not all are."""
    return code(read.table) + (f" ({', '.join(read.columns)})" if read.columns else "")


def column_of(name: str) -> str:
    """A column with its unit."""
    symbol = term(name).symbol
    return code(name) + (f" [{symbol}]" if symbol else "")
