"""Indicators: frameworks with their printed values and targets, what the formulas give, and where each stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import ibis

from scicity.domains.indicators.assessed import ASSESSMENT_METHOD, assessment_table, flip_table  # noqa: F401  (found by name)
from scicity.domains.indicators.duties import MANUAL_VALUE, MATURITY, duty_table  # noqa: F401  (found here by name)
from scicity.domains.indicators.editions import (  # noqa: F401  (found here by name)
    CROSSWALK,
    MEMBERSHIP,
    PROMISED,
    edition,
    edition_indicator,
    edition_target,
    revision,
    revision_item,
)
from scicity.domains.indicators.framework import Spec, contents, parser_of
from scicity.domains.indicators.judged import STATUS_COLUMNS, STATUS_READS, status
from scicity.domains.indicators.measured import Measured, declared_tables, measured
from scicity.domains.indicators.statements import DOCUMENT_LINE, STATEMENT  # noqa: F401  (found here by name)
from scicity.kernel.files import plain_files
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Derived, Read, Table, derived, source

FILES = "frameworks/*.yaml"
GRAIN = ("indicator", "zone", "year", "origin")
# What leads from a value to its row; what only one origin has keeps the rows of the other out.
KEY = {"indicator": "indicator", "zone": "zone", "year": "year"}
VALUE_COLUMNS = (
    *(*GRAIN, "value", "value_high", "comparator", "kind", "printed", "coverage", "stand_in", "symbol"),
    *("claim_id", "claim_id_high", "document"),
)


def _parse_indicators(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
    for spec in contents(file.read_bytes(), place).specs:
        measured(spec, declared_tables(), problems)
    return parser_of("indicator")(file, place, problems)


FRAMEWORK = source(
    "indicators.framework",
    path=FILES,
    columns=[
        *("framework", "name_zh", "name_en", "document", "review", "source", "indicator_system", "edition", "valid_from"),
        *("valid_to", "predecessor", "horizon", "expected_classes", "expected_items", "expected_indicators"),
    ],
    optional=(
        *("document", "review", "indicator_system", "edition", "valid_from", "valid_to", "predecessor", "horizon"),
        *("expected_classes", "expected_items", "expected_indicators"),
    ),
    grain=["framework"],
    references={"predecessor": "indicators.framework.framework"},
    parse=parser_of("framework"),
    title_zh="指标体系",
    title_en="Indicator frameworks",
    doc="An indicator system, or an edition of one: its names, the document that sets it, and when it is in force.",
)

INDICATOR = source(
    "indicators.indicator",
    path=FILES,
    columns=[
        *("framework", "indicator", "name_zh", "name_en", "dimension_zh", "dimension_en", "unit", "symbol"),
        *("printed_unit_zh", "printed_unit_en", "printed_scale", "direction", "scope", "formula_table", "formula"),
        *("formula_time", "minimum_coverage", "responsible_zh", "responsible_en", "sdg_target", "iso37101_issue", "source"),
    ],
    optional=(
        *("symbol", "printed_unit_zh", "printed_unit_en", "scope", "formula_table", "formula", "formula_time"),
        *("responsible_zh", "responsible_en", "sdg_target", "iso37101_issue"),
    ),
    grain=["indicator"],
    parse=_parse_indicators,
    title_zh="指标",
    title_en="Indicators",
    doc="An indicator: its names, unit, direction, formula, who answers for it, and which goals it answers.",
)

REPORTED = source(
    "indicators.reported",
    path=FILES,
    columns=[
        *("framework", "indicator", "zone", "year", "printed", "kind", "value", "value_high", "comparator"),
        *("claim_id", "claim_id_high", "source"),
    ],
    optional=("value", "value_high", "comparator", "claim_id", "claim_id_high"),
    grain=["indicator", "zone", "year"],
    references={
        "zone": "district.zone.zone",
        "claim_id": "indicators.statement.claim_id",
        "claim_id_high": "indicators.statement.claim_id",
    },
    parse=parser_of("reported"),
    title_zh="报告所列指标值",
    title_en="Reported values",
    doc="A value as a report prints it, and what it means: a number, a bound, a pair, pending, none or a text.",
)

TARGET = source(
    "indicators.target",
    path=FILES,
    columns=["indicator", "zone", "year", "value", "value_high", "document", "review", "source"],
    optional=("value_high", "source"),
    grain=["indicator", "zone", "year"],
    references={"zone": "district.zone.zone"},
    parse=parser_of("target"),
    title_zh="指标目标值",
    title_en="Targets",
    doc="What an indicator was promised to be in a year, and the document that promises it.",
)


def tables_of(district: Any) -> list[Table]:
    """The tables that a district's frameworks call for: one per formula, then values and status over all of them."""
    formulas = formula_tables(specs_of(district), declared_tables())
    return [*formulas, value_table(formulas), status_table(), assessment_table(), flip_table(), duty_table()]


def specs_of(district: Any) -> list[Spec]:
    """The formulas of a district's frameworks; what is wrong with the files is told when they are loaded."""
    files = plain_files(Path(district.folder), FILES, Problems())
    return [spec for file, place in files for spec in contents(file.read_bytes(), place).specs]


def formula_tables(specs: Sequence[Spec], declared: Mapping[str, Table]) -> list[Measured]:
    """The tables of those formulas that are in order; of two with one name, the first."""
    found = (measured(spec, declared, Problems()) for spec in specs)
    by_name: dict[str, Measured] = {}
    for table in found:
        if table is not None:
            by_name.setdefault(table.name, table)
    return [by_name[name] for name in sorted(by_name)]


def value_table(formulas: Sequence[Measured]) -> Derived:
    """`indicators.value` over the reported values and these formulas."""
    parts = {table.name.rpartition(".")[2]: Read(table.name, trace={**KEY, "coverage": "coverage"}) for table in formulas}

    def value(reported: Any, indicator: Any, manual: Any, **others: Any) -> Any:
        """The values of an indicator by zone and year, printed, computed and entered side by side, each with its origin."""
        others.pop("statement")
        others.pop("second_statement")
        unknown = {"coverage": ibis.null("float64"), "stand_in": ibis.null("boolean")}
        shown = reported.mutate(origin=ibis.literal("reported"), document=ibis.null("string"), **unknown)
        whole = manual.filter(manual.duty_period == manual.year.cast("string"))
        entered = whole.mutate(
            origin=ibis.literal("manual"),
            value_high=ibis.null("float64"),
            comparator=ibis.literal("="),
            kind=ibis.literal("number"),
            **unknown,
            **{name: ibis.null("string") for name in ("printed", "claim_id", "claim_id_high")},
        )
        tables = [shown.drop("framework", "source", "source_file", "source_row"), entered]
        for part in others.values():
            known = part.value.notnull()
            tables.append(
                part.mutate(
                    origin=ibis.literal("measured"),
                    value_high=ibis.null("float64"),
                    comparator=known.ifelse("=", ibis.null("string")),
                    kind=known.ifelse("number", "none"),
                    printed=ibis.null("string"),
                    claim_id=ibis.null("string"),
                    claim_id_high=ibis.null("string"),
                    document=ibis.null("string"),
                )
            )
        order = [name for name in VALUE_COLUMNS if name != "symbol"]
        rows = reduce(lambda first, second: first.union(second), (table.select(order) for table in tables))
        return rows.left_join(indicator, "indicator").select(*order, "symbol")

    return derived(
        name="indicators.value",
        reads={
            "reported": Read("indicators.reported", trace={**KEY, "printed": "printed"}),
            "indicator": Read("indicators.indicator", columns=("indicator", "symbol"), trace={"indicator": "indicator"}),
            "manual": Read(
                "indicators.manual_value",
                columns=("indicator", "zone", "year", "duty_period", "value", "document"),
                trace={**KEY, "document": "document"},
            ),
            "statement": Read("indicators.statement", columns=("claim_id",), trace={"claim_id": "claim_id"}),
            "second_statement": Read("indicators.statement", columns=("claim_id",), trace={"claim_id_high": "claim_id"}),
            **parts,
        },
        columns=VALUE_COLUMNS,
        grain=GRAIN,
        title_zh="指标值",
        title_en="Indicator values",
    )(value)


def status_table() -> Derived:
    """`indicators.status` over the values and targets."""
    return derived(
        name="indicators.status",
        reads=STATUS_READS,
        columns=STATUS_COLUMNS,
        grain=GRAIN,
        by_partition=True,
        title_zh="指标进展",
        title_en="Progress of indicators",
    )(status)
