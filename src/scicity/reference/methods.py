"""The page of the methods: their docstrings, read and not run."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from pathlib import Path

from scicity.domains import __path__ as domains
from scicity.reference.markdown import code


def modules(hidden: Container[Path] = ()) -> Iterator[tuple[str, Path, ast.Module]]:
    """Every module of methods: domain, file, and what stands in it."""
    for file in sorted(Path(domains[0]).glob("*/methods/*.py")):
        if file.name != "__init__.py" and file not in hidden:
            yield file.parent.parent.name, file, ast.parse(file.read_text(encoding="utf-8"))


def public_functions(module: ast.Module) -> list[ast.FunctionDef]:
    """The functions of a module that others may call."""
    return [node for node in module.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


def page(home: Path, hidden: Container[Path] = ()) -> str:
    """Every public function of every domain's methods: how it is called, and its docstring."""
    text = "# 方法 · Methods\n\nPure functions: no file, clock, network or database. Units stand in brackets.\n"
    text += "What is said at the head of a module holds for all of its functions.\n"
    at = ""
    for domain, file, module in modules(hidden):
        functions = public_functions(module)
        if not functions:
            continue
        text += f"\n## {domain}\n" if domain != at else ""
        at = domain
        place = file.relative_to(home).as_posix()
        text += f"\n### {domain} · {file.stem}\n\n[{file.name}](../../{place}): {prose(ast.get_docstring(module))}\n"
        for function in functions:
            text += f"\n#### {file.stem}.{function.name}\n\n{code(called(function))}\n\n{prose(ast.get_docstring(function))}\n"
    return text


def called(function: ast.FunctionDef) -> str:
    """A function with its parameters and what it returns."""
    returned = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"{function.name}({ast.unparse(function.args)}){returned}"


def prose(docstring: str | None) -> str:
    """A docstring as Markdown: its lines as they are; a pipe or an angle bracket is no markup."""
    return (docstring or "").replace("<", "&lt;")
