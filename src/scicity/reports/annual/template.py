"""A template as a tree: text in a subset of Markdown, placeholders in double braces, and conditions on lines of their own.

Headings, paragraphs, lists, bold and slanted text, tables with bars, quotations and rules are known; HTML, links and pictures
are not: what looks like one is text. Nothing of a template is ever run. Pure: text in, blocks and faults out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scicity.reports.annual.asking import WORDS, Asked, Condition, Fault, asked, condition
from scicity.reports.told import clean

LARGEST = 200_000  # signs of a template
MOST_LINES = 4_000
LONGEST_LINE = 4_000  # signs
MOST_PLACES = 1_000  # placeholders
DEEPEST = 5  # conditions within one another
MOST_DEPTH = 4  # of lists
MOST_FAULTS = 100
PLACE = re.compile(r"\{\{([^{}\n]*)\}\}")
ALONE = re.compile(r"\s*\{\{\s*(if|else|end)\b([^{}\n]*)\}\}\s*")
OPEN, SHUT = "\ue000", "\ue001"  # around the number of a placeholder while Markdown is read
MARKED = re.compile(f"{OPEN}(\\d+){SHUT}")
RULES = ("heading", "list", "emphasis", "hr", "table", "blockquote", "escape", "newline")


@dataclass(frozen=True)
class Piece:
    """A run of text of one look, or a placeholder in it."""

    text: str = ""
    asked: Asked | None = None
    bold: bool = False
    slanted: bool = False


@dataclass(frozen=True)
class Node:
    """A block: `heading` (with its level), `paragraph`, `quote`, `item` (depth, mark), `rows`, `break`, or a placeholder's."""

    kind: str
    line: int
    pieces: tuple[Piece, ...] = ()
    level: int = 0
    mark: str = ""
    rows: tuple[tuple[tuple[Piece, ...], ...], ...] = ()
    asked: Asked | None = None


@dataclass(frozen=True)
class Choice:
    """Blocks of which those are taken whose condition holds."""

    condition: Condition
    then: tuple[Any, ...]
    otherwise: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Template:
    """A template that was read: nodes and choices, and what is wrong with it."""

    nodes: tuple[Any, ...]
    faults: tuple[Fault, ...]

    @property
    def asked(self) -> Iterator[Asked]:
        """Everything that it asks for, whichever conditions hold."""
        return _asked(self.nodes)


def read(text: str) -> Template:
    """Reads a template. What is wrong is listed, never raised; what could not be read is left out."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    limits = _limits(text, lines)
    if limits:
        return Template((), tuple(limits))
    reading = _Reading()
    nodes = reading.blocks([line.replace("\t", "    ") for line in lines])
    faults = sorted(reading.faults, key=lambda fault: (fault.line, fault.column))
    return Template(nodes, tuple(faults[:MOST_FAULTS]))


def _limits(text: str, lines: Sequence[str]) -> list[Fault]:
    """What is too much of a template, before it is read."""
    remedy = ("请拆分或缩短模板。", "Shorten the template.")
    if len(text) > LARGEST:
        return [Fault(1, 1, f"{len(text):,}", (f"至多 {LARGEST:,} 字", f"at most {LARGEST:,} signs"), remedy)]
    if len(lines) > MOST_LINES:
        return [
            Fault(MOST_LINES + 1, 1, f"{len(lines):,}", (f"至多 {MOST_LINES:,} 行", f"at most {MOST_LINES:,} lines"), remedy)
        ]
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST_LINE:
            told = (f"每行至多 {LONGEST_LINE:,} 字", f"lines of at most {LONGEST_LINE:,} signs")
            return [Fault(number, LONGEST_LINE + 1, f"{len(line):,}", told, remedy)]
    count = text.count("{{")
    if count > MOST_PLACES:
        return [Fault(1, 1, f"{count:,}", (f"至多 {MOST_PLACES:,} 个占位符", f"at most {MOST_PLACES:,} placeholders"), remedy)]
    return []


class _Reading:
    """A template being read."""

    def __init__(self) -> None:
        from markdown_it import MarkdownIt

        self.faults: list[Fault] = []
        self.places: list[Asked | None] = []
        self.markdown = MarkdownIt("zero").enable(list(RULES))

    def wrong(self, line: int, column: int, found: str, expected: tuple[str, str], remedy: tuple[str, str]) -> None:
        self.faults.append(Fault(line, column, found[:120], expected, remedy))

    def blocks(self, lines: Sequence[str]) -> tuple[Any, ...]:
        """The tree of conditions, with the blocks of the text between them."""
        stack: list[tuple[Condition | None, list[Any], list[Any] | None, int]] = [(None, [], None, 0)]
        waiting: list[tuple[int, str]] = []

        def place() -> list[Any]:
            _, then, otherwise, _ = stack[-1]
            return then if otherwise is None else otherwise

        def flush() -> None:
            if waiting:
                place().extend(self.text(waiting[0][0], [line for _, line in waiting]))
                waiting.clear()

        for number, line in enumerate(lines, start=1):
            found = ALONE.fullmatch(line)
            if found is None:
                waiting.append((number, line))
                continue
            flush()
            column = line.index("{{") + 1
            if found[1] == "if":
                told = condition(found[2], number, column)
                if isinstance(told, Fault):
                    self.faults.append(told)
                    told = Condition("closed", (), False, number, column)
                if len(stack) > DEEPEST:
                    expected = (f"至多 {DEEPEST} 层条件", f"at most {DEEPEST} conditions within one another")
                    self.wrong(number, column, "if", expected, ("请减少嵌套。", "Nest less."))
                    return tuple(stack[0][1])
                stack.append((told, [], None, number))
            elif len(stack) == 1 or (found[1] == "else" and stack[-1][2] is not None):
                expected = ("其上有一个 {{ if … }}", "an {{ if … }} above it")
                self.wrong(number, column, found[1], expected, ("删去此行，或补上 if。", "Delete the line, or add the if."))
            elif found[2].strip():
                self.wrong(number, column, found[2].strip(), (f"{{{{ {found[1]} }}}}", f"{{{{ {found[1]} }}}}"), ("", ""))
            elif found[1] == "else":
                stack[-1] = (stack[-1][0], stack[-1][1], [], stack[-1][3])
            else:
                asks, then, otherwise, _ = stack.pop()
                if asks is not None:
                    place().append(Choice(asks, tuple(then), tuple(otherwise or ())))
        flush()
        for _, _, _, number in stack[1:]:
            expected = ("其下有一个 {{ end }}", "an {{ end }} below it")
            self.wrong(number, 1, "if", expected, ("在该段之后加一行 {{ end }}。", "Add a line {{ end }} behind its text."))
        return tuple(stack[0][1])

    def text(self, first: int, lines: list[str]) -> list[Node]:
        """The blocks of some lines, of which the first has this number."""
        marked = "\n".join(self._marked(first + at, line) for at, line in enumerate(lines))
        found: list[Node] = []
        state: dict[str, Any] = {"lists": [], "quote": 0, "item": False, "row": None, "rows": None}
        for token in self.markdown.parse(marked):
            self._token(token, first, state, found)
        return found

    def _marked(self, number: int, line: str) -> str:
        """A line whose placeholders are numbers between two private signs."""
        line = line.replace(OPEN, "\ufffd").replace(SHUT, "\ufffd")

        def one(match: re.Match[str]) -> str:
            told = asked(match[1], number, match.start() + 1)
            if match[1].split()[:1] and match[1].split()[0] in ("if", "else", "end"):
                expected = ("条件独占一行", "a condition alone in its line")
                told = Fault(
                    number, match.start() + 1, match[0][:60], expected, ("移到单独一行。", "Move it to a line of its own.")
                )
            if isinstance(told, Fault):
                self.faults.append(told)
                self.places.append(None)
            else:
                self.places.append(told)
            return f"{OPEN}{len(self.places) - 1}{SHUT}"

        marked = PLACE.sub(one, line)
        for brace in ("{{", "}}"):
            if brace in marked:
                expected = ("成对的 {{ 与 }}，在同一行内", "{{ and }} in pairs, in one line")
                remedy = ("补上另一半，或删去。", "Add the other half, or delete it.")
                self.wrong(number, line.find(brace) + 1, brace, expected, remedy)
        return marked

    def _token(self, token: Any, first: int, state: dict[str, Any], found: list[Node]) -> None:
        line = first + token.map[0] if token.map else (found[-1].line if found else first)
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            if len(state["lists"]) == MOST_DEPTH:
                expected = (f"至多 {MOST_DEPTH} 层列表", f"lists at most {MOST_DEPTH} deep")
                self.wrong(line, 1, "-", expected, ("请减少缩进。", "Indent less."))
            state["lists"].append(int(token.attrGet("start") or 1) if kind.startswith("ordered") else None)
        elif kind in ("bullet_list_close", "ordered_list_close"):
            state["lists"].pop()
        elif kind == "list_item_open":
            state["item"] = True
        elif kind == "blockquote_open":
            state["quote"] += 1
        elif kind == "blockquote_close":
            state["quote"] -= 1
        elif kind == "hr":
            found.append(Node("break", line))
        elif kind == "heading_open":
            state["heading"] = min(int(token.tag[1]), 3)
        elif kind == "table_open":
            state["rows"], state["line"] = [], line
        elif kind == "tr_open":
            state["row"] = []
        elif kind == "tr_close":
            state["rows"].append(tuple(state["row"]))
            state["row"] = None
        elif kind == "table_close":
            found.append(Node("rows", state["line"], rows=tuple(state["rows"])))
            state["rows"] = None
        elif kind == "inline":
            self._inline(token, line, state, found)
        elif kind == "heading_close":
            state.pop("heading", None)

    def _inline(self, token: Any, line: int, state: dict[str, Any], found: list[Node]) -> None:
        pieces = tuple(self._pieces(token.children or ()))
        if state["row"] is not None:
            self._within(pieces)
            state["row"].append(pieces)
            return
        alone = [piece for piece in pieces if piece.asked is not None or piece.text.strip()]
        only = alone[0].asked if len(alone) == 1 else None
        if only is not None and WORDS[only.word].block:
            found.append(Node("break" if only.word == "break" else "asked", line, asked=only))
            return
        if not alone:
            return  # a placeholder that was refused
        self._within(pieces)
        if "heading" in state:
            found.append(Node("heading", line, pieces, level=state["heading"]))
        elif state["lists"]:
            number, mark = state["lists"][-1], ""
            if state["item"]:
                mark = "•" if number is None else f"{number}."
                if number is not None:
                    state["lists"][-1] = number + 1
            state["item"] = False
            found.append(Node("item", line, pieces, level=min(len(state["lists"]), MOST_DEPTH), mark=mark))
        else:
            found.append(Node("quote" if state["quote"] else "paragraph", line, pieces))

    def _within(self, pieces: Sequence[Piece]) -> None:
        """A table or chart cannot stand within a line."""
        for piece in pieces:
            if piece.asked is not None and WORDS[piece.asked.word].block:
                expected = ("独占一段", "a paragraph of its own")
                remedy = ("前后各空一行。", "Leave an empty line before and behind it.")
                self.wrong(piece.asked.line, piece.asked.column, piece.asked.word, expected, remedy)

    def _pieces(self, tokens: Sequence[Any]) -> Iterator[Piece]:
        bold = slanted = 0
        for at, token in enumerate(tokens):
            step = {"strong_open": (1, 0), "strong_close": (-1, 0), "em_open": (0, 1), "em_close": (0, -1)}.get(token.type)
            if step is not None:
                bold, slanted = bold + step[0], slanted + step[1]
                continue
            text = _broken(tokens, at) if token.type in ("softbreak", "hardbreak") else token.content
            look = Piece(bold=bool(bold), slanted=bool(slanted))
            for number, part in enumerate(MARKED.split(text)):
                if number % 2:
                    told = self.places[int(part)]
                    if told is not None:
                        yield replace(look, asked=told)
                elif part:
                    yield replace(look, text=clean(part))


def _broken(tokens: Sequence[Any], at: int) -> str:
    """What a broken line becomes: a space, but nothing between two Chinese signs."""
    before = tokens[at - 1].content[-1:] if at else ""
    behind = tokens[at + 1].content[:1] if at + 1 < len(tokens) else ""
    return "" if before > "\u2e80" and behind > "\u2e80" and OPEN not in behind and SHUT not in before else " "


def _asked(nodes: Sequence[Any]) -> Iterator[Asked]:
    for node in nodes:
        if isinstance(node, Choice):
            yield from _asked((*node.then, *node.otherwise))
            continue
        if node.asked is not None:
            yield node.asked
        for piece in (*node.pieces, *(piece for row in node.rows for cell in row for piece in cell)):
            if piece.asked is not None:
                yield piece.asked
