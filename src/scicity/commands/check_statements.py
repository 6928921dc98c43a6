"""Checks the statements of a report or of its draft (CSV) by the rules of evidence; nothing is kept, and nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scicity.commands import USUAL, District, Json, open_city, refuse, say, stop

NAME = "check-statements"


def run(
    file: Annotated[Path, typer.Argument(help="The statements: a CSV with the columns of statements/*.csv.")],
    text: Annotated[Path | None, typer.Option(help="The text that the quotes stand in.")] = None,
    district: District = USUAL,
    as_json: Json = False,
) -> None:
    from scicity.domains.evidence.pages.drafts import check_draft
    from scicity.kernel.files import is_plain
    from scicity.kernel.problems import Problems

    problems = Problems()
    for each in (file, *((text,) if text else ())):
        is_plain(each, str(each), problems)
    refuse(problems, as_json)
    city = open_city(district)
    registers = {
        name: table for name, table in city.catalog.tables.items() if name.startswith("evidence.") and table.kind == "source"
    }
    if not registers:
        stop("no rules of evidence are installed", as_json)
    from scicity.kernel.tables import Catalog

    sources = city.district.sources(Catalog([*registers.values(), city.catalog["district.zone"]]), problems)
    refuse(problems, as_json)
    checked = check_draft(
        file.read_bytes(),
        text.read_bytes() if text else b"",
        city.catalog["indicators.statement"],  # type: ignore[arg-type]
        lambda name: sources[name].to_pylist(),
        city.district.calendar,
        problems,
    )
    refuse(problems, as_json)
    groups = checked.by_finding() if checked else []
    document: dict[str, Any] = {
        "statements": len(checked.statements) if checked else 0,
        "findings": [_told(rows) for rows in groups],
    }
    lines = [f"{file}: {document['statements']:,} statements, {len(groups):,} findings."]
    for rows in groups:
        lines.append(f"  [{rows[0]['severity']}] {rows[0]['finding']}: {rows[0]['arithmetic']}")
        lines.append(f"      {rows[0]['reason_zh']} · {rows[0]['reason_en']}")
    say(document, "\n".join(lines), as_json)


def _told(rows: list[dict[str, Any]]) -> dict[str, Any]:
    first = rows[0]
    shared = ("finding", "finding_kind", "rule", "severity", "arithmetic", "reason_zh", "reason_en")
    return {
        **{name: first[name] for name in shared},
        "statements": [{"claim_id": r["claim_id"], "role": r["claim_role"]} for r in rows],
    }
