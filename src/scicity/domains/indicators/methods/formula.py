"""Formulas of indicators: one aggregate expression over the columns of one table, and nothing that could be anything else.

The text is measured and cut into tokens before a parser sees it, so that no text can take long; what sqlglot then makes
of it must consist of the nodes listed here. All faults of a formula are told at once, each with its place in the text.

Source: rule of this project (README of the domain): which expressions are taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

LONGEST = 2_000  # characters
MOST_TOKENS = 300
DEEPEST = 20  # parentheses and cases within each other
LONGEST_CHAIN = 64  # operations that wait for each other, as in a + b + c

DIALECT = "duckdb"
AGGREGATES = (exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Count)
NUMERIC = ("integer", "real", "decimal", "factor")
WORDS = "sum, avg, min, max, count, count(distinct …), filter (where …), case, nullif, + - * /, comparisons, and, or, not"

TOKEN = re.compile(
    r"(?P<space>[ \t\n]+)|(?P<comment>--|/\*)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>[0-9]{1,18}(?:\.[0-9]{1,18})?(?![0-9.A-Za-z_]))"
    r"|(?P<text>'(?:[^'\n]|'')*')|(?P<mark><=|>=|<>|!=|[-+*/()=<>,])"
)
ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div)
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
PREFIX = "SELECT "
# What each node may hold; any other argument that is set is refused with its name.
ARGUMENTS: Mapping[type[exp.Expr], frozenset[str]] = {
    exp.Column: frozenset({"this"}),
    exp.Case: frozenset({"ifs", "default"}),
    exp.In: frozenset({"this", "expressions"}),
    exp.Count: frozenset({"this", "big_int"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Div: frozenset({"this", "expression", "typed", "safe"}),
}
ALLOWED = (
    *AGGREGATES,
    *ARITHMETIC,
    *COMPARISONS,
    *(exp.Column, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Neg, exp.And, exp.Or, exp.Not, exp.Is, exp.In),
    *(exp.Between, exp.Case, exp.Nullif, exp.Filter),
)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a formula: the place in its text (from 1), what stands there, what was expected, the remedy."""

    position: int
    found: str
    expected: str
    remedy: str


@dataclass(frozen=True)
class Formula:
    """A formula that was found in order: its tree, the columns that it takes, and its text with guarded divisors."""

    tree: exp.Expr
    columns: tuple[str, ...]
    sql: str

    @property
    def filters(self) -> tuple[exp.Expr | None, ...]:
        """The condition of each aggregate of the formula; None where it takes every row."""
        found: list[exp.Expr | None] = []
        for aggregate in self.tree.find_all(*AGGREGATES):
            outer = aggregate.parent
            found.append(outer.expression.this if isinstance(outer, exp.Filter) else None)
        return tuple(found)


class FormulaRefused(ValueError):  # noqa: N818  (reads as what happened)
    """A formula that was not taken, with all of its faults."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"at {fault.position}: {fault.found}" for fault in faults))
        self.faults = faults


def checked(text: str, columns: Mapping[str, str]) -> Formula:
    """The formula of a text over columns (name → type of the vocabulary). Raises FormulaRefused with every fault.

    Valid: one aggregate expression of at most 2,000 characters, 300 tokens, 20 levels and chains of 64 operations, made of
    sum, avg, min, max, count, count(distinct x), filter (where …), case, nullif, arithmetic, comparisons, and, or, not, in,
    between, is null, numbers and 'texts'. Columns stand inside of an aggregate only. Divisors are wrapped in nullif(…, 0),
    so that a division by zero is unknown on every engine. Source: the design, "Indicators"; ISO/IEC 9075-2, 10.9
    (aggregate functions).
    """
    faults = _scanned(text)
    if faults:
        raise FormulaRefused(faults)
    try:
        statement = sqlglot.parse_one(PREFIX + text, dialect=DIALECT)
    except (SqlglotError, RecursionError, ValueError) as error:
        raise FormulaRefused([_unreadable(text, error)]) from None
    extra = sorted(name for name, value in statement.args.items() if value and name != "expressions")
    if not isinstance(statement, exp.Select) or extra or len(statement.expressions) != 1:
        what = " ".join(extra).rstrip("_") or f"{len(statement.expressions)} expressions"
        remedy = "Write the expression only: no SELECT, FROM, WHERE or second column; a condition goes into filter (where …)."
        raise FormulaRefused([Fault(1, what, "one expression", remedy)])
    tree = statement.expressions[0]
    if _depth(tree) > LONGEST_CHAIN:
        remedy = "Simplify it, or declare a table for it."
        raise FormulaRefused([Fault(1, text[:40], f"at most {LONGEST_CHAIN} operations in a chain", remedy)])
    faults = []
    _check(tree, columns, faults, inside=False)
    if not faults and not any(tree.find_all(*AGGREGATES)):
        remedy = "Aggregate with sum, avg, min, max or count."
        faults.append(Fault(1, text[:40], "an aggregate", remedy))
    if not faults and kind_of(tree, columns, faults) not in ("number", "null") and not faults:
        faults.append(Fault(1, text[:40], "a formula whose result is a number", "Count or sum instead."))
    if faults:
        raise FormulaRefused(sorted(set(faults), key=lambda fault: (fault.position, fault.found)))
    guarded = tree.transform(_guarded)
    used = tuple(sorted({column.name for column in guarded.find_all(exp.Column)}))
    return Formula(guarded, used, guarded.sql(dialect=DIALECT))


def _scanned(text: str) -> list[Fault]:
    """Faults that can be seen without parsing, in time proportional to the text."""
    if len(text) > LONGEST:
        remedy = "Compute intermediate values in a declared table, and aggregate that one."
        return [Fault(LONGEST + 1, f"{len(text)} characters", f"at most {LONGEST} characters", remedy)]
    if not text.strip():
        return [Fault(1, "nothing", "an aggregate expression", "Write a formula such as sum(energy).")]
    at, tokens, depth = 0, 0, 0
    while at < len(text):
        token = TOKEN.match(text, at)
        if token is None or token.lastgroup == "comment":
            remedy = "Use names, numbers, 'texts' and + - * / ( ) = < > only; no comment, semicolon or quoted name."
            shown = text[at : at + 2] if token else f"{text[at]} (U+{ord(text[at]):04X})"
            return [Fault(at + 1, shown, WORDS, remedy)]
        word = token.group().lower()
        tokens += token.lastgroup != "space"
        depth += (word in ("(", "case")) - (word in (")", "end"))
        if tokens > MOST_TOKENS or depth > DEEPEST:
            expected = f"at most {MOST_TOKENS} tokens and {DEEPEST} levels of parentheses"
            return [Fault(at + 1, f"token {tokens} at level {depth}", expected, "Simplify it, or declare a table for it.")]
        at = token.end()
    return []


def _depth(tree: exp.Expr) -> int:
    """How many nodes stand on the longest way down, counted without recursion."""
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in node.iter_expressions()]
    return deepest


def _unreadable(text: str, error: Exception) -> Fault:
    place = getattr(error, "errors", None) or [{}]
    at = max(1, int(place[0].get("col") or 1) - len(PREFIX))
    found = str(place[0].get("highlight") or text[:40])
    return Fault(at, found, "an expression in SQL", "Check parentheses, commas and operators at this place.")


def _position(node: exp.Expr) -> int:
    """Where a node begins in the text, as far as the parser tells: at its name, or at the first name within it."""
    starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return max(1, min(starts, default=len(PREFIX)) - len(PREFIX) + 1)


def _refuse(faults: list[Fault], node: exp.Expr, expected: str, remedy: str) -> None:
    found = node.sql(dialect=DIALECT, unsupported_level=ErrorLevel.IGNORE)[:60]
    faults.append(Fault(_position(node), found, expected, remedy))


def _check(node: exp.Expr, columns: Mapping[str, str], faults: list[Fault], *, inside: bool) -> None:
    """Adds what is wrong with a node and all below it; `inside` an aggregate."""
    if isinstance(node, exp.Coalesce):
        _refuse(faults, node, "values as they are", "Leave coalesce out: what is unknown stays unknown, never another value.")
        return
    if not isinstance(node, ALLOWED):
        _refuse(faults, node, WORDS, "Use what is listed only; a query, window or other function is refused.")
        return
    permitted = ARGUMENTS.get(type(node))
    extra = sorted(k for k, v in node.args.items() if v and permitted is not None and k not in permitted)
    if extra:
        _refuse(faults, node, f"no {', '.join(extra)}", "Write it in its plain form.")
        return
    if isinstance(node, exp.Column):
        _check_column(node, columns, faults, inside=inside)
        return
    if isinstance(node, AGGREGATES):
        if inside:
            _refuse(faults, node, "an aggregate of columns", "Aggregate once; declare a table for the inner step.")
        _check_aggregated(node, columns, faults)
        return
    if isinstance(node, exp.Filter):
        if not isinstance(node.this, AGGREGATES):
            _refuse(faults, node, "filter behind an aggregate", "Write sum(x) filter (where …).")
            return
        _check(node.this, columns, faults, inside=inside)
        _check(node.expression.this, columns, faults, inside=True)
        return
    if isinstance(node, exp.Div) and _is_zero(node.expression):
        _refuse(faults, node, "a divisor other than 0", "Divide by something that can be other than 0.")
    for child in node.iter_expressions():
        if isinstance(child, exp.If) and isinstance(node, exp.Case):
            _check(child.this, columns, faults, inside=inside)
            _check(child.args["true"], columns, faults, inside=inside)
        else:
            _check(child, columns, faults, inside=inside)


def _check_column(node: exp.Column, columns: Mapping[str, str], faults: list[Fault], *, inside: bool) -> None:
    if node.name not in columns:
        _refuse(faults, node, "one of " + ", ".join(sorted(columns)), "Name a column of the table, in the same letters.")
    elif not inside:
        _refuse(faults, node, "columns within an aggregate only", f"Aggregate it, e.g. sum({node.name}).")


def _check_aggregated(node: exp.Expr, columns: Mapping[str, str], faults: list[Fault]) -> None:
    taken = node.this
    if isinstance(node, exp.Count) and isinstance(taken, exp.Star):
        return
    if isinstance(taken, exp.Distinct):
        if not isinstance(node, exp.Count) or len(taken.expressions) != 1 or taken.args.get("on"):
            _refuse(faults, node, "distinct with one value in count", "Write count(distinct x).")
            return
        taken = taken.expressions[0]
    if taken is None or (not isinstance(node, exp.Count) and not any(taken.find_all(exp.Column))):
        _refuse(faults, node, "a column of the table to aggregate", "Put a column into it.")
        return
    _check(taken, columns, faults, inside=True)


def _is_zero(node: exp.Expr) -> bool:
    number = node.unnest()
    return isinstance(number, exp.Literal) and not number.is_string and float(number.this) == 0


def _guarded(node: exp.Expr) -> exp.Expr:
    if not isinstance(node, exp.Div):
        return node
    divisor = node.expression.unnest()
    if isinstance(divisor, exp.Literal) or (isinstance(divisor, exp.Nullif) and _is_zero(divisor.expression)):
        return node
    return exp.Div(
        this=node.this, expression=exp.Nullif(this=divisor, expression=exp.Literal.number(0)), typed=False, safe=False
    )


def kind_of(node: exp.Expr, columns: Mapping[str, str], faults: list[Fault]) -> str:
    """number, text, boolean, date, instant or null: what a node yields; a mix that no engine takes is added to `faults`."""

    def of(child: exp.Expr) -> str:
        return kind_of(child, columns, faults)

    def need(child: exp.Expr, kind: str) -> None:
        found = of(child)
        if found not in (kind, "null"):
            _refuse(faults, child, f"a {kind}, not a {found}", f"Use a {kind} here.")

    def alike(first: exp.Expr, *others: exp.Expr) -> str:
        kind = of(first)
        for other in others:
            if kind == "null":
                kind = of(other)
            else:
                need(other, kind)
        return kind

    if isinstance(node, exp.Column):
        kind = columns[node.name]
        return "number" if kind in NUMERIC else kind
    if isinstance(node, exp.Literal):
        return "text" if node.is_string else "number"
    if isinstance(node, (exp.Boolean, exp.Null)):
        return "boolean" if isinstance(node, exp.Boolean) else "null"
    if isinstance(node, (exp.Paren, exp.Filter)):
        if isinstance(node, exp.Filter):
            need(node.expression.this, "boolean")
        return of(node.this)
    if isinstance(node, exp.Count):
        taken = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
        if not isinstance(taken, exp.Star):
            of(taken)
        return "number"
    if isinstance(node, (exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Neg)):
        need(node.this, "number")
        return "number"
    if isinstance(node, ARITHMETIC):
        need(node.this, "number")
        need(node.expression, "number")
        return "number"
    if isinstance(node, exp.Nullif):
        return alike(node.this, node.expression)
    if isinstance(node, exp.Case):
        for branch in node.args["ifs"]:
            need(branch.this, "boolean")
        results = [branch.args["true"] for branch in node.args["ifs"]]
        return alike(*results, *([node.args["default"]] if node.args.get("default") else []))
    if isinstance(node, (exp.And, exp.Or)):
        need(node.this, "boolean")
        need(node.expression, "boolean")
    elif isinstance(node, exp.Not):
        need(node.this, "boolean")
    elif isinstance(node, exp.In):
        alike(node.this, *node.expressions)
    elif isinstance(node, exp.Between):
        alike(node.this, node.args["low"], node.args["high"])
    elif isinstance(node, exp.Is):
        of(node.this)
        if not isinstance(node.expression, (exp.Null, exp.Boolean)):
            _refuse(faults, node, "is null", "Compare with is null, is not null or =.")
    else:
        alike(node.this, node.expression)
    return "boolean"
