"""The commands: a module `<name>` with a function `run` is `scicity <name>`; its docstring is the help."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from scicity.kernel.problems import Problems

HOME = Path(os.environ.get("SCICITY_HOME", ".")).resolve()
SAMPLE = HOME / "districts" / "future-science-city"

Folder = Annotated[Path, typer.Argument(help="The district's folder.", show_default=True)]
District = Annotated[Path, typer.Option("--district", "-d", help="The district's folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]

console = Console(highlight=False, soft_wrap=True)


def say(document: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Prints the result of a command, as JSON or as text for people."""
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
    else:
        console.print(text, markup=False)


def refuse(problems: Problems, as_json: bool) -> None:
    """Prints every problem and ends with status 1; does nothing where there is none."""
    if not len(problems):
        return
    if as_json:
        typer.echo(json.dumps({"problems": [p.as_dict() for p in problems]}, ensure_ascii=False, indent=2))
    else:
        for problem in problems:
            console.print(f"✗ {problem}", markup=False)
        console.print(f"{len(problems)} problems; nothing was loaded.", markup=False)
    raise typer.Exit(1)
