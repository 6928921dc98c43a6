"""What a chart is told, turned into properties for the island that draws it and rows for the table beside it.

A page tells a chart as a mapping, so that a domain needs no import of the cockpit:

    id, kind (line, bar, calendar, sankey), title (zh, en), unit, note (zh, en)?
    line, bar:  axis (zh, en), labels [text], series [{name: (zh, en), figures: [Figure | None], kind?: line | bar | limit,
                stack?: text (bars of one text stand upon each other)}]
    calendar:   figures {date: Figure}, colours? (palette name), pieces? [(up to, colour, (zh, en))]
    sankey:     measure (zh, en), links [{source: (zh, en), target: (zh, en), figure: Figure}]
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from scicity.cockpit.opening import path_of
from scicity.kernel.lineage import Figure


def number(figure: Figure | None) -> float | None:
    """The value as a chart draws it; unknown is a gap."""
    return None if figure is None or figure.value is None else float(figure.value)


def why(figure: Figure | None) -> str | None:
    """Where a click on a point leads."""
    return None if figure is None else path_of(figure.address)


def in_language(pair: Any, language: str) -> str:
    """One text of a pair; a plain text stays as it is."""
    return str(pair[0 if language == "zh" else 1]) if isinstance(pair, (tuple, list)) else str(pair)


def spec(told: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The properties of the island `chart`."""
    base = {
        "kind": told["kind"],
        "title": in_language(told["title"], language),
        "unit": told.get("unit", ""),
        "language": language,
    }
    if told["kind"] == "sankey":
        links = [
            {
                "source": in_language(link["source"], language),
                "target": in_language(link["target"], language),
                "value": number(link["figure"]),
                "why": why(link["figure"]),
            }
            for link in told["links"]
            if number(link["figure"])
        ]
        names = list(dict.fromkeys(name for link in links for name in (link["source"], link["target"])))
        return {**base, "nodes": [{"name": name} for name in names], "links": links}
    if told["kind"] == "calendar":
        days = [[day.isoformat(), number(figure), why(figure)] for day, figure in sorted(told["figures"].items())]
        pieces = [
            {"to": to, "colour": colour, "name": in_language(name, language)} for to, colour, name in told.get("pieces", ())
        ]
        return {**base, "days": days, "pieces": pieces}
    series = [
        {
            "name": in_language(one["name"], language),
            "kind": one.get("kind", told["kind"]),
            **({"stack": one["stack"]} if "stack" in one else {}),
            "values": [number(figure) for figure in one["figures"]],
            "why": [why(figure) for figure in one["figures"]],
        }
        for one in told["series"]
    ]
    return {**base, "axis": in_language(told["axis"], language), "labels": list(map(str, told["labels"])), "series": series}


def table(told: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of the table beside a chart."""
    if told["kind"] == "calendar":
        figures: Mapping[date, Figure] = told["figures"]
        months = sorted({(day.year, day.month) for day in figures})
        by_day = {(day.year, day.month, day.day): figure for day, figure in figures.items()}
        return {
            "days": [str(day) for day in range(1, 32)],
            "months": [(f"{y}-{m:02d}", [by_day.get((y, m, d)) for d in range(1, 32)]) for y, m in months],
        }
    if told["kind"] == "sankey":
        return {}
    columns = [one["figures"] for one in told["series"]]
    return {"table": list(zip(map(str, told["labels"]), zip(*columns, strict=True), strict=True))}
