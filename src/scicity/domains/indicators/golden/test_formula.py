"""Formulas: what they give, and all that they cannot be."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import duckdb
import ibis
import pytest

from scicity.domains.indicators.methods.aggregate import aggregated, known, taken
from scicity.domains.indicators.methods.formula import LONGEST, FormulaRefused, checked

COLUMNS = {
    "energy": "decimal",
    "floor_area": "real",
    "carrier": "text",
    "zone": "text",
    "year": "integer",
    "attains": "boolean",
}
ROWS: list[tuple[Any, ...]] = [
    (Decimal("10.1"), 2.0, "electricity", "east", 2023, True),
    (Decimal("20.2"), 3.0, "electricity", "west", 2023, False),
    (Decimal("0.3"), None, "natural_gas", "east", 2023, None),
    (None, 5.0, "heat", "east", 2023, True),
]


def result(text: str, rows: list[tuple[Any, ...]] = ROWS) -> Any:
    formula = checked(text, COLUMNS)
    types = {"decimal": "decimal(18,6)", "real": "float64", "text": "string", "integer": "int64", "boolean": "boolean"}
    table = ibis.table({name: types[kind] for name, kind in COLUMNS.items()}, name="rows")
    query = ibis.to_sql(table.aggregate(value=aggregated(formula, table)), dialect="duckdb")
    with duckdb.connect() as database:
        database.execute(
            "CREATE TABLE rows (energy DECIMAL(18,6), floor_area DOUBLE, carrier TEXT, zone TEXT, year BIGINT, attains BOOL)"
        )
        if rows:
            database.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", rows)
        return database.execute(query).fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum(energy)", 30.6),
        ("SUM(energy) / sum(floor_area)", 3.06),
        ("100 * sum(energy) filter (where carrier = 'electricity') / sum(energy)", 100 * 30.3 / 30.6),
        ("avg(floor_area)", 10 / 3),
        ("max(energy) - min(energy)", 20.2 - 0.3),
        ("count(*)", 4),
        ("count(energy)", 3),
        ("count(distinct carrier)", 3),
        ("count(distinct zone) filter (where attains)", 1),
        ("sum(case when carrier in ('electricity', 'heat') then floor_area else 0 end)", 10.0),
        ("count(*) filter (where floor_area between 2 and 3 and not attains)", 1),
        ("count(*) filter (where attains is null or energy is null)", 2),
        ("sum(energy * floor_area)", 80.8),
        ("sum(energy) / (sum(floor_area) - 10)", None),
        ("sum(energy) / nullif(sum(floor_area), 10)", None),
        ("sum(energy) filter (where carrier = 'steam')", None),
        ("sum(energy) * 0.5", 15.3),
        ("-sum(energy)", -30.6),
        ("case when count(*) > 3 then avg(energy) end", 10.2),
    ],
)
def test_results(text: str, expected: float | None) -> None:
    found = result(text)
    assert found == (expected if expected is None else pytest.approx(expected, rel=1e-12))


@pytest.mark.parametrize("text", ["sum(energy)", "avg(floor_area)", "sum(energy) / sum(floor_area)", "max(energy)"])
def test_nothing_is_null_and_never_zero(text: str) -> None:
    assert result(text, []) is None


def test_sums_of_decimals_do_not_depend_on_their_order() -> None:
    rows = [(Decimal(n) / 7 // Decimal("0.000001") * Decimal("0.000001"), 1.0, "heat", "east", 2023, True) for n in range(500)]
    expected = result("sum(energy)", rows)
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        assert result("sum(energy)", rows) == expected


def test_what_a_formula_takes() -> None:
    formula = checked("sum(energy) filter (where carrier = 'heat') / sum(floor_area) filter (where zone = 'east')", COLUMNS)
    table = ibis.table({"energy": "float64", "floor_area": "float64", "carrier": "string", "zone": "string"}, name="rows")
    assert formula.columns == ("carrier", "energy", "floor_area", "zone")
    assert "NULLIF(SUM(floor_area)" in formula.sql
    text = ibis.to_sql(table.aggregate(n=known(formula, table).sum(where=taken(formula, table))), dialect="duckdb")
    assert " OR " in text
    assert text.count("IS NOT NULL") == 4


REFUSED = {
    "": "nothing",
    "energy": "energy",
    "sum(energy) + floor_area": "floor_area",
    "1": "1",
    "'a'": "'a'",
    "sum(steam)": "steam",
    "sum(Energy)": "Energy",
    "sum(carrier)": "carrier",
    "max(carrier)": "carrier",
    "sum(attains)": "attains",
    "sum(energy) + 'a'": "'a'",
    "sum(energy) > 1": "sum(energy) > 1",
    "sum(1)": "SUM(1)",
    "sum(*)": "SUM(*)",
    "sum()": ")",
    "*": "*",
    "count(*, energy)": "COUNT(*, energy)",
    "count(distinct carrier, zone)": "COUNT(DISTINCT",
    "sum(distinct energy)": "SUM(DISTINCT energy)",
    "sum(sum(energy))": "SUM(energy)",
    "sum(energy) filter (where sum(energy) > 1)": "SUM(energy)",
    "coalesce(sum(energy), 0)": "COALESCE",
    "sum(coalesce(energy, 0))": "COALESCE",
    "ifnull(sum(energy), 0)": "COALESCE",
    "sum(energy) / 0": "SUM(energy) / 0",
    "sum(energy) / (0.0)": "SUM(energy) / (0.0)",
    "sum(energy) over ()": "OVER",
    "sum(energy order by year)": "ORDER BY",
    "sum(energy) ignore nulls": "SUM(energy)",
    "row_number() over ()": "OVER",
    "sum(energy) as total": "AS total",
    "sum(energy), count(*)": "2 expressions",
    "distinct sum(energy)": "distinct",
    "sum(energy) from other": "from",
    "sum(energy) limit 1": "limit",
    "sum(energy) group by zone": "group",
    "sum(energy) union select 1": "",
    "select sum(energy)": "",
    "(select 1)": "SELECT",
    "sum(energy) in (select 1)": "SELECT",
    "exists (select 1)": "",
    "sum(energy); drop table rows": ";",
    "sum(energy) -- all": "--",
    "sum(energy) /* all */": "/*",
    'sum("energy")': '"',
    "sum(rows.energy)": ".",
    "sum(energy::int)": ":",
    "cast(sum(energy) as text)": "CAST",
    "read_parquet('/etc/passwd')": "READ_PARQUET",
    "sum(read_csv('x'))": "READ_CSV",
    "getenv('HOME')": "GETENV",
    "current_setting('home_directory')": "CURRENT_SETTING",
    "pragma version": "",
    "attach 'x.db'": "",
    "copy rows to 'x'": "",
    "install httpfs": "",
    "set threads = 1": "",
    "random()": "RAND",
    "now()": "",
    "current_date": "CURRENT_DATE",
    "sum(energy) ** 2": "",
    "sum(energy) % 2": "%",
    "sum(energy) || 'a'": "|",
    "sum(ｅnergy)": "ｅ",
    "ѕum(energy)": "ѕ",
    "sum(energy)\u202e": "\u202e",
    "sum(energy)\x00": "\x00",
    "sum(energy": "",
    "sum(energy))": ")",
    "sum(energy) + ?": "?",
    "sum(energy) + $1": "$",
    "{'a': sum(energy)}": "{",
    "[sum(energy)]": "[",
    "sum(energy) 'x": "'",
    "1e308 * sum(energy)": "1",
    "12345678901234567890 * sum(energy)": "1",
}


@pytest.mark.parametrize(("text", "found"), REFUSED.items(), ids=range(len(REFUSED)))
def test_everything_else_is_refused_with_its_place(text: str, found: str) -> None:
    with pytest.raises(FormulaRefused) as refused:
        checked(text, COLUMNS)
    faults = refused.value.faults
    assert any(found in fault.found for fault in faults), faults
    assert all(fault.position >= 1 and fault.expected and fault.remedy for fault in faults)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(FormulaRefused) as refused:
        checked("sum(steam) + floor_area + median(energy)", COLUMNS)
    assert [(fault.position, fault.found) for fault in refused.value.faults] == [
        (5, "steam"),
        (14, "floor_area"),
        (27, "MEDIAN(energy)"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1_000_000 + "sum(energy)" + ")" * 1_000_000,
        "sum(" * 400,
        "(" * 900 + "1" + ")" * 900,
        "not " * 290 + "attains",
        "case " * 300,
        "case when " * 150,
        "'" * (LONGEST - 1),
        "sum(energy) " * 1_000_000,
        "a" * LONGEST,
        "-" * LONGEST,
        "- " * (LONGEST // 2),
        "1+" * (LONGEST // 2),
        "- " * 250 + "sum(energy)",
        "+".join(["sum(energy)"] * 65),
        "sum(energy)" + "\n" * 5_000_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_texts_are_refused(text: str) -> None:
    with pytest.raises(FormulaRefused):
        checked(text, COLUMNS)


def test_the_longest_formulas_that_are_taken_compute() -> None:
    assert result("+".join(["sum(energy)"] * 59)) == pytest.approx(30.6 * 59)
    assert result("- " * 60 + "sum(energy)") == pytest.approx(30.6)
    assert result("sum(" + "+".join(["energy"] * 59) + ")") == pytest.approx(30.6 * 59)
    assert result("sum(999999999999999999 * 999999999999999999 * energy)") == pytest.approx(30.6e36)
