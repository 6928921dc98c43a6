"""Addresses: `Things('a')/Datastreams('b')/Observations`, a property, its `$value`, `$ref`. OGC 18-088, clause 9.2."""

from __future__ import annotations

from dataclasses import dataclass

from scicity.access.sensorthings.entities import SETS, EntitySet, Navigation, Wrong
from scicity.kernel.problems import shown

LONGEST_ID = 400  # characters
MOST_STEPS = 20


@dataclass(frozen=True)
class Step:
    """One part of an address: a set, or a way that leads on, perhaps to the entity of an id."""

    name: str
    of: EntitySet
    id: str | None = None
    way: Navigation | None = None

    @property
    def single(self) -> bool:
        """Whether it is one entity."""
        return self.id is not None or (self.way is not None and not self.way.many)


@dataclass(frozen=True)
class Address:
    """Where a request goes: steps to a set or an entity, then perhaps a property (a part of its JSON), `$value` or `$ref`."""

    steps: tuple[Step, ...]
    part: tuple[str, ...] = ()
    value: bool = False
    reference: bool = False

    @property
    def last(self) -> Step:
        """What it leads to."""
        return self.steps[-1]


def address(text: str) -> Address:
    """An address of an entity or a set. Raises Wrong (404) for what names nothing."""
    parts = _parts(text)
    if len(parts) > MOST_STEPS:
        raise Wrong(f"the address: found {len(parts)} steps; expected at most {MOST_STEPS}", 404)
    steps: list[Step] = []
    part: tuple[str, ...] = ()
    for at, told_part in enumerate(parts):
        name, key = _step(told_part)
        rest = parts[at + 1 :]
        if part:
            if key is not None or name == "$ref":
                raise _unknown(told_part, "the name of a part of a property, or $value")
            if name == "$value" and not rest:
                return Address(tuple(steps), part, value=True)
            part += (name,)
            continue
        if not steps:
            if name not in SETS:
                raise _unknown(name, "one of " + ", ".join(SETS))
            steps.append(Step(name, SETS[name], key))
            continue
        here = steps[-1]
        if name == "$ref" and key is None and not rest:
            return Address(tuple(steps), reference=True)
        if not here.single:
            raise _unknown(told_part, f"{here.name}('id') before it")
        way, told = here.of.navigation(name), here.of.property(name)
        if way is not None:
            if key is not None and not way.many:
                raise _unknown(told_part, f"{name} without an id, as there is one")
            steps.append(Step(name, SETS[way.to], key, way))
        elif (told is not None or name in ("id", "@iot.id")) and key is None:
            part = ("id" if name == "@iot.id" else name,)
        else:
            names = [each.name for each in (*here.of.properties, *here.of.navigations)]
            raise _unknown(told_part, f"of a {here.of.single} one of {', '.join(names)}")
    return Address(tuple(steps), part)


def quoted(key: str) -> str:
    """An id as it stands in addresses."""
    return "'" + key.replace("'", "''") + "'"


def _unknown(found: str, expected: str) -> Wrong:
    return Wrong(f"the address: found {shown(found or 'nothing', 60)}; expected {expected}", 404)


def _parts(text: str) -> list[str]:
    parts, begin, inside = [], 0, False
    for at, letter in enumerate(text):
        if letter == "'":
            inside = not inside
        elif letter == "/" and not inside:
            parts.append(text[begin:at])
            begin = at + 1
    parts.append(text[begin:])
    return parts[:-1] if len(parts) > 1 and not parts[-1] else parts


def _step(part: str) -> tuple[str, str | None]:
    """The name and the id of a part."""
    if not part.endswith(")") or "(" not in part:
        return part, None
    name, _, key = part[:-1].partition("(")
    if key.isascii() and key.isdecimal():  # clients that count write numbers without quotes
        told = key
    elif len(key) > 2 and key[0] == key[-1] == "'" and "'" not in key[1:-1].replace("''", ""):
        told = key[1:-1].replace("''", "'")
    else:
        raise _unknown(part, f"{name}('id')")
    if len(told) > LONGEST_ID:
        raise _unknown(f"an id of {len(told)} characters", f"at most {LONGEST_ID}")
    return name, told
