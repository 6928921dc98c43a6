"""Known answers of the methods: what printed values mean, and how far values are from their targets."""

from __future__ import annotations

import csv
import random
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.indicators.methods.printed import Printed, read
from scicity.domains.indicators.methods.status import PROGRESS, Target, Value, meets, span_of, status_of, target_at

APPENDIX = Path(__file__).parent / "appendix.csv"
PROMISED = [Target(2030, 100.0, document="plan")]


def appendix() -> list[dict[str, str]]:
    with APPENDIX.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


@pytest.mark.parametrize("row", appendix(), ids=lambda row: f"{row['line']}-{row['year']}")
def test_every_value_of_the_appendix_means_what_it_says(row: dict[str, str]) -> None:
    found = read(row["printed"], [row["unit"]])
    expected = [row[name] or None for name in ("kind", "value", "value_high", "comparator")]
    assert [found.kind, *(None if n is None else str(n) for n in (found.value, found.high)), found.comparator] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("约28", Printed("number", Decimal(28), None, "~")),
        ("1,234.5 件", Printed("number", Decimal("1234.5"), None, "=")),
        ("９０％", Printed("number", Decimal(90), None, "=")),
        ("≥80%", Printed("bound", Decimal(80), None, ">=")),
        ("不超过35", Printed("bound", Decimal(35), None, "<=")),
        ("5以上", Printed("bound", Decimal(5), None, ">=")),
        ("约5以上", Printed("text")),
        ("17号线", Printed("text")),
        ("2023年5件", Printed("text")),
        ("—", Printed("none")),
        ("9" * 61, Printed("text")),
        ("1e5", Printed("text")),
    ],
)
def test_printed(text: str, expected: Printed) -> None:
    assert read(text, ["件"]) == expected


@pytest.mark.parametrize(
    ("value", "direction", "target", "progress", "distance"),
    [
        (Value(2025, 100.0), "higher", PROMISED[0], "achieved", 0.0),
        (Value(2025, 60.0), "higher", PROMISED[0], "on_track", 40.0),  # 20 in 2020: half of the way is 60
        (Value(2025, 59.9), "higher", PROMISED[0], "behind", 40.1),
        (Value(2030, 99.9), "higher", PROMISED[0], "missed", 0.1),
        (Value(2031, 100.1), "lower", PROMISED[0], "missed", 0.1),
        (Value(2025, 5.0), "lower", Target(2030, 0.0), "on_track", 5.0),
        (Value(2025, 10.1), "lower", Target(2030, 0.0), "behind", 10.1),
        (Value(2025, 10.0), "lower", Target(2030, 0.0), "on_track", 10.0),
        (Value(2025, 45.0), "within", Target(2030, 40.0, 50.0), "achieved", 0.0),
        (Value(2025, 61.0), "within", Target(2030, 40.0, 50.0), "behind", 11.0),  # 20 away in 2020: 10 is half of it
        (Value(2025, 60.0), "within", Target(2030, 40.0, 50.0), "on_track", 10.0),
        (Value(2025, 1.0), "within", Target(2030, 40.0), "undecided", None),
        (Value(2025, 10.6, comparator="over", kind="bound"), "higher", Target(2030, 10.6), "achieved", 0.0),
        (Value(2030, 10.6, comparator="over", kind="bound"), "higher", Target(2030, 11.0), "undecided", None),
        (Value(2030, 10.6, comparator="over", kind="bound"), "lower", Target(2030, 10.6), "missed", None),
        (Value(2030, 10.6, comparator=">=", kind="bound"), "lower", Target(2030, 10.6), "undecided", None),
        (Value(2030, 10.6, comparator="<", kind="bound"), "higher", Target(2030, 10.6), "missed", None),
        (Value(2030, 10.6, comparator="<=", kind="bound"), "lower", Target(2030, 11.0), "achieved", 0.0),
        (Value(2025, None, kind="none"), "higher", PROMISED[0], "no_value", None),
        (Value(2025, None, kind="pending"), "higher", PROMISED[0], "pending", None),
        (Value(2025, None, kind="text"), "higher", PROMISED[0], "text", None),
        (Value(2025, 60.0, coverage=0.9), "higher", PROMISED[0], "incomplete", None),
        (Value(2019, 60.0), "higher", PROMISED[0], "no_baseline", 40.0),
        (Value(2025, 60.0), "none", PROMISED[0], "no_target", None),
        (Value(2025, 92.4, 56.1, kind="pair"), "higher", Target(2030, 90.0, 50.0), "achieved", None),
        (Value(2030, 92.4, 56.1, kind="pair"), "higher", Target(2030, 90.0, 60.0), "missed", None),
        (Value(2025, 92.4, 56.1, kind="pair"), "higher", Target(2030, 90.0), "undecided", None),
        (Value(2025, 92.4, 56.1, kind="pair"), "higher", Target(2030, 90.0, 60.0), "no_baseline", None),
    ],
)
def test_status(value: Value, direction: str, target: Target, progress: str, distance: float | None) -> None:
    history = [Value(2020, 20.0), Value(2021, 1.0), value, Value(2018, 9.0, comparator="over", kind="bound")]
    found = status_of(value, history, [target], direction, 1.0)
    assert found.progress == progress
    assert found.distance == distance


def test_no_target_is_said() -> None:
    assert status_of(Value(2023, 725.0), [], [], "higher", 1.0).progress == "no_target"


def test_the_next_target_counts_and_then_the_last() -> None:
    targets = [Target(2035, 3.0), Target(2025, 1.0), Target(2030, 2.0)]
    assert [target_at(targets, year).year for year in (2020, 2025, 2026, 2035, 2040)] == [2025, 2025, 2030, 2035, 2035]


def test_decimal_fractions_are_exact() -> None:
    """0.1 + 0.2 of the way: floating point would put the value behind its own path."""
    history = [Value(2020, 0.0)]
    value = Value(2023, 0.3)
    assert status_of(value, [*history, value], [Target(2030, 1.0)], "higher", 1.0).progress == "on_track"


def test_gaps_are_no_baseline() -> None:
    history = [Value(2019, 0.0, coverage=0.5), Value(2020, 20.0, coverage=0.97)]
    found = status_of(Value(2025, 60.0, coverage=0.95), history, PROMISED, "higher", 0.95)
    assert (found.progress, found.baseline) == ("on_track", history[1])


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="upwards"):
        status_of(Value(2025, 1.0), [], PROMISED, "upwards", 1.0)


numbers = st.floats(-1e9, 1e9, allow_nan=False)
values = st.builds(
    Value,
    year=st.integers(2015, 2034),
    value=st.none() | numbers,
    high=st.none() | numbers,
    comparator=st.sampled_from(["=", ">=", ">", "<=", "<", "~", "over"]),
    kind=st.sampled_from(["number", "bound", "pair", "none", "text", "pending"]),
    coverage=st.none() | st.floats(0, 1),
)


@given(
    st.lists(values, min_size=1, max_size=6, unique_by=lambda value: value.year),
    st.lists(st.builds(Target, year=st.integers(2015, 2035), value=numbers), max_size=3, unique_by=lambda t: t.year),
    st.sampled_from(["higher", "lower", "within", "none"]),
    st.integers(),
)
def test_the_order_of_rows_does_not_matter(history: list[Value], targets: list[Target], direction: str, seed: int) -> None:
    shuffled, other = list(history), list(targets)
    random.Random(seed).shuffle(shuffled)
    random.Random(seed).shuffle(other)
    for value in history:
        found = status_of(value, history, targets, direction, 0.9)
        assert found == status_of(value, shuffled, other, direction, 0.9)
        assert found.progress in PROGRESS
        if value.value is None:
            assert found.progress in ("no_target", "no_value", "pending", "text")


@given(numbers, numbers, numbers, st.sampled_from([">=", ">", "<=", "<", "over"]))
def test_a_bound_never_claims_more_than_each_of_its_numbers(bound: float, target: float, way: float, comparator: str) -> None:
    possible = bound + abs(way) + 1 if comparator in (">=", ">", "over") else bound - abs(way) - 1
    band = span_of(target, ">=")
    certain = meets(span_of(bound, comparator), band)
    assert certain is None or certain == meets(span_of(possible, "="), band)
