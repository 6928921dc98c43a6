"""An annual report as it is made of its template: blocks of text, tables and charts, each number a figure with its lineage.

A document is of one language. It can be kept as JSON and read again, with every number exactly as it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from scicity.kernel.lineage import Figure
from scicity.reports.content import Cell, Head, Table
from scicity.reports.declared import Section
from scicity.reports.words import marks_of

FORMAT = 1  # of a document that is kept


@dataclass(frozen=True)
class Run:
    """A text of one look, or a number (with the sign of a bound before it)."""

    text: str = ""
    figure: Figure | None = None
    bold: bool = False
    slanted: bool = False
    sign: str = ""


@dataclass(frozen=True)
class Block:
    """One block: `heading`, `paragraph`, `quote`, `item`, `rows` (a plain table of runs), `sheet` (a table of figures),
    `facts` (pairs of label and text), `contents`, `break`.
    """

    kind: str
    runs: tuple[Run, ...] = ()
    level: int = 0
    mark: str = ""
    rows: tuple[tuple[tuple[Run, ...], ...], ...] = ()
    table: Table | None = None
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Document:
    """A report of a year in one language. `read` are the tables that were read: version, and when that was written."""

    year: int
    language: str
    title: str
    district: str
    blocks: tuple[Block, ...]
    read: Mapping[str, tuple[int, datetime]]
    at: datetime  # when the newest of them was written
    template: str  # digest of the template's text
    standing: str = ""  # whether the report is closed, in words
    digest: str = field(default="", compare=False)

    @property
    def figures(self) -> list[Figure]:
        """Every number, in the order in which it stands there."""
        return list(_figures(self.blocks))

    @property
    def tables(self) -> list[Table]:
        """Its tables of figures."""
        return [block.table for block in self.blocks if block.table is not None]

    @property
    def stand_ins(self) -> int:
        """How many numbers stand on data of another place."""
        return sum("stand-in" in marks_of(figure) for figure in self.figures)


def _figures(blocks: Sequence[Block]) -> Iterator[Figure]:
    for block in blocks:
        yield from (run.figure for run in block.runs if run.figure is not None)
        yield from (run.figure for row in block.rows for cell in row for run in cell if run.figure is not None)
        if block.table is not None:
            yield from block.table.figures


def kept(document: Document) -> bytes:
    """A document as bytes from which it can be made again; the same document gives the same bytes."""
    told = {
        "format": FORMAT,
        **{name: getattr(document, name) for name in ("year", "language", "title", "district", "template", "standing")},
        "read": {name: [version, at.isoformat()] for name, (version, at) in document.read.items()},
        "at": document.at.isoformat(),
        "blocks": [_block(block) for block in document.blocks],
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def restored(content: bytes) -> Document:
    """The document of what was kept. Raises ValueError for what is none."""
    try:
        told = json.loads(content)
        if told["format"] != FORMAT:
            raise ValueError(f"a document of format {told['format']} cannot be read")
        read = {name: (version, datetime.fromisoformat(at)) for name, (version, at) in told["read"].items()}
        names = ("year", "language", "title", "district", "template", "standing")
        return Document(
            **{name: told[name] for name in names},
            blocks=tuple(_block_of(block) for block in told["blocks"]),
            read=read,
            at=datetime.fromisoformat(told["at"]),
            digest=digest_of(content),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no document that was kept: {error}") from None


def digest_of(content: bytes) -> str:
    """The digest by which a kept document is known."""
    return hashlib.sha256(content).hexdigest()


def _block(block: Block) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": block.kind}
    if block.runs:
        told["runs"] = [_run(run) for run in block.runs]
    if block.level:
        told["level"] = block.level
    if block.mark:
        told["mark"] = block.mark
    if block.rows:
        told["rows"] = [[[_run(run) for run in cell] for cell in row] for row in block.rows]
    if block.facts:
        told["facts"] = [list(fact) for fact in block.facts]
    if block.table is not None:
        told["table"] = _table(block.table)
    return told


def _block_of(told: Mapping[str, Any]) -> Block:
    return Block(
        told["kind"],
        tuple(_run_of(run) for run in told.get("runs", ())),
        told.get("level", 0),
        told.get("mark", ""),
        tuple(tuple(tuple(_run_of(run) for run in cell) for cell in row) for row in told.get("rows", ())),
        _table_of(told["table"]) if "table" in told else None,
        tuple((label, text) for label, text in told.get("facts", ())),
    )


def _run(run: Run) -> dict[str, Any]:
    told: dict[str, Any] = {"number": _figure(run.figure)} if run.figure is not None else {"text": run.text}
    for name in ("bold", "slanted", "sign"):
        if getattr(run, name):
            told[name] = getattr(run, name)
    return told


def _run_of(told: Mapping[str, Any]) -> Run:
    number = _figure_of(told["number"]) if "number" in told else None
    return Run(told.get("text", ""), number, told.get("bold", False), told.get("slanted", False), told.get("sign", ""))


SECTION = ("name", "part", "zh", "en", "table", "columns", "by", "chart", "charted", "drawn", "note")


def _table(table: Table) -> dict[str, Any]:
    section = {name: getattr(table.section, name) for name in SECTION if getattr(table.section, name)}
    return {
        "section": {name: list(value) if isinstance(value, tuple) else value for name, value in section.items()},
        "heads": [[head.zh, head.en, head.symbol, head.numbers] for head in table.heads],
        "rows": [[_cell(cell) for cell in row] for row in table.rows],
        "left_out": table.left_out,
    }


def _table_of(told: Mapping[str, Any]) -> Table:
    own = {name: tuple(value) if isinstance(value, list) else value for name, value in told["section"].items()}
    section = Section(**({"part": "", "zh": "", "en": "", "table": "", "columns": ()} | own))
    heads = [Head(*head) for head in told["heads"]]
    return Table(section, heads, [[_cell_of(cell) for cell in row] for row in told["rows"]], told["left_out"])


def _cell(cell: Cell) -> Any:
    if cell.figure is None:
        return cell.zh if cell.zh == cell.en else [cell.zh, cell.en]
    return _figure(cell.figure) | ({"sign": cell.sign} if cell.sign else {})


def _cell_of(told: Any) -> Cell:
    if isinstance(told, str):
        return Cell(None, told, told)
    if isinstance(told, list):
        return Cell(None, *told)
    return Cell(_figure_of(told), sign=told.get("sign", ""))


def _figure(figure: Figure) -> dict[str, Any]:
    told: dict[str, Any] = {"address": figure.address, "table": figure.table, "column": figure.column}
    told["key"] = {name: _plain(value) for name, value in figure.key.items()}
    told["value"], told["version"] = _plain(figure.value), figure.version
    for name in ("symbol", "coverage", "stand_in", "origin", "closed"):
        if getattr(figure, name) not in (None, ""):
            told[name] = getattr(figure, name)
    return told


def _figure_of(told: Mapping[str, Any]) -> Figure:
    return Figure(
        told["address"],
        told["table"],
        told["column"],
        {name: _value(value) for name, value in told["key"].items()},
        _value(told["value"]),
        told.get("symbol", ""),
        told["version"],
        told.get("coverage"),
        told.get("stand_in"),
        told.get("origin"),
        told.get("closed", ""),
    )


def _plain(value: Any) -> Any:
    """A value as JSON can keep it without losing a digit."""
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, datetime):
        return {"time": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return value


def _value(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    ((kind, text),) = told.items()
    readers: dict[str, Any] = {"decimal": Decimal, "time": datetime.fromisoformat, "date": date.fromisoformat}
    return readers[kind](text)
