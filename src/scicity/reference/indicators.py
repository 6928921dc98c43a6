"""The page of the indicators: the frameworks of the districts that lie here."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from scicity.domains.indicators.framework import Contents, contents
from scicity.reference.markdown import code, table


def page(home: Path, hidden: Container[Path] = ()) -> str:
    """Every indicator of every framework: names, unit, formula, printed values and targets."""
    text = "# 指标 · Indicators\n\nAn indicator is measured where it has a formula, and reported where a document prints it.\n"
    for file in sorted(home.glob("districts/*/frameworks/*.yaml")):
        if file not in hidden:
            place = file.relative_to(home).as_posix()
            text += framework(contents(file.read_bytes(), place), place)
    return text


def framework(found: Contents, place: str) -> str:
    """One framework with its indicators."""
    text = ""
    for about in found.rows["framework"]:
        text += (
            f"\n## {about['name_zh']} · {about['name_en']}\n\n[{place}](../../{place}): {about.get('document', 'no document')}"
        )
        text += f" ({about.get('review', 'unverified')}).\n\n"
    rows = [line(row, found) for row in found.rows["indicator"]]
    return text + table(["indicator", "中文", "English", "unit", "better", "formula", "printed", "targets"], rows)


def line(row: Mapping[str, Any], found: Contents) -> tuple[object, ...]:
    """One indicator: what each year's value and target are, where there are any."""
    name = row["indicator"]
    formula = f"{code(row['formula'])} over {code(row['formula_table'])}" if row.get("formula") else ""
    printed = [f"{r['year']}: {r['printed']}{zone_of(r)}" for r in found.rows["reported"] if r["indicator"] == name]
    targets = [f"{r['year']}: {ends_of(r)}{zone_of(r)}" for r in found.rows["target"] if r["indicator"] == name]
    names = (code(name), row.get("name_zh"), row.get("name_en"), row.get("unit"), row.get("direction"))
    return (*names, formula, "; ".join(printed), "; ".join(targets))


def ends_of(row: Mapping[str, Any]) -> str:
    """A target: one value, or the two ends of a range."""
    return f"{row['value']}" + (f" to {row['value_high']}" if row.get("value_high") is not None else "")


def zone_of(row: Mapping[str, Any]) -> str:
    """The zone of a row, where it is not the whole."""
    return "" if row.get("zone") in (None, "district") else f" ({row['zone']})"
