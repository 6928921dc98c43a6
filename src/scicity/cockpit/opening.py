"""Addresses of opened figures on the web, and what an opened figure tells beyond the kernel's `Why`. Knows no Django."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType, ModuleType
from urllib.parse import quote, unquote

from scicity.kernel.tables import Derived, Table
from scicity.vocabulary import term

STANDARD = r"\b(?:GB|HJ|JJF|JJG|DL|DB\d*|CJ|ISO|IEC|IPCC|WHO|RFC)(?:/T|/Z)?\b"
CLAUSE = re.compile(rf"[^.;。；\n]*(?:{STANDARD}[^.;。；\n]*?\d|\bdoi\b|10\.\d{{4,9}}/)[^;。；\n]*", re.I)


def path_of(address: str) -> str:
    """The path of a figure's page; Chinese keys stand readable in the browser's bar, a key with a slash is escaped twice."""
    readable = unquote(address)
    if all(readable.count(mark) == address.count(mark) for mark in "/=@") and "%" not in readable and readable.isprintable():
        address = readable
    return "/why/" + quote(address, safe="/=@:,")


def is_figure(grain: tuple[str, ...], name: str) -> bool:
    """Whether a column holds numbers that open: not those that say which row is meant, nor years, lines and revisions."""
    measures = term(name).type in ("real", "decimal", "factor", "integer")
    return measures and name not in grain and not name.endswith(("year", "line", "revision"))


@dataclass(frozen=True)
class Method:
    """A function that a table's function calls: where it stands, what it says of itself, and the clauses that it names."""

    name: str
    doc: str
    clauses: tuple[str, ...]


def methods_of(table: Table) -> list[Method]:
    """The methods that a derived table's function uses, found in its code: named functions of its domain's `methods`."""
    if not isinstance(table, Derived):
        return []
    found: dict[str, Method] = {}
    for function in _called(table.function, {}):
        if ".methods" in function.__module__:
            doc = inspect.getdoc(function) or ""
            name = f"{function.__module__.removeprefix('scicity.domains.')}.{function.__name__}"
            found[name] = Method(name, doc, clauses_of("\n".join((inspect.getdoc(inspect.getmodule(function)) or "", doc))))
    return list(found.values())


def clauses_of(text: str) -> tuple[str, ...]:
    """The clauses of standards and the DOIs that a text names, each once."""
    joined = re.sub(r"(?<![.。:])\n(?!\n)", " ", text)
    return tuple(dict.fromkeys(match.group(0).strip(" (),.") for match in CLAUSE.finditer(joined)))


def _called(function: Callable[..., object], seen: dict[int, bool], depth: int = 0) -> list[FunctionType]:
    code = getattr(function, "__code__", None)
    if code is None or id(code) in seen or depth > 3:
        return []
    seen[id(code)] = True
    names = set(code.co_names).union(*(inner.co_names for inner in code.co_consts if inspect.iscode(inner)))
    here = function.__globals__
    things = [here[name] for name in sorted(names) if name in here]
    for thing in list(things):
        if isinstance(thing, ModuleType) and ".methods" in thing.__name__:
            things += [vars(thing)[name] for name in sorted(names) if name in vars(thing)]
    found: list[FunctionType] = []
    for thing in things:
        if isinstance(thing, FunctionType) and thing.__module__.startswith("scicity.domains."):
            found.append(thing)
            if ".methods" not in thing.__module__:
                found += _called(thing, seen, depth + 1)
    return found
