"""The audit trail of a district: writers in several processes make one chain; the command finds what was done to it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from scicity.cockpit.chain import BEGINNING, digest_of, plain
from tests.access.postgres import Postgres
from tests.operation.running import HOME, environment, scicity

ROUNDS, WRITERS = 12, ("li", "wang", "zhao")
MANY = 100_000


def verified(state: Path, folder: Path, *more: str, **settings: str) -> tuple[int, dict[str, Any]]:
    done = scicity(state, "audit-trail", "verify", "--district", str(folder), "--json", *more, **settings)
    return done.returncode, json.loads(done.stdout)


def head(state: Path, folder: Path, **settings: str) -> dict[str, Any]:
    done = scicity(state, "audit-trail", "head", "--district", str(folder), "--json", **settings)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_writers_in_several_processes_make_one_chain(
    kind: str, tmp_path: Path, folder: Path, request: pytest.FixtureRequest
) -> None:
    settings = {}
    if kind == "postgresql":
        cluster: Postgres = request.getfixturevalue("postgres")
        settings["SCICITY_DATABASE"] = cluster.address
    state = tmp_path / "state"
    before = head(state, folder, **settings)
    told = environment(state, SCICITY_DISTRICT=str(folder), **settings)
    told["PYTHONPATH"] = f"{HOME / 'src'}:{HOME}"
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.documents.writing", name, str(ROUNDS)],
            cwd=HOME,
            env=told,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for name in WRITERS
    ]
    for writer in writers:
        said = writer.communicate(timeout=300)[0].decode()
        assert writer.returncode == 0, said
    status, found = verified(state, folder, "--head", before["head"], **settings)
    assert (status, found["fault"]) == (0, None), found
    assert found["entries"] > before["number"] + ROUNDS * len(WRITERS) * 2


@pytest.fixture
def trail(tmp_path: Path, folder: Path) -> tuple[Path, sqlite3.Connection]:
    """A district with some entries, and its database as one who has its password sees it."""
    state = tmp_path / "state"
    head(state, folder)
    told = environment(state, SCICITY_DISTRICT=str(folder))
    told["PYTHONPATH"] = f"{HOME / 'src'}:{HOME}"
    subprocess.run([sys.executable, "-m", "tests.documents.writing", "wang", "5"], cwd=HOME, env=told, check=True)
    return state, sqlite3.connect(state / "small" / "records.sqlite3", isolation_level=None)


def test_what_is_done_behind_the_trail_is_found(trail: tuple[Path, sqlite3.Connection], folder: Path) -> None:
    state, database = trail
    kept = head(state, folder)
    newest = kept["number"]  # what stands further back is what the first start wrote, and would write again
    entries = "cockpit_auditentry"
    whole = list(database.execute(f"SELECT * FROM {entries}"))
    marks = ",".join("?" * len(whole[0]))
    acts = {
        "changed": (f"UPDATE {entries} SET after = '{{\"is\": 8}}' WHERE number = {newest - 1}", newest - 1),
        "removed": (f"DELETE FROM {entries} WHERE number = {newest - 3}", newest - 3),
        "inserted": (
            f"INSERT INTO {entries} (number, at, who_name, action, subject, previous, digest) "
            f"SELECT -1, at, 'x', 'y', 'z', previous, 'd' FROM {entries} WHERE number = 1",
            -1,
        ),
    }
    assert verified(state, folder)[0] == 0
    for act, (statement, number) in acts.items():
        database.execute(statement)
        status, found = verified(state, folder)
        assert status == 1 and found["fault"]["number"] == number, found
        assert act == "inserted" or found["fault"]["kind"] == act, found
        database.execute(f"DELETE FROM {entries}")
        database.executemany(f"INSERT INTO {entries} VALUES ({marks})", whole)
    last = verified(state, folder, "--head", kept["head"])
    assert last[0] == 0, last
    # The newest entries and the note of the head together: found by a head that was kept elsewhere, and by that alone.
    database.execute(f"DELETE FROM {entries} WHERE number > {newest - 4}")
    digest = database.execute(f"SELECT digest FROM {entries} WHERE number = {newest - 4}").fetchone()[0]
    assert verified(state, folder)[1]["fault"]["number"] == newest - 3
    database.execute("UPDATE cockpit_audithead SET number = ?, digest = ?", (newest - 4, digest))
    assert verified(state, folder)[0] == 0
    status, found = verified(state, folder, "--head", kept["head"])
    assert status == 1 and (found["fault"]["number"], found["fault"]["kind"]) == (newest - 3, "removed")
    told = scicity(state, "audit-trail", "verify", "--district", str(folder), "--head", kept["head"]).stdout
    assert f"entry {newest - 3} (removed)" in told


@pytest.mark.parametrize("arguments", [("forge",), ("verify", "--head", "abc"), ("verify", "--head", "g" * 64)])
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], tmp_path: Path, folder: Path) -> None:
    assert scicity(tmp_path / "state", "audit-trail", *arguments, "--district", str(folder)).returncode == 1


@pytest.mark.slow
def test_a_hundred_thousand_entries_are_verified(tmp_path: Path, folder: Path) -> None:
    """In seconds: what it took is printed, and held only against minutes, as machines differ."""
    state = tmp_path / "state"
    number, previous = head(state, folder).values()
    database = sqlite3.connect(state / "small" / "records.sqlite3", isolation_level=None)
    after = {"title": "日照分析", "size": 1.5, "versions": [1, 2, 3], "state": "current"}
    rows = []
    from datetime import UTC, datetime

    at = datetime(2026, 1, 1, 8, 0, 0, 123456, UTC)
    for each in range(number + 1, number + MANY + 1):
        entry = {"number": each, "at": at, "who_number": None, "who_name": "wang", "action": "record-changed"}
        entry |= {"subject": f"documents.Document {each}", "before": None, "after": plain(after), "address": "127.0.0.1"}
        digest = digest_of(entry, previous)
        told = json.dumps(after)
        rows.append(
            (
                each,
                "2026-01-01 08:00:00.123456",
                "wang",
                "record-changed",
                entry["subject"],
                told,
                "127.0.0.1",
                previous,
                digest,
            )
        )
        previous = digest
    columns = "number, at, who_name, action, subject, after, address, previous, digest"
    database.execute("BEGIN")
    database.executemany(f"INSERT INTO cockpit_auditentry ({columns}) VALUES (?,?,?,?,?,?,?,?,?)", rows)
    database.execute("UPDATE cockpit_audithead SET number = ?, digest = ?", (number + MANY, previous))
    database.execute("COMMIT")
    begun = time.perf_counter()
    status, found = verified(state, folder)
    took = time.perf_counter() - begun
    print(f"\n{found['entries']} entries in {took:.1f} s, with the start of the command")
    assert (status, found["entries"], found["fault"]) == (0, number + MANY, None) and previous != BEGINNING
    assert took < 120


def test_the_command_of_notices_sends_once_and_ends(tmp_path: Path, folder: Path) -> None:
    state = tmp_path / "state"
    head(state, folder)
    done = scicity(state, "notices", "--once", "--district", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"sent": 0, "later": 0, "failed": 0, "uploads_ended": 0, "reminded": 0}
