"""All checks over a set of statements, and their findings as rows.

Values are in the units of their statements [UCUM]. Source: own rules; what they know of measures and units stands in data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from scicity.domains.evidence.methods.adding import adding
from scicity.domains.evidence.methods.changing import changing
from scicity.domains.evidence.methods.claims import Claims, claims_of
from scicity.domains.evidence.methods.dating import dating
from scicity.domains.evidence.methods.found import Found, Rules
from scicity.domains.evidence.methods.measuring import measuring
from scicity.domains.evidence.methods.ranging import ranging
from scicity.domains.evidence.methods.reading import reading
from scicity.domains.evidence.methods.saying import saying

TOLD = (
    *("document", "subject_zh", "subject_en", "measure_en", "comparator", "value", "value_high", "unit", "value_reported"),
    *("unit_reported", "stated_period", "baseline_period", "quote_zh", "status"),
)
ROW = (
    *("finding", "claim_id", "claim_role", "finding_kind", "rule", "severity", "document", "line", "arithmetic", "found_value"),
    *("expected_low", "expected_high", "symbol", "reason_zh", "reason_en", "claims_digest", "claims_counted"),
)
LONGEST_NAME = 300  # characters; a longer one is made of its digest
MOST = 20_000  # findings of a set of statements


def findings(
    rows: Sequence[Mapping[str, Any]],
    lines: Mapping[str, Mapping[int, str]],
    rules: Rules,
    values: Sequence[Mapping[str, Any]] = (),
    implied: Sequence[Mapping[str, Any]] = (),
    stations: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """What every check finds in statements: one row per finding and statement, in the columns `ROW`.

    `rows`: statements as `indicators.statement` has them [each in its unit]; `lines`: texts of documents by line. A finding's
    name is its rule and its statements; its digest changes when one of these does. Source: the registers in `standards/`.
    """
    claims = claims_of(rows, lines, {str(cue["cue"]): str(cue["meaning"]) for cue in rules.words("scope")})
    found: list[Found] = [
        *reading(claims, rules),
        *saying(claims, rules),
        *adding(claims, rules),
        *changing(claims, rules),
        *ranging(claims, rules),
        *dating(claims, rules),
        *measuring(claims, rules, values, implied, stations),
    ]
    told: dict[str, list[dict[str, Any]]] = {}
    for one in found[:MOST]:
        if one.rule in rules.checks:  # a check that the register leaves out is not made
            row = _rows(claims, one, rules)
            told.setdefault(row[0]["finding"], row)
    return [row for name in sorted(told) for row in told[name]]


def _rows(claims: Claims, one: Found, rules: Rules) -> list[dict[str, Any]]:
    check = rules.checks[one.rule]
    members: dict[int, str] = {}
    for i, role in one.members:
        members.setdefault(i, role)
    names = sorted(str(claims.rows[i].get("claim_id")) for i in members)
    name = ".".join([one.rule, *([one.about] if one.about else []), *names])
    if len(name) > LONGEST_NAME:
        name = f"{one.rule}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    shared = {
        "finding": name,
        "finding_kind": check["finding_kind"],
        "rule": one.rule,
        "severity": one.severity or check["severity"],
        "arithmetic": one.arithmetic,
        "found_value": one.found,
        "expected_low": one.low,
        "expected_high": one.high,
        "symbol": one.symbol or None,
        "reason_zh": one.reason[0] or check["reason_zh"] or check["name_zh"],
        "reason_en": one.reason[1] or check["reason_en"] or check["name_en"],
        "claims_digest": digest_of([claims.rows[i] for i in members]),
        "claims_counted": len(members),
    }
    return [
        {
            **shared,
            "claim_id": str(claims.rows[i].get("claim_id")),
            "claim_role": role,
            "document": claims.rows[i].get("document"),
            "line": claims.rows[i].get("line"),
        }
        for i, role in members.items()
    ]


def digest_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """A digest of what statements say, whatever their order; where they stand is no part of it. Source: FIPS 180-4."""
    each = sorted(repr([row.get("claim_id"), *(_plain(row.get(column)) for column in TOLD)]) for row in rows)
    return hashlib.sha256("\n".join(each).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    return None if value is None or value == "" else repr(float(value)) if isinstance(value, (int, float)) else str(value)
