"""Findings as pages ask for them: filtered, with their statements, and with what people decided."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scicity.domains.evidence.models import SETTLED, Settlement

PER_PAGE = 20
FILTERS = ("kind", "severity", "state")
KINDS = {
    "reading": ("录入与原文", "taken down apart from the print"),
    "said_twice": ("同一事项两种说法", "said twice differently"),
    "parts": ("部分与整体", "parts and wholes"),
    "change": ("占比与变化", "shares and changes"),
    "range": ("范围与比值", "ranges and ratios"),
    "target": ("目标与现状", "targets as facts"),
    "series": ("数列", "series"),
    "scope": ("口径与分母", "scopes and denominators"),
    "date": ("日期", "dates"),
    "measured": ("与实测", "against measurements"),
}
SEVERITIES = {"high": ("高", "high", "bad"), "medium": ("中", "medium", "estimated"), "low": ("低", "low", "old")}
STATES = {
    "open": ("未了结", "open", ""),
    "accepted": ("接受该读法", "reading accepted", "good"),
    "correction": ("已要求更正", "correction asked for", "estimated"),
    "note": ("已说明", "noted", "good"),
    "reopened": ("重新打开", "opened again", ""),
    "changed": ("陈述已变，需重新了结", "statements changed since it was settled", "bad"),
}
ROLES = {
    "statement": ("陈述", "statement"),
    "first": ("一处", "one place"),
    "second": ("另一处", "another place"),
    "part": ("部分", "part"),
    "whole": ("整体", "whole"),
    "share": ("占比", "share"),
    "fact": ("现状", "fact"),
    "target": ("目标", "target"),
    "reported": ("所报现状", "reported"),
    "earlier": ("前期", "earlier"),
    "later": ("后期", "later"),
    "numerator": ("分子", "numerator"),
    "denominator": ("分母", "denominator"),
    "change": ("变化", "change"),
    "level": ("水平", "level"),
}
ORDER = {"high": 0, "medium": 1, "low": 2}
OPEN = ("open", "reopened", "changed")


@dataclass(frozen=True)
class Shown:
    """A page of findings, how many there are, and how many of each kind, severity and state."""

    entries: list[dict[str, Any]]
    total: int
    page: int
    pages: int
    choices: dict[str, list[tuple[str, Any, str]]] = field(default_factory=dict)


def states(names: Iterable[str] | None = None) -> dict[str, Settlement | list[Settlement]]:
    """The settlements of findings by name and digest (`name|digest`), and all of a name under the name itself."""
    asked = Settlement.objects.all() if names is None else Settlement.objects.filter(finding__in=list(names))
    found: dict[str, Any] = {}
    for one in asked:
        found[f"{one.finding}|{one.claims_digest}"] = one
        found.setdefault(one.finding, []).append(one)
    return found


def state_of(row: Mapping[str, Any], settled: Mapping[str, Any]) -> tuple[str, Settlement | None]:
    """Where a finding stands: as its settlement says while its statements say the same, else open or changed since."""
    own = settled.get(f"{row['finding']}|{row['claims_digest']}")
    if own is not None:
        return own.settlement, own
    before = [one for one in settled.get(row["finding"], []) if one.settlement in SETTLED]
    return ("changed", before[-1]) if before else ("open", None)


def entry(
    row: Any, members: list[Any], statements: Mapping[str, Any], settled: Mapping[str, Any], checks: Mapping[str, Any]
) -> dict[str, Any]:
    """A finding as a page shows it."""
    state, settlement = state_of(row, settled)
    return {
        "row": row,
        "kind": KINDS.get(row["finding_kind"], (row["finding_kind"],) * 2),
        "severity": SEVERITIES.get(row["severity"], (row["severity"], row["severity"], "old")),
        "state": state,
        "state_words": STATES[state],
        "settlement": settlement,
        "check": checks.get(row["rule"]),
        "reason": (row["reason_zh"], row["reason_en"]),
        "claims": [
            {
                "row": member,
                "role": ROLES.get(member["claim_role"], (member["claim_role"],) * 2),
                "statement": statements.get(member["claim_id"]),
            }
            for member in members
        ],
    }


def entries(city: Any, where: Any = None) -> list[dict[str, Any]]:
    """The findings of the district, the gravest first, each with its statements and state."""
    rows = city.rows("evidence.finding", where=where)
    if not rows:
        return []
    members: dict[str, list[Any]] = defaultdict(list)
    for member in city.rows("evidence.finding_claim", where=where, order=["finding", "claim_id"]):
        members[member["finding"]].append(member)
    ids = {member["claim_id"] for each in members.values() for member in each}
    statements = {row["claim_id"]: row for row in city.rows("indicators.statement") if row["claim_id"] in ids}
    checks = {row["rule"]: row for row in city.rows("evidence.check")}
    settled = states(None if where is None else [row["finding"] for row in rows])
    found = [entry(row, members[row["finding"]], statements, settled, checks) for row in rows]
    return sorted(found, key=lambda e: (ORDER.get(e["row"]["severity"], 9), e["row"]["document"] or "", e["row"]["line"] or 0))


def shown(found: list[dict[str, Any]], wanted: Mapping[str, str]) -> Shown:
    """A page of the findings that match the filters; each choice with how many the other filters leave it."""

    def value(one: dict[str, Any], name: str) -> str:
        if name == "state":
            return "open" if one["state"] in OPEN else "settled"
        return str(one["row"]["finding_kind" if name == "kind" else name])

    def holds(one: dict[str, Any], but: str = "") -> bool:
        return all(not wanted.get(name) or value(one, name) == wanted[name] for name in FILTERS if name != but)

    words: dict[str, Mapping[str, Any]] = {
        "kind": KINDS,
        "severity": SEVERITIES,
        "state": {"open": ("未了结", "open"), "settled": ("已了结", "settled")},
    }
    choices = {}
    for name in FILTERS:
        counted = Counter(value(one, name) for one in found if holds(one, name))
        choices[name] = [
            (key, both, str(counted[key])) for key, both in words[name].items() if counted[key] or wanted.get(name) == key
        ]
    hits = [one for one in found if holds(one)]
    pages = max(1, -(-len(hits) // PER_PAGE))
    asked = wanted.get("page", "")
    page = min(max(int(asked), 1), pages) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
    return Shown(hits[(page - 1) * PER_PAGE : page * PER_PAGE], len(hits), page, pages, choices)
