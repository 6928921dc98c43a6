"""The commands: a module `<name>` with a function `run` is `scicity <name>`; its docstring is the help."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from scicity.kernel.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scicity.city import City
    from scicity.kernel.computing import Done

HOME = Path(os.environ.get("SCICITY_HOME", ".")).resolve()
USUAL = Path(os.environ.get("SCICITY_DISTRICT") or ".")  # the district that is meant where none is named

Folder = Annotated[Path, typer.Argument(help="The district's folder.", show_default=True)]
District = Annotated[Path, typer.Option("--district", "-d", help="The district's folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]

console = Console(highlight=False, soft_wrap=True)


def open_city(folder: Path) -> City:
    """The city of a district's folder. The engines are loaded here, so that what needs none (--help, new) answers at once."""
    from scicity.city import City

    return City(folder)


def progress(as_json: bool) -> Progress:
    """A bar that says what is being done and for how long; nothing where a program listens."""
    columns = (TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=as_json, transient=True)


def told(done: Iterable[Done]) -> list[dict[str, Any]]:
    """What computing did to each table: the partitions it computed and those that came out changed, rows, periods."""
    return [
        {
            "table": d.table,
            "computed": len(d.computed),
            "changed": len(d.changed),
            "rows": d.rows,
            "periods": sorted({part.period for part in d.computed}),
        }
        for d in done
    ]


def say(document: Mapping[str, Any], text: str, as_json: bool) -> None:
    """Prints the result of a command, as JSON or as text for people."""
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
    else:
        console.print(text, markup=False)


def stop(text: str, as_json: bool) -> NoReturn:
    """Says why a command cannot go on, and ends it with status 1."""
    say({"error": text}, f"✗ {text}", as_json)
    raise typer.Exit(1)


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
