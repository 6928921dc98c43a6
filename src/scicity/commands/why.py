"""Opens a figure: how it came about, down to readings and lines of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scicity.commands import USUAL, District, Json, open_city, say, stop

if TYPE_CHECKING:
    from scicity.kernel.lineage import Figures, Why


def run(
    figure: Annotated[
        str, typer.Argument(help="The figure's address, e.g. energy.zone_yearly.energy/zone=east/carrier=heat/year=2022.")
    ],
    district: District = USUAL,
    depth: Annotated[int, typer.Option(help="How many steps down to open.")] = 2,
    rows: Annotated[int, typer.Option(help="How many rows of each input to show.")] = 3,
    as_json: Json = False,
) -> None:
    from scicity.kernel.lineage import NoFigure

    figures = open_city(district).figures
    try:
        tree = opened(figures, figure, depth, rows)
    except (NoFigure, LookupError) as error:
        stop(str(error), as_json)
    say(tree, "\n".join(printed(tree)), as_json)


def opened(figures: Figures, address: str, depth: int, rows: int) -> dict[str, Any]:
    """A figure as a tree of plain values, `depth` steps down."""
    why: Why = figures.why(address)
    tree: dict[str, Any] = {
        "figure": why.figure.address,
        "value": why.figure.value,
        "unit": why.figure.symbol,
        "coverage": why.figure.coverage,
        "stand_in": why.figure.stand_in,
        "origin": why.figure.origin,
        "method": why.method,
        "code": why.code,
        "version": why.written,
        "retired": why.retired.said(why.figure.table) if why.retired else None,
        "inputs": [],
    }
    for evidence in why.inputs:
        shown = [{"row": dict(row)} for row in evidence.rows[:rows]]
        if evidence.kind == "derived" and depth > 1 and evidence.rows and evidence.rows[0].figures:
            below = evidence.rows[0].figures
            same = next((figure for figure in below if figure.column == why.figure.column), below[0])
            shown[0]["why"] = opened(figures, same.address, depth - 1, rows)
        tree["inputs"].append(
            {
                "table": evidence.table.name,
                "version": evidence.version,
                "rows": evidence.total,
                "how": evidence.how,
                "first": shown,
            }
        )
    return tree


def printed(tree: dict[str, Any], indent: str = "") -> list[str]:
    """The tree as lines for people."""
    unknown = "unknown" if tree["value"] is None else f"{tree['value']} {tree['unit']}".strip()
    marks = [f"coverage {tree['coverage']:.1%}"] if tree["coverage"] is not None else []
    marks += ["stand-in data below"] if tree["stand_in"] or tree["origin"] == "stand-in" else []
    lines = [f"{indent}{tree['figure']} = {unknown}" + (f"  ({', '.join(marks)})" if marks else "")]
    lines += [f"{indent}  {tree['retired']}"] if tree["retired"] else []
    lines += [f"{indent}  method: {line}" for line in tree["method"].splitlines()[:1]]
    for part in tree["inputs"]:
        lines.append(f"{indent}  ← {part['rows']} rows of {part['table']} at version {part['version']}: {part['how']}")
        for row in part["first"]:
            if "why" in row:
                lines += printed(row["why"], indent + "    ")
            else:
                lines.append(f"{indent}    " + ", ".join(f"{k}={v}" for k, v in row["row"].items() if v is not None))
    return lines
