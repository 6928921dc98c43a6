"""The contract of the doors: every protocol decodes its recordings to what stands beside them, purely, and never breaks."""

from __future__ import annotations

import ast
import csv
import importlib
import pkgutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scicity import access
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

HOME = Path(access.__path__[0])
EXEMPT = {"files": "takes whole files of a district's folder, not messages; tests/faults and the demo district hold it"}
PROTOCOLS = [found.name for found in pkgutil.iter_modules(access.__path__) if found.ispkg and found.name not in EXEMPT]
RECORDINGS = [(name, file) for name in PROTOCOLS for file in sorted((HOME / name / "recordings").glob("*.in"))]
ARRIVED = datetime(2030, 1, 1, tzinfo=UTC)
# What reaches for the world, or tells something else each time.
IMPURE = {
    *("asyncio", "django", "http", "io", "os", "pathlib", "random", "requests", "secrets", "socket", "ssl", "subprocess"),
    *("sys", "threading", "time", "urllib", "uuid"),
}
IMPURE_CALLS = {"open", "print", "input", "now", "today", "utcnow"}


def decoder(protocol: str) -> Callable[[bytes, str, datetime, Problems], Batch | None]:
    decode: Any = importlib.import_module(f"{access.__name__}.{protocol}.decode").decode
    return decode


def readings_of(batch: Batch) -> list[dict[str, Any]]:
    return batch.rows.to_pylist()


def expected_readings(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8", newline="") as rows:
        return [
            {
                "datastream": row["datastream"],
                "time": datetime.fromisoformat(row["time"]),
                "value": float(row["value"]) if row["value"] else None,
                "revision": int(row["revision"]) if row["revision"] else None,
            }
            for row in csv.DictReader(rows)
        ]


def expected_problems(file: Path) -> list[tuple[str, str, str]]:
    with file.open(encoding="utf-8", newline="") as rows:
        return [(row["code"], row["row"], row["field"]) for row in csv.DictReader(rows)]


def test_exempt_are_only_those_that_are_there_each_with_its_reason() -> None:
    assert all((HOME / name).is_dir() and reason for name, reason in EXEMPT.items())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_protocol_has_its_parts(protocol: str) -> None:
    folder = HOME / protocol
    assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {protocol}\n")
    assert [file for file in folder.glob("recordings/*.in") if file.with_suffix(".expected.csv").is_file()], "no recording"
    recorded = {file.name.split(".")[0] for file in folder.glob("recordings/*")}
    assert recorded == {file.stem for file in folder.glob("recordings/*.in")}, "something is expected of no recording"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_decoding_is_pure(protocol: str) -> None:
    tree = ast.parse((HOME / protocol / "decode.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} & IMPURE == set()
    called = {ast.unparse(node.func).rpartition(".")[2] for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert called & IMPURE_CALLS == set()


@pytest.mark.parametrize(("protocol", "file"), RECORDINGS, ids=[f"{name}-{file.stem}" for name, file in RECORDINGS])
def test_a_recording_decodes_to_what_stands_beside_it(protocol: str, file: Path) -> None:
    expected, refused = file.with_suffix(".expected.csv"), file.with_suffix(".problems.csv")
    assert expected.is_file() != refused.is_file(), "either NN.expected.csv or NN.problems.csv"
    problems = Problems()
    batch = decoder(protocol)(file.read_bytes(), file.name, ARRIVED, problems)
    if refused.is_file():
        assert batch is None
        assert [(p.code, str(p.row or ""), p.field or "") for p in problems] == expected_problems(refused)
        return
    assert list(problems) == []
    assert batch is not None
    assert batch.rows.schema.equals(ARRIVAL)
    assert readings_of(batch) == expected_readings(expected)
    again = decoder(protocol)(file.read_bytes(), file.name, ARRIVED, problems)
    assert again == batch, "the same message must be the same batch"


@pytest.mark.parametrize(("protocol", "file"), RECORDINGS, ids=[f"{name}-{file.stem}" for name, file in RECORDINGS])
def test_a_damaged_message_is_a_problem_and_never_an_error(protocol: str, file: Path) -> None:
    whole, decode = file.read_bytes(), decoder(protocol)
    cut = [whole[:end] for end in range(len(whole))]
    flipped = [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(len(whole))]
    for payload in (*cut, *flipped, b"\x00" * 64, whole * 2):
        problems = Problems()
        batch = decode(payload, file.name, ARRIVED, problems)
        assert (batch is None) or not len(problems), "readings are taken whole, or not at all"
