"""Charts of a report as shares of a rectangle: bars on each other and lines, with a scale. Pure; the page draws them."""

from __future__ import annotations

import math
from typing import Any

from scicity.cockpit import digits
from scicity.reports.content import Table
from scicity.reports.words import scaled

MOST_LABELS = 14
STEPS = (1, 2, 2.5, 5, 10)
LINES = 4  # of the scale, about


def drawn(table: Table, language: str) -> dict[str, Any] | None:
    """A section as a chart, or None where it has none. Shares from 0 to 1: x from the left, y from the bottom."""
    section = table.section
    if not section.chart:
        return None
    places = [at for at, head in enumerate(table.heads) if head.numbers and _is_drawn(table, at)]
    series = [[_number(row[at]) for row in table.rows] for at in places]
    if not any(value is not None for values in series for value in values):
        return None
    names = [table.heads[at].zh if language == "zh" else table.heads[at].en for at in places]
    stacked = section.chart == "bars"
    sums = [[value for value in at_once if value is not None] for at_once in zip(*series, strict=True)]
    if stacked:
        highest = max(sum(value for value in values if value > 0) for values in sums)
        lowest = min(sum(value for value in values if value < 0) for values in sums)
    else:
        highest, lowest = (pick(value for values in sums for value in values) for pick in (max, min))
    low, high, ticks = scale(min(lowest, 0.0), max(highest, 0.0))
    symbol = next((table.heads[at].symbol for at in places), "")
    symbol, divisor = scaled(max(abs(high), abs(low)), symbol, language)

    def share(value: float) -> float:
        return round((value - low) / (high - low), 5)

    labels = [row[0].text(language) for row in table.rows]
    return {
        "kind": section.chart,
        "names": names,
        "unit": digits.in_language(symbol, language),
        "ticks": [[share(tick), digits.plain(digits.exact(round(tick, 9)) / divisor)] for tick in ticks],
        "zero": share(0.0),
        "labels": _labels(labels, section.chart),
        "bars": _bars(series, share) if stacked else [],
        "lines": [] if stacked else _lines(series, share),
    }


def scale(low: float, high: float) -> tuple[float, float, list[float]]:
    """A range of round numbers around two numbers, and the numbers between that are written."""
    span = (high - low) or 1.0
    rough = span / LINES
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in STEPS if power * each >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    return first * step, last * step, [number * step for number in range(first, last + 1)]


def _is_drawn(table: Table, at: int) -> bool:
    if table.section.by:
        return True
    wanted = table.section.charted or (table.section.columns[-1],)
    figures = (row[at].figure for row in table.rows)
    return any(figure is not None and figure.column in wanted for figure in figures)


def _number(cell: Any) -> float | None:
    value = cell.figure.value if cell.figure is not None else None
    return None if value is None or not math.isfinite(value) else float(value)


def _labels(texts: list[str], kind: str) -> list[list[Any]]:
    """The texts below the axis and where they stand: all, every so many, or of long series the begin of each month."""
    count = len(texts)

    def place(at: int) -> float:
        return round((at + 0.5) / count, 5) if kind == "bars" else round(at / max(count - 1, 1), 5)

    if count > 5 * MOST_LABELS:
        return [[place(at), text[:7]] for at, text in enumerate(texts) if text.endswith("-01")]
    every = -(-count // MOST_LABELS)
    same = len({text[:7] for text in texts}) == 1  # days of one month: their number says which
    return [[place(at), text[8:] if same and len(text) > 8 else text] for at, text in enumerate(texts) if at % every == 0]


def _bars(series: list[list[float | None]], share: Any) -> list[list[float]]:
    """Rectangles: series, left, width, bottom, height."""
    count = len(series[0])
    width = round(0.66 / count, 5)
    found = []
    for at in range(count):
        up = down = 0.0
        left = round((at + 0.17) / count, 5)
        for number, values in enumerate(series):
            value = values[at]
            if not value:
                continue
            begin, end = (up, up + value) if value > 0 else (down + value, down)
            up, down = (end, down) if value > 0 else (up, begin)
            found.append([number, left, width, share(begin), round(share(end) - share(begin), 5)])
    return found


def _lines(series: list[list[float | None]], share: Any) -> list[dict[str, Any]]:
    """Lines, broken where a value is unknown."""
    found: list[dict[str, Any]] = []
    count = len(series[0])
    for number, values in enumerate(series):
        points: list[list[float]] = []
        for at, value in enumerate([*values, None]):
            if value is not None:
                points.append([round(at / max(count - 1, 1), 5), share(value)])
            elif points:
                found.append({"series": number, "points": points})
                points = []
    return found
