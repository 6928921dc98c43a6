"""Changes to JSON objects as RFC 6902 tells them, a list of operations; all of them are done, or none."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from scicity.access.sensorthings.entities import Wrong
from scicity.kernel.problems import shown

MOST_OPERATIONS = 100
MOST_COPIED = 100_000  # characters that a copy may hold, so that copies of copies stay small


def patched(whole: dict[str, Any], operations: Any) -> dict[str, Any]:
    """The object behind all operations. Raises Wrong for one that cannot be done, and where a `test` fails (409)."""
    if not isinstance(operations, list) or len(operations) > MOST_OPERATIONS:
        raise Wrong(f"the body: found {shown(operations, 60)}; expected a list of at most {MOST_OPERATIONS} operations")
    found: Any = deepcopy(whole)
    for number, told in enumerate(operations, start=1):
        where = f"operation {number}"
        if not isinstance(told, dict) or told.get("op") not in _DONE:
            raise Wrong(f"{where}: found {shown(told, 60)}; expected an op of {', '.join(_DONE)}")
        needed = {"add": ("value",), "replace": ("value",), "test": ("value",), "move": ("from",), "copy": ("from",)}
        for name in ("path", *needed.get(told["op"], ())):
            if name not in told:
                raise Wrong(f"{where}: found no {name}; expected one")
        found = _DONE[told["op"]](found, told, where)
        if not isinstance(found, dict):
            raise Wrong(f"{where}: found an entity that is no object; expected one")
    return found


def _steps(pointer: Any, where: str) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise Wrong(f"{where}: found the place {shown(pointer, 60)}; expected /name or /name/name")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _at(whole: Any, steps: list[str], where: str) -> Any:
    for step in steps:
        if isinstance(whole, dict) and step in whole:
            whole = whole[step]
        elif isinstance(whole, list) and step.isascii() and step.isdecimal() and len(step) < 9 and int(step) < len(whole):
            whole = whole[int(step)]
        else:
            raise Wrong(f"{where}: found nothing at {shown('/'.join(steps), 60)}; expected a value there")
    return whole


def _put(whole: Any, steps: list[str], value: Any, where: str) -> Any:
    if not steps:
        return value
    parent, last = _at(whole, steps[:-1], where), steps[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and (last == "-" or (last.isascii() and last.isdecimal() and len(last) < 9)):
        place = len(parent) if last == "-" else int(last)
        if place > len(parent):
            raise Wrong(f"{where}: found the place {place}; expected at most {len(parent)}")
        parent.insert(place, value)
    else:
        raise Wrong(f"{where}: found nothing that holds {shown(last, 60)}; expected an object or a list")
    return whole


def _without(whole: Any, steps: list[str], where: str) -> Any:
    _at(whole, steps, where)
    if not steps:
        raise Wrong(f"{where}: found the whole entity; expected a part of it")
    parent, last = _at(whole, steps[:-1], where), steps[-1]
    del parent[int(last) if isinstance(parent, list) else last]
    return whole


def _add(whole: Any, told: dict[str, Any], where: str) -> Any:
    return _put(whole, _steps(told["path"], where), deepcopy(told["value"]), where)


def _remove(whole: Any, told: dict[str, Any], where: str) -> Any:
    return _without(whole, _steps(told["path"], where), where)


def _replace(whole: Any, told: dict[str, Any], where: str) -> Any:
    steps = _steps(told["path"], where)
    return _put(_without(whole, steps, where), steps, deepcopy(told["value"]), where)


def _move(whole: Any, told: dict[str, Any], where: str) -> Any:
    origin, target = _steps(told["from"], where), _steps(told["path"], where)
    if target[: len(origin)] == origin:
        raise Wrong(f"{where}: found a move into itself; expected another place")
    value = deepcopy(_at(whole, origin, where))
    return _put(_without(whole, origin, where), target, value, where)


def _copy(whole: Any, told: dict[str, Any], where: str) -> Any:
    value = deepcopy(_at(whole, _steps(told["from"], where), where))
    if len(str(value)) > MOST_COPIED:
        raise Wrong(f"{where}: found a copy of more than {MOST_COPIED} characters; expected less")
    return _put(whole, _steps(told["path"], where), value, where)


def _test(whole: Any, told: dict[str, Any], where: str) -> Any:
    found, expected = _at(whole, _steps(told["path"], where), where), told["value"]
    if found != expected or isinstance(found, bool) is not isinstance(expected, bool):
        raise Wrong(f"{where}: found {shown(found, 60)}; expected {shown(expected, 60)}", 409)
    return whole


_DONE = {"add": _add, "remove": _remove, "replace": _replace, "move": _move, "copy": _copy, "test": _test}
