"""What waits in the inbox and what it holds is given by datastream, whichever way it goes meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from scicity.access.inbox import LIVE, Held, Inbox
from scicity.kernel.reading import ARRIVAL, Batch

Empty = Callable[[Path], Path | str]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def rows(*names: str) -> pa.Table:
    return pa.Table.from_pylist(
        [{"datastream": name, "time": NOW, "value": 1.0, "revision": None} for name in names], schema=ARRIVAL
    )


def told(found: tuple[list[pa.Table], list[pa.Table]]) -> tuple[list[str], list[str]]:
    waiting, held = ([name for table in tables for name in table.column("datastream").to_pylist()] for tables in found)
    return waiting, held


def test_readings_are_given_by_datastream_while_they_wait_and_while_they_are_held(tmp_path: Path, empty: Empty) -> None:
    inbox = Inbox(empty(tmp_path))
    inbox.put([Batch("one", rows("a", "b", "a"), NOW), Batch("two", rows("c'"), NOW)])
    assert told(inbox.not_placed(["a", "c'"], ["a", "c'"])) == (["a", "a", "c'"], [])
    (first, second) = inbox.waiting(10, LIVE)
    inbox.hold([Held(first.sequence, "", NOW, "datastream", "a", "a", "a known one", rows("a", "a"))])
    assert told(inbox.not_placed(["a"], ["a"])) == (["a", "a"], ["a", "a"]), "on its way it is in both"
    inbox.moved([first.sequence, second.sequence])
    assert told(inbox.not_placed(["a", "b"], ["a", "b"])) == ([], ["a", "a"])
    assert told(inbox.not_placed(["a", "b"], [])) == ([], []), "held readings are given to those who may see them"
    assert told(inbox.not_placed([], ["b"])) == ([], [])
    assert told(inbox.not_placed([], [f"x{number}" for number in range(20_000)] + ["a"])) == ([], ["a", "a"])
    inbox.replay(inbox.quarantine())
    assert told(inbox.not_placed(["a"], ["a"])) == (["a", "a"], [])
