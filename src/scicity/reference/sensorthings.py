"""The page of SensorThings: which requirements of the standard are met, by the tests that name them."""

from __future__ import annotations

import ast
from collections.abc import Container
from pathlib import Path

from scicity.access.sensorthings.requirements import PREFIX, STATES, requirements
from scicity.reference.markdown import code, table

MARK = "meets"
TESTS = ("tests/cockpit/test_sensorthings*.py", "tests/sensorthings/test_*.py")


def page(home: Path, hidden: Container[Path] = ()) -> str:
    """Every requirement: whether it is met, why not, and which tests prove it."""
    proven = proofs(home, hidden)
    text = "# SensorThings API 1.1\n\nThe requirements of OGC 18-088 (Part 1: Sensing), each named behind\n"
    text += f"{code(PREFIX)}, and how [the door](../../src/scicity/access/sensorthings/README.md) stands to them.\n"
    text += (
        "A requirement is met where tests that name it pass; those of one that is met in part prove that part, and that the\n"
    )
    text += "rest is refused with its reason. The service tells the ones that are met whole at `/sta/v1.1/`.\n"
    text += "Names and order are those of the 1.1 test suite of Fraunhofer IOSB; the OGC's own suite was not run.\n\n"
    counts = {state: sum(each.state == state for each in requirements()) for state in STATES}
    text += ", ".join(f"{STATES[state]}: {count}" for state, count in counts.items()) + ".\n\n"
    rows = [
        (
            code(each.name),
            STATES[each.state],
            each.why,
            "<br>".join(linked(file, name) for file, name in proven.get(each.name, ())),
        )
        for each in requirements()
    ]
    return text + table(["requirement", "", "why", "tests"], rows)


def proofs(home: Path, hidden: Container[Path] = (), tests: tuple[str, ...] = TESTS) -> dict[str, list[tuple[str, str]]]:
    """The tests that name each requirement: file and function. Read, and not run."""
    found: dict[str, list[tuple[str, str]]] = {}
    for pattern in tests:
        for file in sorted(home.glob(pattern)):
            if file in hidden:
                continue
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                for name in named(node) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") else ():
                    found.setdefault(name, []).append((file.relative_to(home).as_posix(), node.name))
    return found


def named(function: ast.FunctionDef) -> list[str]:
    """The requirements that a test names in its mark."""
    marks = [each for each in function.decorator_list if isinstance(each, ast.Call)]
    calls = [mark for mark in marks if ast.unparse(mark.func).rpartition(".")[2] == MARK]
    return [
        node.value
        for mark in calls
        for node in ast.walk(mark)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def linked(file: str, name: str) -> str:
    """A test with a link to its file."""
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../../{file})"
