"""What the checker finds in the statements of the district's reports, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import pyarrow as pa

from scicity.domains.evidence.methods.checking import ROW, findings
from scicity.domains.evidence.methods.found import Rules
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

STATEMENT = (
    *(
        "document",
        "claim_id",
        "section",
        "topic",
        "subject_zh",
        "subject_en",
        "measure_en",
        "comparator",
        "value",
        "value_high",
    ),
    *("unit", "value_reported", "unit_reported", "stated_period", "baseline_period", "quote_zh", "status", "line"),
)
REGISTERS = ("check", "printed_unit", "measure", "own_measure", "part", "own_part", "ratio", "own_ratio", "cue")
_RULE = {"rule": "rule"}
_NONE: dict[str, str] = {}


def rules_of(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Rules:
    """The rules from the rows of the registers (by name, without the domain) and of `zone`; a district's own rows go before.

    The first row that fits counts, so that they are taken in the order of their files, however a table gives them.
    """
    tables = {name: sorted(rows, key=lambda row: row.get("source_row") or 0) for name, rows in tables.items()}
    return Rules(
        checks={str(row["rule"]): row for row in tables["check"]},
        printed=tuple(tables["printed_unit"]),
        measures=(*tables["own_measure"], *tables["measure"]),
        parts=(*tables["own_part"], *tables["part"]),
        ratios=(*tables["own_ratio"], *tables["ratio"]),
        cues=tuple(tables["cue"]),
        zones=tuple(tables["zone"]),
    )


def lines_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, str]]:
    """The texts of documents by line."""
    found: dict[str, dict[int, str]] = {}
    for row in rows:
        found.setdefault(row["document"], {})[row["line"]] = row["text"]
    return found


@derived(
    reads={
        "statement": Read("indicators.statement", columns=STATEMENT, trace={"claim_id": "claim_id"}),
        "text": Read(
            "indicators.document_line", columns=("document", "line", "text"), trace={"document": "document", "line": "line"}
        ),
        "zone": Read("district.zone", columns=("zone", "parent", "name_zh", "area"), trace=_NONE),
        "check": Read("evidence.check", trace=_RULE),
        "printed_unit": Read("evidence.printed_unit", trace=_NONE),
        "measure": Read("evidence.measure", trace=_NONE),
        "own_measure": Read("evidence.own_measure", trace=_NONE),
        "part": Read("evidence.part", trace=_NONE),
        "own_part": Read("evidence.own_part", trace=_NONE),
        "ratio": Read("evidence.ratio", trace=_NONE),
        "own_ratio": Read("evidence.own_ratio", trace=_NONE),
        "cue": Read("evidence.cue", trace=_NONE),
        "value": Read(
            "indicators.value",
            columns=("indicator", "zone", "year", "origin", "value", "coverage", "stand_in", "symbol", "claim_id"),
            trace={"claim_id": "claim_id"},
        ),
        "implied": Read(
            "environment.implied_baseline",
            columns=(
                "claim_id",
                "pollutant",
                "year",
                "concentration",
                "concentration_low",
                "concentration_high",
                "level_claim",
            ),
            trace={"claim_id": "claim_id"},
        ),
        "station": Read(
            "environment.air_yearly", columns=("station", "pollutant", "year", "concentration", "coverage"), trace=_NONE
        ),
    },
    columns=ROW,
    grain=["finding", "claim_id"],
    by_partition=True,
    title_zh="核查发现的陈述",
    title_en="Statements of findings",
)
def finding_claim(
    _: Slot, statement: pa.Table, text: pa.Table, value: pa.Table, implied: pa.Table, station: pa.Table, **registers: pa.Table
) -> pa.Table:
    """Each statement of each finding with the part that it plays, the finding's arithmetic, and what usually explains it.

    A finding is named by its rule and its statements; `claims_digest` changes when what one of these says changes.
    """
    rules = rules_of({name: table.to_pylist() for name, table in registers.items()})
    rows = findings(
        statement.sort_by("claim_id").to_pylist(),
        lines_of(text.to_pylist()),
        rules,
        value.to_pylist(),
        implied.to_pylist(),
        station.to_pylist(),
    )
    return pa.Table.from_pylist(rows, schema=finding_claim.schema)


@derived(
    reads={"claims": Read("evidence.finding_claim", trace={"finding": "finding"})},
    columns=[
        *("finding", "finding_kind", "rule", "severity", "document", "line", "arithmetic", "found_value", "expected_low"),
        *("expected_high", "symbol", "reason_zh", "reason_en", "claims_digest", "claims_counted"),
    ],
    grain=["finding"],
    title_zh="核查发现",
    title_en="Findings",
)
def finding(claims: Any) -> Any:
    """Each finding once: its kind, how grave it is, its arithmetic, what was found and expected, and where it first stands."""
    same = ("finding_kind", "rule", "severity", "document", "arithmetic", "found_value", "expected_low", "expected_high")
    rest = ("symbol", "reason_zh", "reason_en", "claims_digest", "claims_counted")
    each = {name: claims[name].max() for name in (*same, *rest)}
    return claims.group_by("finding").agg(line=claims.line.min(), **each)


SETTLED = ("accepted", "correction", "note")  # while the statements say what they said then


@derived(
    reads={
        "findings": Read("evidence.finding", trace={"finding": "finding"}),
        "settled": Read(
            "evidence.settlement", columns=("finding", "claims_digest", "settlement"), trace={"finding": "finding"}
        ),
    },
    columns=[
        *("finding", "finding_kind", "rule", "severity", "document", "line", "arithmetic", "found_value", "expected_low"),
        *("expected_high", "symbol", "claims_digest", "claims_counted", "settlement"),
    ],
    grain=["finding"],
    title_zh="核查发现及其了结",
    title_en="Findings and what became of them",
)
def finding_standing(findings: Any, settled: Any) -> Any:
    """Each finding with what was decided of it while its statements say the same; else it is open, or changed since."""
    now = settled.select("finding", "claims_digest", own="settlement")
    before = settled.filter(settled.settlement.isin(SETTLED)).select(before="finding").distinct()
    rows = findings.left_join(now, ["finding", "claims_digest"]).drop("finding_right", "claims_digest_right")
    rows = rows.left_join(before, rows.finding == before.before)
    standing = ibis.cases(
        (rows.own.isin(SETTLED), rows.own), (rows.before.notnull() & rows.own.isnull(), "changed"), else_="open"
    )
    return rows.mutate(settlement=standing).drop("own", "before", "reason_zh", "reason_en")
