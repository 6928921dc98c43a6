"""The page of the commands: what `--help` says."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

import typer.main
from typer.core import TyperGroup

from scicity import commands as package
from scicity.__main__ import app
from scicity.reference.markdown import code, table


def page(home: Path, hidden: Container[Path] = ()) -> str:
    """Every command with its arguments and options."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)  # noqa: S101  (several commands make a group)
    text = "# 命令 · Commands\n\n`./scicity COMMAND`; every command knows `--json` and `--help`.\n"
    for name, command in sorted(group.commands.items()):
        if Path(package.__path__[0]) / f"{name}.py" not in hidden:
            text += f"\n## {name}\n\n{help_of(command)}\n\n" + table(["", "", "unless said"], map(parameter, command.params))
    return text


def help_of(command: Any) -> str:
    """The help of a command as one paragraph."""
    return " ".join((command.help or "").split())


def parameter(told: Any) -> tuple[str, str, str]:
    """An argument or option, what it says, and its value where it is left out; a folder's depends on the machine."""
    option = told.param_type_name == "option"
    name = ", ".join(told.opts) if option else (told.name or "").upper()
    usual = told.default if isinstance(told.default, str | int) and not isinstance(told.default, bool) else None
    return code(name), getattr(told, "help", "") or "", code(usual)
