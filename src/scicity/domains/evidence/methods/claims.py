"""Statements as columns: the interval that each leaves open, its period, whom it is about, and the sentence it stands in.

Values are in the units of their statements [UCUM]. Source: own rules; what they know of measures and units stands in data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from scicity.domains.evidence.methods import numerals
from scicity.domains.evidence.methods.found import fits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ABOUT = 0.05  # what 约 leaves open, of the value; at least half a step of the last printed digit
ABOVE = ("over", ">", ">=")
BELOW = ("<", "<=")
SENTENCE_ENDS = "。；;！？!?"
SHORTEST_RUN_ON = 30  # characters; a line of so many that ends in no mark goes on in the next
NO_DAY = -1
PERIOD = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
ASIDE = re.compile(r"[（(](?:脚注|图|表|注)\s*\d*[）)]|[“”\"'‘’《》\s]")
ALIKE = 0.6  # share of common pairs of signs from which two subjects are one


@dataclass(frozen=True)
class Claims:
    """Statements as columns of one length n; `low` and `high` [the statement's unit] are what each leaves open."""

    rows: Sequence[Mapping[str, Any]]
    value: Floats
    low: Floats
    high: Floats
    first_day: Ints  # ordinal of the period's first day; NO_DAY where it has none
    last_day: Ints
    sentence: Ints
    subject: list[str]
    base: list[str]  # the subject without its scope words
    scope: list[frozenset[str]]
    numbers: list[numerals.Number | None]
    sentences: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[str]:
        """A column of the statements as text; what is empty is ''."""
        if name not in self._columns:
            self._columns[name] = [str(row.get(name) or "") for row in self.rows]
        return self._columns[name]

    @cached_property
    def _columns(self) -> dict[str, list[str]]:
        return {}

    def chosen(self, measures: Any, units: Any, subjects: Any = "*") -> list[int]:
        """The places of statements with a value whose measure, unit and subject fit patterns."""
        fitting = ~np.isnan(self.value)
        for (texts, places), patterns in zip(self._distinct, (measures, units, subjects), strict=True):
            fitting &= _fitting(patterns, texts)[places]
        return [int(i) for i in np.flatnonzero(fitting)]

    @cached_property
    def _distinct(self) -> list[tuple[tuple[str, ...], Ints]]:
        """The different measures, units and subjects, and which of them each statement has."""
        found = []
        for texts in (self.column("measure_en"), self.column("unit"), self.subject):
            number = {text: k for k, text in enumerate(dict.fromkeys(texts))}
            found.append((tuple(number), np.array([number[text] for text in texts], dtype=np.int64)))
        return found

    def dated(self, i: int) -> bool:
        """Whether a statement says its period."""
        return bool(self.first_day[i] != NO_DAY)


@lru_cache(maxsize=numerals.KEPT)
def _fitting(patterns: Any, texts: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    return np.array([fits(patterns, text) for text in texts], dtype=bool)


def period_of(text: str) -> tuple[int, int] | None:
    """The first and last day of a period as ordinals: `2024`, `2024-06`, `2024-06-30`, `2013..2024`, `2018..`.

    An open end is its beginning's year. Raises ValueError for a day that no calendar has. Source: ISO 8601-1:2019, 4.
    """
    if not text.strip():
        return None
    start, dots, end = text.strip().partition("..")
    first = _days(start)
    last = _days(end) if end else first
    return first[0], (max(first[1], last[1]) if not dots else last[1])


def _days(text: str) -> tuple[int, int]:
    match = PERIOD.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no period")
    year, month, day = (int(part) if part else 0 for part in match.groups())
    if day:
        only = date(year, month, day).toordinal()
        return only, only
    if month:
        after = date(year + month // 12, month % 12 + 1, 1)
        return date(year, month, 1).toordinal(), (after - timedelta(days=1)).toordinal()
    return date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()


def years_of(text: str) -> tuple[int, int] | None:
    """The first and last calendar year of a period, or None."""
    try:
        found = period_of(text)
    except ValueError:
        return None
    return None if found is None else (date.fromordinal(found[0]).year, date.fromordinal(found[1]).year)


def intervals(value: Floats, step: Floats, comparator: Sequence[str]) -> tuple[Floats, Floats]:
    """What statements leave open: `low`, `high` [the unit of `value`], shape (n,).

    `=`: half of the last printed digit each way; `~`: 5 % or one such digit; over, >, >=: from the value on; <, <=: up to it.
    `step` [the unit of `value`]: that of the last printed digit, 0 where a number is exact. Source: GB/T 8170-2008, 3.
    """
    said = np.asarray(comparator, dtype=object)
    half = np.where(said == "~", np.maximum(np.abs(value) * ABOUT, step), step / 2)
    low = np.where(np.isin(said, BELOW), -np.inf, np.where(np.isin(said, ABOVE), value, value - half))
    high = np.where(np.isin(said, ABOVE), np.inf, np.where(np.isin(said, BELOW), value, value + half))
    return low, high


def claims_of(
    rows: Sequence[Mapping[str, Any]], lines: Mapping[str, Mapping[int, str]], scope_words: Mapping[str, str] | None = None
) -> Claims:
    """The statements as columns. `lines`: of each document the texts by number, where they are there.

    Source: the columns of `indicators.statement`.
    """
    scope_words = scope_words or {}
    numbers = [numerals.read(str(row.get("value_reported") or "")) for row in rows]
    value = np.array([_real(row.get("value")) for row in rows], dtype=float)
    top = np.array([_real(row.get("value_high")) for row in rows], dtype=float)
    ratio = np.array([float(number.value) if number and number.value else np.nan for number in numbers])
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.abs(np.where(np.isfinite(ratio), value / ratio, 1.0))
    step = np.array([float(number.step) if number else 0.0 for number in numbers]) * np.where(np.isfinite(scale), scale, 1.0)
    counted = np.array([str(row.get("unit") or "").startswith("{") for row in rows], dtype=bool)
    step = np.where(counted & (step <= 1), 0.0, step)  # what is counted one by one is exact
    low, high = intervals(value, step, [str(row.get("comparator") or "=") for row in rows])
    high = np.where(np.isfinite(top), np.maximum(high, top), high)
    days = [_safe_period(str(row.get("stated_period") or "")) for row in rows]
    subject = [ASIDE.sub("", numerals.plain(str(row.get("subject_zh") or row.get("subject_en") or ""))) for row in rows]
    english = [str(row.get("subject_en") or "").lower() for row in rows]
    scope = [
        frozenset(meaning for word, meaning in scope_words.items() if word in text or word in other)
        for text, other in zip(subject, english, strict=True)
    ]
    sentence, texts = _sentences(rows, lines)
    return Claims(
        rows=rows,
        value=value,
        low=low,
        high=high,
        first_day=np.array([day[0] for day in days], dtype=np.int64),
        last_day=np.array([day[1] for day in days], dtype=np.int64),
        sentence=sentence,
        subject=subject,
        base=[_without(text, scope_words) for text in subject],
        scope=scope,
        numbers=numbers,
        sentences=texts,
    )


def _real(value: Any) -> float:
    return float("nan") if value is None or value == "" else float(value)


def _safe_period(text: str) -> tuple[int, int]:
    try:
        return period_of(text) or (NO_DAY, NO_DAY)
    except ValueError:
        return NO_DAY, NO_DAY


def _without(text: str, words: Mapping[str, str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return text


def _sentences(rows: Sequence[Mapping[str, Any]], lines: Mapping[str, Mapping[int, str]]) -> tuple[Ints, dict[int, str]]:
    """The number of the sentence that each statement stands in, and the sentences' texts; without a text, its line or quote."""
    flowing = {document: _flow(texts) for document, texts in lines.items()}
    numbers: dict[tuple[str, Any], int] = {}
    texts: dict[int, str] = {}
    found = np.zeros(len(rows), dtype=np.int64)
    for i, row in enumerate(rows):
        document, line, quote = str(row.get("document") or ""), row.get("line"), str(row.get("quote_zh") or "")
        key: tuple[str, Any] = (document, ("line", line if line is not None else quote))
        text = quote
        if document in flowing and line in flowing[document][1]:
            whole, starts, cuts = flowing[document]
            at = whole.find(quote, starts[line])
            if at >= 0:
                k = int(np.searchsorted(cuts, at, side="right"))
                key, text = (document, k), whole[cuts[k - 1] if k else 0 : cuts[k] if k < len(cuts) else None]
        found[i] = numbers.setdefault(key, len(numbers))
        texts[found[i]] = text
    return found, texts


def _flow(texts: Mapping[int, str]) -> tuple[str, dict[int, int], npt.NDArray[np.int64]]:
    """A document as one text, where each line begins, and where sentences end: at a mark or the end of a paragraph."""
    whole, starts, cuts, length = [], {}, [], 0
    order = sorted(texts)
    for line, after in [*pairwise(order), *([(order[-1], None)] if order else [])]:
        text = texts[line]
        starts[line] = length
        cuts += [length + k + 1 for k, sign in enumerate(text) if sign in SENTENCE_ENDS]
        whole.append(text)
        length += len(text)
        goes_on = len(text) >= SHORTEST_RUN_ON and text.rstrip()[-1:] not in SENTENCE_ENDS + "：:" and after is not None
        if not goes_on:
            cuts.append(length)
    return "".join(whole), starts, np.unique(np.array(cuts, dtype=np.int64))


@lru_cache(maxsize=numerals.KEPT)
def pairs_of(text: str) -> frozenset[str]:
    """The pairs of neighbouring signs of a text."""
    return frozenset(text[k : k + 2] for k in range(len(text) - 1)) or frozenset({text})


@lru_cache(maxsize=1 << 16)
def likeness(first: str, second: str) -> float:
    """How alike two subjects are, from 0 to 1: twice the common pairs of signs over all; 0 where their numbers differ.

    Source: L. R. Dice, Ecology 26 (1945), 297-302, doi:10.2307/1932409.
    """
    if first == second:
        return 1.0
    if re.findall(r"\d+", first) != re.findall(r"\d+", second):
        return 0.0
    mine, theirs = pairs_of(first), pairs_of(second)
    return 2 * len(mine & theirs) / (len(mine) + len(theirs))
