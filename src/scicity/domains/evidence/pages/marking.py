"""A report's lines as HTML, with its statements and their findings marked in place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any
from urllib.parse import quote

WORST = ("high", "medium", "low")


def marked(
    lines: Mapping[int, str],
    statements: Sequence[Mapping[str, Any]],
    of_claim: Mapping[str, Sequence[Mapping[str, Any]]],
    only: bool,
) -> str:
    """The lines of one document as paragraphs; `of_claim` has the findings of each statement, each with `words`.

    A statement's quote is marked; behind it stands the number of each of its findings as a link. With `only`, lines without a
    finding are left out.
    """
    by_line: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in statements:
        by_line[row["line"]].append(row)
    out = []
    for number in sorted(lines):
        mine = by_line.get(number, [])
        found = any(of_claim.get(row["claim_id"]) for row in mine)
        if only and not found:
            continue
        body = _line(lines[number], mine, of_claim) if mine else escape(lines[number])
        out.append(
            f'<p id="L{number}"{" class=quoted" if found else ""}>'
            f'<span class="line-number">{number}</span><span>{body}</span></p>'
        )
    return "".join(out)


def _line(text: str, mine: Sequence[Mapping[str, Any]], of_claim: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    spans = []
    for row in mine:
        start = text.find(row["quote_zh"] or "\0")
        if start >= 0:
            spans.append((start, start + len(row["quote_zh"]), row["claim_id"]))
    cuts = sorted({0, len(text), *(edge for start, end, _ in spans for edge in (start, end))})
    out = []
    for start, end in pairwise(cuts):
        here = [claim for first, last, claim in spans if first <= start and end <= last]
        part = escape(text[start:end])
        found = [one for claim in here for one in of_claim.get(claim, ())]
        if found:
            worst = min((one["severity"] for one in found), key=WORST.index)
            part = f'<mark class="found found-{worst}" title="{escape(" · ".join(here))}">{part}</mark>'
        elif here:
            part = f'<span class="claimed" title="{escape(" · ".join(here))}">{part}</span>'
        out.append(part)
        ends = [claim for first, last, claim in spans if last == end]
        told = {one["finding"]: one for claim in ends for one in of_claim.get(claim, ())}
        out.append(", ".join(_link(name, one) for name, one in told.items()))
    return "".join(out)


def _link(name: str, one: Mapping[str, Any]) -> str:
    href = f"/evidence/findings/{quote(name)}/"
    return f'<sup><a class="found-link" href="{href}" title="{escape(one["words"])}">{escape(one["mark"])}</a></sup>'
