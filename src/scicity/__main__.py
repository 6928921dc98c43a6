"""The one command: `scicity`. Each command is a file of `scicity.commands`, found by its name."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import typer

from scicity import commands

app = typer.Typer(
    name="scicity",
    help="Runs a sustainable city district: every number opens, every number heals, every statement is checked.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

for found in pkgutil.iter_modules(commands.__path__):
    module = importlib.import_module(f"{commands.__name__}.{found.name}")
    if hasattr(module, "run"):
        app.command(getattr(module, "NAME", found.name), help=module.__doc__)(module.run)


def main() -> None:
    """Runs the command line. Where the lake's store refuses, it says so and ends with status 1."""
    try:
        app()
    except OSError as error:
        from scicity.stores import StoreRefused  # here, so that what needs no engine answers at once

        if not isinstance(error, StoreRefused):
            raise
        typer.echo(f"✗ {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
