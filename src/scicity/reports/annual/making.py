"""Makes the annual report of a template: what is asked for is looked up in the tables, and each number stays a figure.

The same lake and the same template give the same document. What a template names that the district has not is a fault with its
line; nothing is guessed, and nothing of a template is run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from scicity.closing import Act
from scicity.cockpit import digits
from scicity.cockpit.opening import is_figure
from scicity.kernel.engine import Between
from scicity.kernel.lineage import Row
from scicity.reports import told as words_of
from scicity.reports.annual import told
from scicity.reports.annual.asking import WORDS, Asked, Condition, Fault
from scicity.reports.annual.parts import Block, Document, Run, digest_of, kept
from scicity.reports.annual.standing import INDICATOR, SIGNS, STATUS, Indicators
from scicity.reports.annual.template import Choice, Node, Piece, Template, read
from scicity.reports.content import Table, laid, rows_of, written_of
from scicity.reports.declared import SECTIONS, Section
from scicity.reports.period import ROOT, Period, closing_of
from scicity.reports.words import UNKNOWN, Names
from scicity.vocabulary import terms

MOST_ROWS = 2_000  # of a table that a template asks for
MOST_FIGURES = 60_000  # of a report
LATER = ("state", "marks", "read")  # told when all else is made
FIGURES = ("value", "before", "target", "distance", "baseline")


class Faulty(ValueError):  # noqa: N818  (reads as what happened)
    """A template that cannot be made a report of, with its faults."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(f"line {each.line}: {each.found}; {each.expected[1]}. {each.remedy[1]}" for each in faults))
        self.faults = tuple(faults)


def made(city: Any, text: str, year: int, language: str, domains: Collection[str] | None = None) -> Document:
    """The report of a year by a template. Raises Faulty with every fault of the template."""
    document, faults = tried(city, text, year, language, domains)
    if faults:
        raise Faulty(faults)
    return document


def tried(
    city: Any, text: str, year: int, language: str, domains: Collection[str] | None = None
) -> tuple[Document, list[Fault]]:
    """The report as far as it can be made, and the faults of its template; what is faulty stands as ⟨…⟩."""
    template = read(text)
    making = _Making(city, template, year, language, domains)
    document = making.document(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    return document, sorted([*template.faults, *making.faults], key=lambda fault: (fault.line, fault.column))


def years_of(city: Any) -> list[int]:
    """The years of which a district has indicators or energy, the newest first."""
    found: set[int] = set()
    for name in (STATUS, "energy.zone_yearly", "carbon.zone_total_yearly"):
        if name in city.figures.catalog.tables and city.figures.lake.snapshot(name).version >= 0:
            found |= {row["year"] for row in city.figures.rows(name, ["year"])}
    return sorted(found, reverse=True)


class _Making:
    """A report being made."""

    def __init__(self, city: Any, template: Template, year: int, language: str, domains: Collection[str] | None = None) -> None:
        self.city, self.template, self.language, self.domains = city, template, language, domains
        self.period = Period(year)
        self.read: dict[str, tuple[int, datetime]] = {}
        self.faults: list[Fault] = []
        self.count = 0
        self.act: Act | None = closing_of(self.period, city.closings.closed())
        self.names = Names.read(city)
        self.zones = [name for name in self.names.of.get("zone", {}) if name != ROOT]
        self._sections: dict[str, Table | None] = {}
        self._indicators: Indicators | None = None

    # --- the document ---

    def document(self, template: str) -> Document:
        blocks = list(self.blocks(self.template.nodes))
        figures = [figure for block in blocks for figure in Document(0, "", "", "", (block,), {}, EPOCH, "").figures]
        at = max([written for _, written in self.read.values()] + ([self.act.at] if self.act else []), default=EPOCH)
        zone = self.city.district.calendar.tz
        reads = dict(sorted(self.read.items()))
        later = {
            "state": told.state(figures, self.unverified(), at, self.language, zone),
            "marks": told.legend(figures, self.language),
            "read": told.tables(reads, self.language, zone),
        }
        blocks = [
            replace(block, facts=tuple(later[block.mark])) if block.kind == "facts" and block.mark in later else block
            for block in blocks
        ]
        blocks = [_dated(block, digits.moment(at, zone)) for block in blocks]
        document = Document(
            self.period.year,
            self.language,
            told.title(self.period.year, self.language),
            words_of.clean(self.city.district.name(self.language)),
            tuple(blocks),
            reads,
            at,
            template,
        )
        return replace(document, digest=digest_of(kept(document)))

    def blocks(self, nodes: Sequence[Any]) -> Iterator[Block]:
        for node in nodes:
            if isinstance(node, Choice):
                yield from self.blocks(node.then if self.holds(node.condition) else node.otherwise)
            elif node.kind == "asked":
                yield from self.asked(node.asked)
            elif node.kind == "rows":
                yield Block("rows", rows=tuple(tuple(tuple(self.runs(cell)) for cell in row) for row in node.rows))
            else:
                yield self._plain(node)

    def _plain(self, node: Node) -> Block:
        return Block(node.kind, tuple(self.runs(node.pieces)), node.level, node.mark)

    def runs(self, pieces: Sequence[Piece]) -> Iterator[Run]:
        for piece in pieces:
            if piece.asked is None:
                yield Run(piece.text, bold=piece.bold, slanted=piece.slanted)
            else:
                yield replace(self.run(piece.asked), bold=piece.bold, slanted=piece.slanted)

    # --- what stands within a line ---

    def run(self, asked: Asked) -> Run:
        if WORDS[asked.word].block:
            return self._missing(asked)  # a fault of the template already
        plain = {
            "year": str(self.period.year),
            "district": words_of.clean(self.city.district.name(self.language)),
            "as_of": AS_OF,
            "closing": told.closing(self.act, self.period.year, self.language, self.city.district.calendar.tz),
        }
        if asked.word in plain:
            return Run(plain[asked.word])
        if asked.word == "cell":
            return self._cell(asked)
        name = asked.names[0]
        if name not in self.indicators.about:
            return self._unknown(asked, name, self.indicators.about, ("指标", "an indicator"))
        if asked.word in ("name", "unit", "responsible"):
            return Run(words_of.clean(self.indicators.text(name, self.language, asked.word)))
        zone = asked.options.get("zone", ROOT)
        if zone != ROOT and zone not in self.zones:
            return self._unknown(asked, zone, [ROOT, *self.zones], ("分区", "a zone"))
        year = int(asked.options.get("year", self.period.year)) - (asked.word == "before")
        row = self.indicators.row(name, year, zone, asked.options.get("origin", ""))
        if asked.word == "status":
            return Run(self._said(*self.indicators.status(row)))
        cell = self.indicators.cell(row, "value" if asked.word == "before" else asked.word)
        if cell.figure is None:
            return Run(words_of.clean(cell.text(self.language)))
        return self._number(Run(figure=cell.figure, sign=cell.sign))

    def _cell(self, asked: Asked) -> Run:
        """One number of any table: the year and the whole district unless said otherwise."""
        table_name, _, column = asked.names[0].rpartition(".")
        table = self._table(asked, table_name)
        if table is None:
            return self._missing(asked)
        if column not in table.columns or not is_figure(table.grain, column):
            numbers = [name for name in table.columns if is_figure(table.grain, name)]
            return self._unknown(asked, column, numbers, ("数值列", "a column of numbers"))
        where = self._where(asked, table, {"year": self.period.year, "zone": ROOT})
        if where is None:
            return self._missing(asked)
        open_keys = [name for name in table.grain if name not in where]
        if open_keys:
            keys = " ".join(f"{name}=…" for name in open_keys)
            self.faults.append(asked.fault(asked.text, (f"还需 {keys}", f"{keys} as well"), REMEDY))
            return self._missing(asked)
        rows = self.ask(table_name, where)
        if not rows:
            return Run(UNKNOWN)
        return self._number(Run(figure=rows[0].figure(column), sign=SIGNS.get(rows[0].get("comparator") or "", "")))

    def _number(self, run: Run) -> Run:
        self.count += 1
        return run

    # --- blocks ---

    def asked(self, asked: Asked) -> Iterator[Block]:
        """The blocks of a placeholder that stands alone."""
        if asked.word == "contents":
            yield Block("contents")
        elif asked.word in LATER:
            yield Block("facts", mark=asked.word)
        else:
            makers = {"indicators": self._frameworks, "section": self._section, "table": self._rows, "chart": self._chart}
            for table in makers[asked.word](asked):
                self.count += sum(1 for _ in table.figures)
                if self.count > MOST_FIGURES:
                    expected = (f"至多 {MOST_FIGURES:,} 个数值", f"at most {MOST_FIGURES:,} numbers")
                    self.faults.append(asked.fault(asked.text, expected, ("请减少表格。", "Ask for fewer tables.")))
                    return
                yield Block("sheet", table=table)

    def _frameworks(self, asked: Asked) -> Iterator[Table]:
        """The indicators of one framework, or of each."""
        known = self.indicators.frameworks
        if asked.names and asked.names[0] not in known:
            self._unknown(asked, asked.names[0], known, ("指标体系", "a framework"))
            return
        zone = self._zone(asked)
        for name in (asked.names or known) if zone is not None else ():
            table = self.indicators.table(name, self.period.year, zone, int(asked.options.get("years", 2)))
            if table is not None:
                yield table

    def _chart(self, asked: Asked) -> list[Table]:
        if asked.names[0] not in self.indicators.about:
            self._unknown(asked, asked.names[0], self.indicators.about, ("指标", "an indicator"))
            return []
        zone = self._zone(asked)
        years = int(asked.options.get("years", 10))
        found = None if zone is None else self.indicators.chart(asked.names[0], zone, self.period.year, years)
        return [found] if found is not None else []

    def _section(self, asked: Asked) -> list[Table]:
        known = {section.name for section in SECTIONS if ASKED & set(section.of)}
        if asked.names[0] not in known:
            self._unknown(asked, asked.names[0], sorted(known), ("年报的一节", "a section of the yearly report"))
            return []
        found = self.section(asked.names[0])
        return [found] if found is not None else []

    def section(self, name: str) -> Table | None:
        """A section of the yearly report; None where it has no rows, or who reads may not see it."""
        if name not in self._sections:
            section = next(each for each in SECTIONS if each.name == name and ASKED & set(each.of))
            rows = rows_of(self.city, section, self.period, self.zones) if self._allowed(section.table) else None
            if rows:
                self._note(section.table)
            self._sections[name] = laid(section, rows, self.names) if rows else None
        return self._sections[name]

    def _rows(self, asked: Asked) -> list[Table]:
        table = self._table(asked, asked.names[0])
        if table is None:
            return []
        columns = [name for name in asked.options.get("columns", "").split(",") if name]
        unknown = next((name for name in columns if name not in table.columns), None)
        if unknown is not None:
            self._unknown(asked, unknown, table.columns, ("列", "a column"))
            return []
        columns = columns or [name for name in table.columns if name not in ABOUT]
        wanted = {name: value for name, value in asked.options.items() if name != "columns"}
        where = self._where(replace(asked, options=wanted), table, self._year_of(table))
        if where is None:
            return []
        section = Section(
            f"table-{table.name}", "", table.title_zh or table.name, table.title_en or table.name, table.name, tuple(columns)
        )
        rows = self.ask(table.name, where, limit=MOST_ROWS + 1)
        if not rows:
            return []
        found = laid(section, rows[:MOST_ROWS], self.names)
        return [replace(found, left_out=len(rows) > MOST_ROWS)]

    # --- conditions ---

    def holds(self, condition: Condition) -> bool:
        """Whether a condition holds. A table or section that the district has not is no fault here: that is what is asked."""
        return self._is(condition) != condition.negated

    def _is(self, condition: Condition) -> bool:
        if condition.kind == "closed":
            return self.act is not None
        name = condition.names[0]
        if condition.kind == "table":
            table = self.city.figures.catalog.tables.get(name)
            if table is None or not self._allowed(name):
                return False
            return bool(self.ask(name, self._year_of(table), limit=1))
        if condition.kind == "section":
            known = any(each.name == name and ASKED & set(each.of) for each in SECTIONS)
            return known and self.section(name) is not None
        row = self.indicators.row(name, self.period.year)
        if condition.kind == "status":
            return row is not None and row["progress"] == condition.names[1]
        return row is not None and row["value"] is not None

    # --- tables ---

    @property
    def indicators(self) -> Indicators:
        """The indicators, read when first asked for."""
        if self._indicators is None:
            self._indicators = Indicators(self._all, self.names)
        return self._indicators

    def _all(self, name: str) -> list[Row]:
        return self.ask(name, {}) if name in self.city.figures.catalog.tables and self._allowed(name) else []

    def ask(self, name: str, where: Mapping[str, Any], limit: int | None = None) -> list[Row]:
        """Rows of a table, whose version is noted; none where nothing was computed yet."""
        if self.city.figures.lake.snapshot(name).version < 0:
            return []
        self._note(name)
        return list(self.city.figures.rows(name, where=where, limit=limit))

    def _note(self, name: str) -> None:
        if name not in self.read:
            self.read[name] = written_of(self.city, name)

    def _allowed(self, table: str) -> bool:
        return self.domains is None or table.partition(".")[0] in self.domains

    def _table(self, asked: Asked, name: str) -> Any:
        tables = {each: table for each, table in self.city.figures.catalog.tables.items() if not each.startswith("reading.")}
        if name not in tables:
            self._unknown(asked, name, tables, ("数据表", "a table"))
            return None
        return tables[name] if self._allowed(name) else None

    def _year_of(self, table: Any) -> dict[str, Any]:
        """What of a table is of the year."""
        if "year" in table.columns:
            return {"year": self.period.year}
        column = next((name for name in ("month", "day") if name in table.columns), "")
        return {column: Between(self.period.first, self.period.last)} if column else {}

    def _where(self, asked: Asked, table: Any, usual: Mapping[str, Any]) -> dict[str, Any] | None:
        """The condition that the options of a placeholder come to."""
        where = {name: value for name, value in usual.items() if name in table.columns}
        for name, text in asked.options.items():
            if name not in table.columns:
                self._unknown(asked, name, table.columns, ("列", "a column"))
                return None
            value = _value(name, text)
            if value is None:
                kind = terms()[name].type
                self.faults.append(asked.fault(f"{name}={text}", (f"{kind} 类型的值", f"a value of type {kind}"), REMEDY))
                return None
            where[name] = value
        return where

    def _zone(self, asked: Asked) -> str | None:
        zone = asked.options.get("zone", ROOT)
        if zone != ROOT and zone not in self.zones:
            self._unknown(asked, zone, [ROOT, *self.zones], ("分区", "a zone"))
            return None
        return zone

    def unverified(self) -> list[str]:
        """Documents of frameworks, targets and factors that nobody has seen, of what the report read."""
        found: dict[str, None] = {}
        documents = (("indicators.framework", "document"), ("indicators.target", "document"), (FACTORS, "document_number"))
        for name, column in documents:
            table = self.city.figures.catalog.tables.get(name)
            relevant = FACTORS in self.read if name == FACTORS else INDICATOR in self.read
            if table is None or not relevant or not {"review", column} <= set(table.columns):
                continue
            rows = self.ask(name, {"review": "unverified"})
            found |= dict.fromkeys(words_of.clean(str(row[column])) for row in rows if row[column])
        return list(found)

    # --- faults ---

    def _unknown(self, asked: Asked, found: str, known: Any, what: tuple[str, str]) -> Run:
        from difflib import get_close_matches

        near = get_close_matches(found, list(known), 3, 0.5)
        remedy = ("是否为 " + "、".join(near) + "？", f"Is {' or '.join(near)} meant?") if near else REMEDY
        zh, en = what
        self.faults.append(asked.fault(found, (f"本区已有的{zh}", f"{en} that this district has"), remedy))
        return self._missing(asked)

    def _missing(self, asked: Asked) -> Run:
        return Run(f"⟨{words_of.clean(asked.text)[:60]}⟩")

    def _said(self, zh: str, en: str) -> str:
        return words_of.either(self.language, zh, en)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ASKED = {"year", "annual"}  # of the kinds of reports that a section stands in, those that this one may ask for
AS_OF = "\ue002"  # stands for the moment of the data until all is read
ABOUT = ("source_file", "source_row", "source")
FACTORS = "carbon.factor_in_use"
REMEDY = ("见“占位符”一览。", "See the list of placeholders.")


def _dated(block: Block, when: str) -> Block:
    def one(run: Run) -> Run:
        return replace(run, text=when) if run.text == AS_OF else run

    rows = tuple(tuple(tuple(one(run) for run in cell) for cell in row) for row in block.rows)
    return replace(block, runs=tuple(one(run) for run in block.runs), rows=rows)


def _value(column: str, text: str) -> Any:
    """The value of an option for a column, or None where it is none of its type."""
    kind = terms()[column].type if column in terms() else "text"
    try:
        if kind == "integer":
            return int(text)
        if kind == "date":
            return date.fromisoformat(text if len(text) > 7 else f"{text}-01")
        if kind == "boolean":
            return {"true": True, "false": False}.get(text)
        return text if kind == "text" else None
    except ValueError:
        return None
