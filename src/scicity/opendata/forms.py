"""A dataset as CSV and as JSON. Both hold every line with its unit, origin, coverage, stand-in mark and review."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from scicity.opendata.datasets import Dataset, columns_of, lines, spans, state_of, word

FORMULA = ("=", "+", "-", "@", "\t", "\r")
NUMBERS = ("value", "coverage")


def as_csv(city: Any, dataset: Dataset) -> bytes:
    """CSV after RFC 4180 in UTF-8. A text that a spreadsheet would take for a formula is led by an apostrophe."""
    into = io.StringIO()
    out = csv.writer(into, lineterminator="\r\n")
    columns = columns_of(dataset)
    out.writerow(columns)
    for line in lines(city, dataset):
        out.writerow([line[name] if name in NUMBERS else safe(line[name]) for name in columns])
    return into.getvalue().encode()


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def as_json(city: Any, dataset: Dataset, offset: int = 0, limit: int | None = None) -> bytes:
    """JSON: what the dataset is, its columns with names, and its lines, or `limit` of them from `offset` on.

    `value` and `coverage` are numbers, null where unknown.
    """
    every = list(lines(city, dataset))
    chosen = every[offset : None if limit is None else offset + limit]
    digest, at = state_of(city, dataset)
    begin, end = spans(city, dataset)
    told = {
        "dataset": dataset.name,
        "title": {"zh": dataset.zh, "en": dataset.en},
        "description": {"zh": dataset.about[0], "en": dataset.about[1]},
        "district": {"zh": city.district.name("zh"), "en": city.district.name("en")},
        "temporal": {"start": begin, "end": end},
        "modified": at.isoformat().replace("+00:00", "Z"),
        "state": digest,
        "total": len(every),
        "offset": offset,
        "columns": [{"name": name, "zh": word(name)[0], "en": word(name)[1]} for name in columns_of(dataset)],
        "lines": "§",
    }
    head, tail = json.dumps(told, ensure_ascii=False).split('"§"')
    body = ",\n".join(_line(line) for line in chosen)
    return f"{head}[\n{body}\n]{tail}\n".encode()


def _line(line: dict[str, Any]) -> str:
    """A line whose numbers are written digit by digit, as they are known."""
    parts = []
    for name, value in line.items():
        text = (value or "null") if name in NUMBERS else json.dumps(value, ensure_ascii=False)
        parts.append(f"{json.dumps(name)}:{text}")
    return "{" + ",".join(parts) + "}"
