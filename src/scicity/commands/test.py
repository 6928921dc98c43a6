"""Runs every check: formatting, lint, who may import whom, types, and the tests."""

import subprocess
import sys
import time
from typing import Annotated

import typer

from scicity.commands import HOME, Json, console, say

CHECKS = (
    ("formatting", ["ruff", "format", "--check", "--quiet", "."]),
    ("lint", ["ruff", "check", "--quiet", "--output-format", "concise", "."]),
    ("imports", ["lint-imports", "--no-cache"]),
    ("types", ["mypy"]),
    ("tests", ["pytest", "-q", "-n", "2", "--dist", "worksteal"]),
)


def run(
    tests: Annotated[list[str] | None, typer.Argument(help="Only these tests (then the other checks are left out).")] = None,
    as_json: Json = False,
) -> None:
    wanted = (("tests", ["pytest", "-q", *tests]),) if tests else CHECKS
    results = []
    for name, command in wanted:
        began = time.perf_counter()
        if not as_json:
            console.print(f"· {name}")
        module = {"lint-imports": "importlinter.cli"}.get(command[0], command[0])
        entry = [sys.executable, "-m", module, *command[1:]]
        if command[0] == "lint-imports":
            entry = [
                sys.executable,
                "-c",
                "from importlinter.cli import lint_imports_command; lint_imports_command()",
                *command[1:],
            ]
        done = subprocess.run(entry, cwd=HOME, check=False, capture_output=as_json)  # noqa: S603  (our own tools)
        results.append({"check": name, "passed": done.returncode == 0, "seconds": round(time.perf_counter() - began, 1)})
    failed = [r["check"] for r in results if not r["passed"]]
    text = ("failed: " + ", ".join(failed)) if failed else "every check passed"
    say({"checks": results}, as_json, text) if as_json or failed or tests else None
    raise typer.Exit(1 if failed else 0)
