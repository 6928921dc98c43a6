"""The chain of the audit trail, without a database: whatever is changed, removed or inserted is named; the rest holds."""

from __future__ import annotations

import copy
import json
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.cockpit.chain import BEGINNING, digest_of, plain, verify

AT = datetime(2026, 1, 1, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CONTENTS = st.lists(st.tuples(st.text(max_size=5), JSON), min_size=2, max_size=12)
TAMPERED = ("at", "who_number", "who_name", "action", "subject", "before", "after", "address", "previous", "digest", "number")


def trail(contents: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Entries as they are written."""
    found: list[dict[str, Any]] = []
    previous = BEGINNING
    for number, (subject, after) in enumerate(contents, 1):
        entry = {
            "number": number,
            "at": AT + timedelta(seconds=number),
            "who_number": number % 3 or None,
            "who_name": "wang",
            "action": "record-made",
            "subject": subject,
            "before": None,
            "after": plain(after),
            "address": "127.0.0.1",
            "previous": previous,
        }
        previous = entry["digest"] = digest_of(entry, previous)
        found.append(entry)
    return found


def head_of(entries: list[dict[str, Any]]) -> tuple[int, str]:
    return (entries[-1]["number"], entries[-1]["digest"]) if entries else (0, BEGINNING)


@given(CONTENTS)
def test_a_trail_as_it_was_written_holds(contents: list[tuple[str, Any]]) -> None:
    entries = trail(contents)
    found = verify(entries, head_of(entries), entries[0]["digest"])
    assert (found.entries, found.head, found.fault) == (len(entries), entries[-1]["digest"], None)
    assert verify([], (0, BEGINNING)).fault is None


@given(CONTENTS, st.sampled_from(TAMPERED), st.randoms(use_true_random=False))
def test_a_changed_entry_is_named(contents: list[tuple[str, Any]], column: str, chance: random.Random) -> None:
    entries = trail(contents)
    was = copy.deepcopy(entries)
    at = chance.randrange(len(entries))
    old = entries[at][column]
    other = {
        "at": AT + timedelta(days=chance.randrange(1, 999)),
        "who_number": 7,
        "address": "192.0.2.1",
        "number": old + chance.randrange(100, 999) if column == "number" else 0,
        "previous": "f" * 64,
        "digest": "e" * 64,
        "after": {"changed": old},
        "before": {"changed": 1},
    }
    entries[at][column] = other.get(column, f"{old}!")
    found = verify(sorted(entries, key=lambda each: each["number"]), head_of(was))
    assert found.fault is not None
    if column != "number":
        assert (found.fault.number, found.fault.kind, found.entries) == (at + 1, "changed", at)


@given(CONTENTS, st.randoms(use_true_random=False))
def test_a_removed_entry_is_named_with_its_number(contents: list[tuple[str, Any]], chance: random.Random) -> None:
    entries = trail(contents)
    head, at = head_of(entries), chance.randrange(len(entries))
    del entries[at]
    found = verify(entries, head)
    assert found.fault is not None and (found.fault.number, found.fault.kind) == (at + 1, "removed")


@given(CONTENTS, st.randoms(use_true_random=False), st.booleans())
def test_an_inserted_entry_is_named(contents: list[tuple[str, Any]], chance: random.Random, consistent: bool) -> None:
    """By one who knows how digests are made, and by one who does not; those behind it are numbered anew."""
    entries = trail(contents)
    head, at = head_of(entries), chance.randrange(len(entries) + 1)
    previous = entries[at - 1]["digest"] if at else BEGINNING
    forged = {**entries[0], "number": at + 1, "subject": "forged", "previous": previous}
    forged["digest"] = digest_of(forged, previous) if consistent else "d" * 64
    for entry in entries[at:]:
        entry["number"] += 1
    found = verify([*entries[:at], forged, *entries[at:]], head)
    assert found.fault is not None and found.fault.number == at + 1
    assert found.fault.kind == ("inserted" if consistent else "changed")


@given(CONTENTS, st.randoms(use_true_random=False))
def test_an_end_that_was_cut_off_is_found_by_the_head_that_was_kept(
    contents: list[tuple[str, Any]], chance: random.Random
) -> None:
    entries = trail(contents)
    kept, left = entries[-1]["digest"], entries[: chance.randrange(len(entries))]
    assert verify(left, head_of(left)).fault is None, "whoever writes the noted head anew is not found without"
    assert verify(left, head_of(entries)).fault is not None
    found = verify(left, head_of(left), kept)
    assert found.fault is not None and (found.fault.number, found.fault.kind) == (len(left) + 1, "removed")


@given(CONTENTS, st.randoms(use_true_random=False))
def test_a_trail_written_anew_from_a_change_on_is_found_by_the_head_that_was_kept(
    contents: list[tuple[str, Any]], chance: random.Random
) -> None:
    entries = trail(contents)
    kept = entries[-1]["digest"]
    at = chance.randrange(len(contents))
    anew = trail([*contents[:at], ("forged-" + contents[at][0], contents[at][1]), *contents[at + 1 :]])
    assert verify(anew, head_of(anew)).fault is None
    assert verify(anew, head_of(anew), kept).fault is not None


@given(CONTENTS, st.randoms(use_true_random=False), st.integers(1, 4))
def test_no_random_tampering_goes_unnoticed(contents: list[tuple[str, Any]], chance: random.Random, acts: int) -> None:
    entries = trail(contents)
    head, was = head_of(entries), copy.deepcopy(entries)
    for _ in range(acts):
        act = chance.choice(["change", "remove", "swap", "copy"])
        at, other = (chance.randrange(len(entries)) for _ in "ab") if entries else (0, 0)
        if not entries:
            continue
        if act == "change":
            entries[at]["subject"] += "!"
        elif act == "remove":
            del entries[at]
        elif act == "swap":
            entries[at]["number"], entries[other]["number"] = entries[other]["number"], entries[at]["number"]
        else:
            entries.insert(at, copy.deepcopy(entries[other]))
    entries.sort(key=lambda each: each["number"])
    assert (verify(entries, head).fault is None) == (entries == was)


@given(JSON)
def test_what_is_plain_comes_back_the_same_from_any_store(value: Any) -> None:
    """SQLite keeps the text of JSON; PostgreSQL writes numbers out, and knows no 1e5."""
    kept = plain(value)
    assert plain(json.loads(json.dumps(kept))) == kept and "\\u0000" not in json.dumps(kept)
    json.dumps(kept, allow_nan=False)


@pytest.mark.parametrize(("one", "other"), [("2001:0DB8::1", "2001:db8::1"), ("::ffff:1.2.3.4", "::ffff:102:304"), ("", None)])
def test_an_address_counts_however_it_is_written(one: str, other: str | None) -> None:
    entry = trail([("a", 1)])[0]
    assert digest_of({**entry, "address": one}, "") == digest_of({**entry, "address": other}, "")


def test_an_instant_counts_in_whatever_zone_it_is_told() -> None:
    entry = trail([("a", 1)])[0]
    there = entry["at"].astimezone(timezone(timedelta(hours=8)))
    assert digest_of({**entry, "at": there}, "") == digest_of(entry, "")
