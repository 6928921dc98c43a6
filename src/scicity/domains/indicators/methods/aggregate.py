"""From a checked formula to an Ibis expression: the same on DuckDB and on Spark.

Source: the meaning of SQL's aggregates (ISO/IEC 9075), as README names those that are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub, truediv
from typing import Any

import ibis
from sqlglot import exp

from scicity.domains.indicators.methods.formula import ARITHMETIC, Formula

BINARY: dict[type[exp.Expr], Callable[[Any, Any], Any]] = {
    **{exp.Add: add, exp.Sub: sub, exp.Mul: mul, exp.Div: truediv, exp.And: and_, exp.Or: or_},
    **{exp.EQ: eq, exp.NEQ: ne, exp.GT: gt, exp.GTE: ge, exp.LT: lt, exp.LTE: le},
}


def aggregated(formula: Formula, rows: Any) -> Any:
    """The formula as an Ibis scalar [the indicator's unit] over `rows`, an Ibis table with the formula's columns.

    Aggregates of decimal columns are exact; they are combined as floating-point numbers. No rows give null, never 0,
    save that a count of no rows is 0.
    """
    return _value(formula.tree, rows)


def taken(formula: Formula, rows: Any) -> Any:
    """Whether at least one aggregate of the formula takes a row: an Ibis boolean column over `rows`."""
    conditions = [_value(condition, rows).fill_null(False) if condition is not None else None for condition in formula.filters]
    if any(condition is None for condition in conditions):
        return ibis.literal(True)
    return reduce(or_, conditions)


def known(formula: Formula, rows: Any) -> Any:
    """Whether every column that the formula takes is known in a row: an Ibis boolean column over `rows`."""
    return reduce(and_, [rows[name].notnull() for name in formula.columns], ibis.literal(True))


def _value(node: Any, rows: Any) -> Any:
    def of(child: Any) -> Any:
        return _value(child, rows)

    if isinstance(node, exp.Column):
        return rows[node.name]
    if isinstance(node, exp.Literal):
        return ibis.literal(str(node.this) if node.is_string else _number(node.this))
    if isinstance(node, exp.Boolean):
        return ibis.literal(bool(node.this))
    if isinstance(node, exp.Null):
        return ibis.null()
    if isinstance(node, exp.Paren):
        return of(node.this)
    if isinstance(node, exp.Filter):
        return _aggregate(node.this, rows, of(node.expression.this))
    if isinstance(node, (exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Count)):
        return _aggregate(node, rows, None)
    if isinstance(node, exp.Nullif):
        return of(node.this).nullif(of(node.expression))
    if isinstance(node, exp.Case):
        branches = [(of(branch.this), of(branch.args["true"])) for branch in node.args["ifs"]]
        default = node.args.get("default")
        return ibis.cases(*branches, else_=of(default) if default is not None else None)
    if isinstance(node, (exp.Neg, exp.Not)):
        return -of(node.this) if isinstance(node, exp.Neg) else ~of(node.this)
    if isinstance(node, exp.In):
        return reduce(or_, [of(node.this) == of(choice) for choice in node.expressions])
    if isinstance(node, exp.Between):
        return of(node.this).between(of(node.args["low"]), of(node.args["high"]))
    if isinstance(node, exp.Is):
        value = of(node.this)
        return value.isnull() if isinstance(node.expression, exp.Null) else value.identical_to(of(node.expression))
    first, second = of(node.this), of(node.expression)
    if isinstance(node, exp.Mul) or (isinstance(node, ARITHMETIC) and not _both_columns(node)):
        # Products and literals could leave the range of a decimal; sums and differences of columns stay exact.
        first, second = first.cast("float64"), second.cast("float64")
    return BINARY[type(node)](first, second)


def _both_columns(node: Any) -> bool:
    return not any(node.find_all(exp.Literal))


def _number(text: str) -> int | Decimal:
    return Decimal(text) if "." in text else int(text)


def _aggregate(node: Any, rows: Any, where: Any) -> Any:
    if isinstance(node, exp.Count):
        if isinstance(node.this, exp.Star):
            return rows.count(where=where)
        if isinstance(node.this, exp.Distinct):
            return _value(node.this.expressions[0], rows).nunique(where=where)
        return _value(node.this, rows).count(where=where)
    value = _value(node.this, rows)
    method = {exp.Sum: "sum", exp.Avg: "mean", exp.Min: "min", exp.Max: "max"}[type(node)]
    return getattr(value, method)(where=where).cast("float64")
