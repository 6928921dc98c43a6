"""Formulas of virtual meters: what they mean, what is unknown, and that hostile text ends with a word of what is wrong."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.domains.energy.methods.formulas import (
    DEEPEST,
    LONGEST,
    Circle,
    FormulaError,
    evaluated,
    in_turn,
    meters_of,
    parsed,
)

ENERGIES = {
    "a": np.array([10.0, 20.0, np.nan, 0.0]),
    "b": np.array([4.0, np.nan, 3.0, 0.0]),
    "east-01.electricity": np.array([1.0, 2.0, 3.0, 4.0]),
    "表 1": np.array([7.0, 7.0, 7.0, 7.0]),
}


def value(text: str) -> list[Any]:
    found = evaluated(parsed(text), ENERGIES, 4)
    return [None if np.isnan(each) else each for each in found.tolist()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", [10, 20, None, 0]),
        ("a - b * 0.5", [8, None, None, 0]),
        ("a-01 - b", None),
        ("  2 * (a + b) / 4", [7, None, None, 0]),
        ("-a + -(-b)", [-6, None, None, 0]),
        ("a - b - b", [2, None, None, 0]),
        ("a / 2 / 5", [1, 2, None, 0]),
        ("a * 0 + east-01.electricity", [1, 2, None, 4]),
        ("a * (b / (a + b))", [10 * 4 / 14, None, None, None]),
        ("max(a, b, east-01.electricity)", [10, None, None, 4]),
        ("min(a, b) + max(1, 2) * b", [12, None, None, 0]),
        ('"表 1" - east-01.electricity', [6, 5, 4, 3]),
        ("a / 0", [None] * 4),
    ],
)
def test_what_a_formula_means(text: str, expected: list[Any] | None) -> None:
    if expected is None:
        assert meters_of(parsed(text)) == ("a-01", "b")
    else:
        assert value(text) == pytest.approx(expected)


def test_the_meters_that_a_formula_names_come_each_once() -> None:
    assert meters_of(parsed("a + b - a * 0.5 + min(c, a)")) == ("a", "b", "c")


HOSTILE = [
    "",
    " ",
    "1",
    "a * b",
    "a + 1",
    "a / b",
    "min(a, 1)",
    "a +",
    "a b",
    "a - - ",
    "(a",
    "a)",
    "min()",
    "min(a",
    "min",
    "1e999999 * a",
    "1e5 * a",
    "0x10 * a",
    "9999999999999999999999 * a",
    "1.0000000000000001 * a",
    ".5 * a",
    "a ** 2",
    "a // 2",
    "a % 2",
    "a, b",
    "a if a else b",
    "lambda: a",
    "a.__class__",
    "__import__('os').system('true')",
    "exec('a')",
    "eval(a)",
    "open('/etc/passwd')",
    "a; b",
    "a\nb",
    "a\t+ b",
    "a\x00",
    "a\u200b + b",
    "a \u2212 b",
    "a \u00d7 b",
    "\uff11 * a",
    "\u0661 * a",
    "\u202ea + b",
    "а + b",
    '"a\u202e" + b',
    '"a\x00" + b',
    '"a',
    '""',
    "'a' + b",
    "{a}",
    "[a]",
    "a[0]",
    "a == b",
    "a < b",
    "$(true)",
    "`true`",
    "${a}",
    "%s",
    "NaN * a",
    "inf",
    "a' OR '1'='1",
    "a; DROP TABLE meters; --",
    "(" * 5000 + "a" + ")" * 5000,
    "(" * (DEEPEST + 2) + "a" + ")" * (DEEPEST + 2),
    "-" * 1000 + "a",
    "min(" * 100 + "a" + ")" * 100,
    "a" + " + a" * 300,
    "a * " + "a / a * " * 20 + "a * a * a * a",
    "9" * 1500,
    "a" * 1_000_000,
    "a + " * 250_000 + "a",
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_refused_at_once_or_names_no_known_meter(text: str) -> None:
    began = time.process_time()
    try:
        named = meters_of(parsed(text))
    except FormulaError as error:
        assert error.expected
        assert 1 <= error.at <= LONGEST + 2
        assert len(error.found) <= 60
    else:
        assert named
        assert not set(named) <= set(ENERGIES), "a formula of known meters that should have been refused"
    assert time.process_time() - began < 1


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='ab01.9 +-*/(),"min xeE_', max_size=60) | st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        node = parsed(text)
    except FormulaError as error:
        assert error.expected
        return
    names = meters_of(node)
    found = evaluated(node, {name: np.array([1.0, np.nan]) for name in names}, 2)
    assert found.shape == (2,)
    assert np.isnan(found[1])


def test_virtual_meters_stand_behind_what_they_name() -> None:
    assert in_turn({"c": ["b", "x"], "b": ["a"], "a": ["y"]}) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("named", "path"),
    [({"a": ["a"]}, ["a", "a"]), ({"a": ["b"], "b": ["c"], "c": ["a"]}, ["a", "b", "c", "a"])],
)
def test_a_circle_is_refused_with_its_path(named: dict[str, list[str]], path: list[str]) -> None:
    with pytest.raises(Circle) as refused:
        in_turn(named)
    assert refused.value.path == path


def test_a_long_chain_is_no_circle_and_needs_no_stack() -> None:
    names = [f"v{number:05d}" for number in range(20_000)]
    turn = in_turn({name: [below] for name, below in zip(names[1:], names[:-1], strict=True)} | {names[0]: ["real"]})
    assert turn == names
