"""Whose days passed: known answers, and that both parties' days add up to all days."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.reviews import tables
from scicity.domains.reviews.methods import clock, days
from scicity.domains.reviews.methods.clock import Days, Visit

FIRST = date(2026, 3, 2)  # a Monday


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def visit(party: str, begin: int, end: int) -> Visit:
    return Visit(party, day(begin), day(end))


def test_the_day_of_the_act_does_not_count():
    assert clock.counted([visit("authority", 0, 0)]) == Days(0, 0, 0)
    assert clock.counted([visit("authority", 0, 1)]) == Days(1, 0, 1)


def test_days_go_to_whoever_holds_the_case_when_they_begin():
    told = [visit("applicant", 0, 4), visit("authority", 4, 7), visit("applicant", 7, 7), visit("authority", 7, 9)]
    assert clock.counted(told) == Days(5, 4, 9)


def test_side_by_side_the_authority_holds_it():
    assert clock.counted([visit("applicant", 0, 10), visit("authority", 2, 5)]) == Days(3, 7, 10)


def test_a_closed_case_that_is_opened_again_has_no_days_in_between():
    assert clock.counted([visit("authority", 0, 2), visit("authority", 9, 10)]) == Days(3, 0, 3)


def test_working_days_leave_out_weekends_and_follow_the_register():
    works = clock.working_days({day(1): "rest", day(5): "working"})
    assert works is not None
    assert clock.counted([visit("authority", 0, 7)], works) == Days(5, 0, 5)  # Wed, Thu, Fri, the worked Saturday, Mon
    assert clock.due_on(FIRST, 5, works) == day(7)
    assert clock.due_on(FIRST, 5) == day(5) and clock.due_on(FIRST, 0) == FIRST
    assert clock.working_days({}) is None
    with pytest.raises(ValueError, match="without working days"):
        clock.due_on(FIRST, 1, lambda _: False)


VISITS = st.lists(st.tuples(st.sampled_from(["authority", "applicant"]), st.integers(0, 60), st.integers(0, 40)), max_size=12)
REST = st.frozensets(st.integers(0, 110))


@given(told=VISITS, rest=REST)
def test_both_parties_add_up_to_all_days(told, rest):
    visits = [visit(party, begin, begin + length) for party, begin, length in told]
    for works in (None, lambda each: (each - FIRST).days not in rest):
        found = clock.counted(visits, works)
        assert found.authority + found.applicant == found.elapsed
        covered = {n for party, begin, length in told for n in range(begin + 1, begin + length + 1)}
        assert found.elapsed == len(covered - (rest if works else set()))


@given(lengths=st.lists(st.tuples(st.sampled_from(["authority", "applicant"]), st.integers(0, 9)), min_size=1, max_size=12))
def test_one_behind_the_other_they_add_up_to_the_days_from_begin_to_end(lengths):
    visits, at = [], 0
    for party, length in lengths:
        visits.append(visit(party, at, at + length))
        at += length
    assert clock.counted(visits).elapsed == at
    assert clock.counted(visits).authority == sum(length for party, length in lengths if party == "authority")


def _rows(
    case_state: str, closed: int | None, *visits: tuple[str, str, int, int | None, int | None]
) -> tuple[pa.Table, pa.Table]:
    stages = [
        {
            "review_case": "2026-00001",
            "visit": number,
            "process_step": stage,
            "stage": stage,
            "party": party,
            "entered_on": day(begin),
            "left_on": None if end is None else day(end),
            "due_on": None if due is None else day(due),
        }
        for number, (stage, party, begin, end, due) in enumerate(visits, start=1)
    ]
    case = {"review_case": "2026-00001", "project": "p", "parcel": "x", "case_state": case_state}
    case |= {"closed_on": None if closed is None else day(closed)}
    return pa.Table.from_pylist(stages, schema=tables.stage.schema), pa.Table.from_pylist([case], schema=tables.case.schema)


NO_KINDS = pa.table({"day": pa.array([], pa.date32()), "day_kind": pa.array([], pa.string())})


def test_the_rows_of_a_case_and_its_stages():
    stages, cases = _rows("passed", 9, ("scheme", "applicant", 0, 2, 5), ("completion", "authority", 2, 9, 8))
    (row,) = days.of_cases(stages, cases, NO_KINDS, tables.clock.schema).to_pylist()
    told = (
        row["authority_days"],
        row["applicant_days"],
        row["elapsed_days"],
        row["day_basis"],
        row["late_steps"],
        row["in_time"],
    )
    assert told == (7, 2, 9, "calendar", 1, False)
    rows = days.of_stages(stages, cases, NO_KINDS, tables.stage_clock.schema).to_pylist()
    assert [(each["stage"], each["authority_days"], each["applicant_days"]) for each in rows] == [
        ("scheme", 0, 2),
        ("completion", 7, 0),
    ]


def test_what_is_open_counts_up_to_the_last_act_and_is_not_judged():
    stages, cases = _rows("open", None, ("scheme", "applicant", 0, 3, None), ("completion", "authority", 3, None, 4))
    (row,) = days.of_cases(stages, cases, NO_KINDS, tables.clock.schema).to_pylist()
    assert (row["elapsed_days"], row["late_steps"], row["in_time"]) == (3, 0, None)
