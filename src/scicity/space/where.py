"""A condition on a file's attributes (`where_sql` of the register): comparisons of attributes with values, and nothing else.

It is parsed and written anew, so that no text of a register reaches an engine: no function, no subquery, no other statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

LONGEST = 4_000  # characters
COMPARED: dict[Any, str] = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
JOINED: dict[Any, str] = {exp.And: "AND", exp.Or: "OR"}
LIKE: dict[Any, str] = {exp.Like: "ILIKE", exp.ILike: "ILIKE"}  # as OGR has it: LIKE looks at no case


class WrongCondition(ValueError):  # noqa: N818
    """A condition that is none, or does more than compare."""


@dataclass(frozen=True)
class Condition:
    """A condition: the attributes that it names, and its SQL over columns of any type for DuckDB."""

    names: frozenset[str]
    sql: str


def condition(text: str) -> Condition:
    """The condition that a text tells. Raises WrongCondition."""
    if len(text) > LONGEST:
        raise WrongCondition(f"{len(text)} characters")
    try:
        tree = sqlglot.parse_one(f"SELECT 1 WHERE {text}", read="duckdb")
    except (SqlglotError, RecursionError, ValueError) as error:
        raise WrongCondition(str(error).splitlines()[0][:200]) from None
    if not isinstance(tree, exp.Select) or {key for key, value in tree.args.items() if value} - {
        "expressions",
        "where",
        "kind",
    }:
        raise WrongCondition("more than a condition")
    if tree.args.get("where") is None:
        raise WrongCondition("no condition")
    try:
        return _written(tree.args["where"].this)
    except RecursionError:
        raise WrongCondition("too many brackets") from None


def _written(tree: exp.Expression) -> Condition:
    names: set[str] = set()

    def column(node: exp.Expression) -> str:
        if not isinstance(node, exp.Column) or node.table:
            raise WrongCondition(f"{node.sql()[:60]} where an attribute must stand")
        names.add(node.name)
        return '"' + node.name.replace('"', '""') + '"'

    def value(node: exp.Expression) -> tuple[str, str]:
        """A value, and the type in which an attribute is compared with it."""
        if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and not node.this.is_string:
            return f"-{float(node.this.this)!r}", "DOUBLE"
        if isinstance(node, exp.Literal):
            if node.is_string:
                return "'" + node.this.replace("'", "''") + "'", "VARCHAR"
            return repr(float(node.this)), "DOUBLE"
        if isinstance(node, exp.Boolean):
            return ("TRUE" if node.this else "FALSE"), "BOOLEAN"
        raise WrongCondition(f"{node.sql()[:60]} where a value must stand")

    def cell(node: exp.Expression, kind: str) -> str:
        return f"TRY_CAST({column(node)}::VARCHAR AS {kind})"

    def of(node: exp.Expression, depth: int = 0) -> str:
        if depth > 100:
            raise WrongCondition("too many brackets")
        if isinstance(node, exp.Paren):
            return f"({of(node.this, depth + 1)})"
        if isinstance(node, exp.Not):
            return f"NOT ({of(node.this, depth + 1)})"
        if type(node) in JOINED:
            return f"({of(node.this, depth + 1)} {JOINED[type(node)]} {of(node.expression, depth + 1)})"
        if isinstance(node, exp.Is):
            if not isinstance(node.expression, exp.Null):
                raise WrongCondition(f"{node.sql()[:60]}: IS goes with NULL alone")
            return f"{column(node.this)} IS NULL"
        if type(node) in COMPARED:
            told, kind = value(node.expression)
            return f"{cell(node.this, kind)} {COMPARED[type(node)]} {told}"
        if type(node) in LIKE:
            told, kind = value(node.expression)
            if kind != "VARCHAR":
                raise WrongCondition(f"{node.sql()[:60]}: LIKE goes with text")
            return f"{cell(node.this, kind)} ILIKE {told}"
        if isinstance(node, exp.Between):
            (low, kind), (high, other) = value(node.args["low"]), value(node.args["high"])
            if kind != other:
                raise WrongCondition(f"{node.sql()[:60]}: two types")
            return f"{cell(node.this, kind)} BETWEEN {low} AND {high}"
        if isinstance(node, exp.In) and node.expressions and not node.args.get("query"):
            told_all = [value(each) for each in node.expressions]
            if len({kind for _, kind in told_all}) != 1:
                raise WrongCondition(f"{node.sql()[:60]}: two types")
            return f"{cell(node.this, told_all[0][1])} IN ({', '.join(told for told, _ in told_all)})"
        raise WrongCondition(f"{node.sql()[:60]}, which is no comparison")

    sql = of(tree)
    return Condition(frozenset(names), sql)
