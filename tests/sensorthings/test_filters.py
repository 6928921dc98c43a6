"""The parser of filters: precedence, and that any text is either read or refused, and never breaks anything."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.access.sensorthings import times
from scicity.access.sensorthings.decode import of_id
from scicity.access.sensorthings.entities import SETS, Wrong
from scicity.access.sensorthings.filters import FUNCTIONS, Call, Literal, Path, ordering, parsed
from scicity.access.sensorthings.paths import address, quoted
from scicity.access.sensorthings.query import query

A, B, C = Path(("a",)), Path(("b",)), Path(("c",))
SIGNS = ("(", ")", ",", "/", "-", "'x'", "''", "1", "2.5", "null", "true", "$", ";", "2021-05-01T00:00:00Z")
WORDS = (*FUNCTIONS, *SIGNS, "eq", "ne", "gt", "and", "or", "not", "add", "mul", "name", "result")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a or b and c", Call("or", (A, Call("and", (B, C))))),
        ("not a and b", Call("and", (Call("not", (A,)), B))),
        ("not not a", A),
        ("a eq b add c mul a", Call("eq", (A, Call("add", (B, Call("mul", (C, A))))))),
        ("(a add b) mul c", Call("mul", (Call("add", (A, B)), C))),
        ("a sub b sub c", Call("sub", (Call("sub", (A, B)), C))),
        ("-a mul b", Call("mul", (Call("-", (A,)), B))),
        ("'it''s'", Literal("it's", "text")),
        ("2021-05-01T08:00:00+08:00", Literal(datetime(2021, 5, 1, tzinfo=UTC), "time")),
        ("2021-05-01T08:00:00 08:00", Literal(datetime(2021, 5, 1, tzinfo=UTC), "time")),
        ("duration'P1DT2H'", Literal(timedelta(days=1, hours=2), "duration")),
        ("@iot.id", Path(("id",))),
        ("Things/@iot.id", Path(("Things", "id"))),
        ("andover", Path(("andover",))),
    ],
)
def test_operators_bind_as_the_standard_has_it(text: str, tree: object) -> None:
    assert parsed(text) == tree


def test_orders_fall_or_rise() -> None:
    assert ordering("a desc, b asc,c") == ((A, True), (B, False), (C, False))


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parsed, ordering, address, lambda t: query([("$expand", t)], SETS["Things"])):
        try:
            read(text)  # type: ignore[operator]
        except Wrong as wrong:
            assert wrong.status in (400, 404, 501) and str(wrong)


@given(st.text(alphabet=string.printable + "'/()表", min_size=1, max_size=60))
def test_an_id_is_found_again_in_its_address(key: str) -> None:
    where = address(f"Datastreams({quoted(key)})/Observations")
    assert where.steps[0].id == key and where.last.name == "Observations"


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), st.text(max_size=20))
def test_the_id_of_an_observation_tells_datastream_and_time(time: datetime, name: str) -> None:
    whole = time.replace(tzinfo=UTC)
    assert of_id(f"{name}@{times.told(whole)}") == (name, whole)
