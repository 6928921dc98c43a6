"""One table per formula: what the formula gives by zone and year, from the one table that it names and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import ibis

from scicity.domains.indicators.framework import Spec
from scicity.domains.indicators.methods import aggregate
from scicity.domains.indicators.methods.formula import Formula, FormulaRefused, checked
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Derived, Read, Table, discover
from scicity.vocabulary import term

PREFIX = "indicators.measured_"
DATES = ("day", "month")
MONTHS_OF_YEAR = 12
STAND_IN = "stand-in"


@dataclass(frozen=True, kw_only=True)
class Measured(Derived):
    """The table of one formula; another formula is another code, so that the table is computed anew."""

    formula: str
    symbol: str

    @cached_property
    def code(self) -> str:
        """A digest of declaration, function, methods and the formula."""
        declared = Derived.code.func(self)  # type: ignore[attr-defined]
        return hashlib.sha256(f"{declared} {self.formula} {self.symbol}".encode()).hexdigest()[:16]


@cache
def declared_tables() -> Mapping[str, Table]:
    """Every table that a formula can name: those that the domains declare for any district."""
    return discover().tables


def measured(spec: Spec, declared: Mapping[str, Table], problems: Problems) -> Measured | None:
    """The table of a formula; None, with its problems, where the formula or the table that it names will not do."""
    table = declared.get(spec.table)
    place = (spec.place, spec.lines["table"], f"{spec.indicator}.table")
    if table is None:
        named = ", ".join(sorted(name for name, other in declared.items() if "zone" in other.columns))
        remedy = "Name a table that `scicity tables` lists."
        problems.add("formula", *place, found=spec.table, expected=f"a declared table, such as {named}", remedy=remedy)
        return None
    time = _time(spec, table, problems)
    if "zone" not in table.columns:
        remedy = "Declare a table by zone, and aggregate that one."
        problems.add("formula", *place, found=", ".join(table.columns), expected="a table with a column zone", remedy=remedy)
    found = _formula(spec, table, problems)
    if found is None or time is None or "zone" not in table.columns:
        return None
    return _table(spec, table, found, time)


def _time(spec: Spec, table: Table, problems: Problems) -> str | None:
    """The column that tells the year of a row: `year`, or the local date that the table is partitioned by."""
    time = spec.time or ("year" if "year" in table.columns else table.time)
    where = (spec.place, spec.lines["time"], f"{spec.indicator}.time")
    kind = term(time).type if time in table.columns else ""
    if kind != "date" and not (kind == "integer" and time == "year"):
        dated = ", ".join(c for c in table.columns if c == "year" or term(c).type == "date")
        remedy = "Aggregate a table by year, month or day; name its column as `time`."
        expected = "a column of " + (f"{table.name} with the year or a date: {dated}" if dated else "a table with year or date")
        problems.add("formula", *where, found=time or "no time column", expected=expected, remedy=remedy)
        return None
    if table.period != "all" and time != table.time:
        remedy = "Leave `time` out, or name this column."
        problems.add("formula", *where, found=time, expected=f"{table.time}, which {table.name} is kept by", remedy=remedy)
        return None
    return time


def _formula(spec: Spec, table: Table, problems: Problems) -> Formula | None:
    try:
        return checked(spec.formula, {column: term(column).type for column in table.columns})
    except FormulaRefused as refused:
        for fault in refused.faults:
            problems.add(
                "formula",
                spec.place,
                spec.lines["formula"],
                f"{spec.indicator}.formula",
                found=f"at character {fault.position}: {fault.found}",
                expected=fault.expected,
                remedy=fault.remedy,
            )
        return None


def _table(spec: Spec, table: Table, formula: Formula, time: str) -> Measured:
    partial = tuple(c for c in ("coverage", "stand_in", "origin") if c in table.columns)
    columns = tuple(dict.fromkeys((*formula.columns, "zone", time, *partial)))
    yearly = {"period": "year", "time": "year"} if table.period != "all" else {}
    traced = {"zone": "zone", "year": "year"} if time == "year" else None
    return Measured(
        name=PREFIX + spec.indicator.replace("-", "_"),
        columns=("indicator", "zone", "year", "value", "coverage", "stand_in", "symbol"),
        grain=("indicator", "zone", "year"),
        reads={"rows": Read(table.name, columns=columns, trace=traced)},
        function=_function(spec, formula, time, partial, kept=time in ("year", table.time)),
        formula=formula.sql,
        symbol=spec.symbol,
        title_zh=spec.name_zh,
        title_en=spec.name_en,
        doc=f"{spec.name_en}: `{formula.sql}` over {table.name} by zone and year of `{time}`"
        + (f" [{spec.symbol}]." if spec.symbol else "."),
        **yearly,
    )


def _function(spec: Spec, formula: Formula, time: str, partial: Sequence[str], *, kept: bool) -> Callable[..., Any]:
    def by_zone_and_year(rows: Any) -> Any:
        """The formula by zone and year; coverage is the share of rows and periods that were there and known."""
        rows = rows.filter(rows.zone.notnull() & rows[time].notnull())
        there = aggregate.known(formula, rows).ifelse(1.0, 0.0)
        if "coverage" in partial:
            there = there * rows.coverage.fill_null(0.0)
        value = aggregate.aggregated(formula, rows).cast("float64")
        grouped = rows.group_by(zone=rows.zone, year=_year(rows, time)).aggregate(
            value=(value.isnan() | value.isinf()).ifelse(ibis.null(), value),
            coverage=there.mean(where=aggregate.taken(formula, rows)),
            stand_in=_stand_in(rows, partial),
            periods=rows[time].nunique(),
        )
        # Dates that a table is not kept by are single days of which it tells a state: they are whole as they are.
        share = grouped.periods / _periods_of_year(grouped.year, time) if kept else 1.0
        return grouped.mutate(
            indicator=ibis.literal(spec.indicator),
            symbol=ibis.literal(spec.symbol or None, "string"),
            coverage=(grouped.coverage * share).fill_null(0.0),
        )

    return by_zone_and_year


def _year(rows: Any, time: str) -> Any:
    return rows.year if time == "year" else rows[time].year().cast("int64")


def _periods_of_year(year: Any, time: str) -> Any:
    """How many different times a whole year of the table has."""
    if time == "day":
        first = ibis.date(year, 1, 1)
        return ibis.date(year + 1, 1, 1).delta(first, unit="day")
    return ibis.literal(MONTHS_OF_YEAR if time == "month" else 1)


def _stand_in(rows: Any, partial: Sequence[str]) -> Any:
    """Whether data that are not the district's own lie below; null where the table does not say."""
    if "stand_in" in partial:
        return rows.stand_in.any()
    return (rows.origin == STAND_IN).any() if "origin" in partial else ibis.null("boolean")
