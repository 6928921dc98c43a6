"""The query options of a request, and what `$expand` asks of entities further on. OGC 18-088, clause 9.3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from scicity.access.sensorthings.entities import OBSERVATIONS, SETS, EntitySet, Wrong
from scicity.access.sensorthings.filters import Node, ordering, parsed
from scicity.kernel.problems import shown

USUAL_TOP, MOST_TOP = 100, 1_000
MOST_SKIP = 100_000_000
DEEPEST_EXPAND = 6
MOST_EXPANDED = 30
OPTIONS = ("$filter", "$expand", "$select", "$orderby", "$top", "$skip", "$count", "$resultFormat")
DATA_ARRAY = "dataArray"


@dataclass(frozen=True)
class Query:
    """What is asked of a set: `texts` are the options as they came, for links that go on."""

    filter: Node | None = None
    order: tuple[tuple[Node, bool], ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    select: tuple[str, ...] = ()
    expand: dict[str, Query] = field(default_factory=dict)
    form: str = ""
    texts: tuple[tuple[str, str], ...] = ()

    @property
    def page(self) -> int:
        """How many entities an answer holds at most."""
        return USUAL_TOP if self.top is None else min(self.top, MOST_TOP)

    def going_on(self, given: int) -> list[tuple[str, str]]:
        """The options of the next page, `given` entities further on."""
        texts = dict(self.texts)
        if self.top is not None:
            texts["$top"] = str(self.top)
        texts["$skip"] = str(self.skip + given)
        return list(texts.items())


def query(options: Iterable[tuple[str, str]], of: EntitySet, *, one: bool = False) -> Query:
    """The options of a request for a set, or for one entity of it (`one`). Raises Wrong for options that cannot be."""
    found: dict[str, str] = {}
    for name, text in options:
        told = name if name.startswith("$") else f"${name}"
        told = "$resultFormat" if told.lower() == "$resultformat" else told
        if told not in OPTIONS:
            raise Wrong(f"found the option {shown(name, 40)}; expected one of {', '.join(OPTIONS)}")
        if told in found:
            raise Wrong(f"{told}: found twice; expected once")
        if one and told not in ("$select", "$expand"):
            raise Wrong(f"{told}: found for one entity; expected $select or $expand, as the others are of sets")
        found[told] = text
    return _query(found, of, 0, [0])


def _query(found: dict[str, str], of: EntitySet, depth: int, expanded: list[int]) -> Query:
    form = found.get("$resultFormat", "")
    if form not in ("", DATA_ARRAY) or (form and (of.name != OBSERVATIONS or depth)):
        raise Wrong(f"$resultFormat: found {shown(form, 40)}; expected {DATA_ARRAY}, of Observations")
    count = found.get("$count", "false")
    if count not in ("true", "false"):
        raise Wrong(f"$count: found {shown(count, 40)}; expected true or false")
    return Query(
        filter=parsed(found["$filter"]) if "$filter" in found else None,
        order=ordering(found["$orderby"]) if "$orderby" in found else (),
        top=_whole("$top", found["$top"], 2**31) if "$top" in found else None,
        skip=_whole("$skip", found["$skip"], MOST_SKIP) if "$skip" in found else 0,
        count=count == "true",
        select=_selected(found["$select"], of) if "$select" in found else (),
        expand=_expanded(found["$expand"], of, depth, expanded) if "$expand" in found else {},
        form=form,
        texts=tuple(found.items()),
    )


def _whole(option: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 12 and int(text) <= most):
        raise Wrong(f"{option}: found {shown(text, 40)}; expected a whole number from 0 to {most}")
    return int(text)


def _selected(text: str, of: EntitySet) -> tuple[str, ...]:
    known = ["id", *(each.name for each in of.properties), *(each.name for each in of.navigations)]
    names = tuple("id" if name.strip() == "@iot.id" else name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise Wrong(f"$select: found {shown(name or 'nothing', 40)}; expected of {of.name} some of {', '.join(known)}")
    return tuple(dict.fromkeys(names))


def _expanded(text: str, of: EntitySet, depth: int, expanded: list[int]) -> dict[str, Query]:
    if depth >= DEEPEST_EXPAND:
        raise Wrong(f"$expand: found more than {DEEPEST_EXPAND} within one another; expected fewer")
    asked: dict[str, tuple[dict[str, str], list[str]]] = {}
    for part in _split(text, ","):
        path, options = _options_of(part)
        first, _, further = path.partition("/")
        if of.navigation(first) is None:
            expected = ", ".join(each.name for each in of.navigations)
            raise Wrong(f"$expand: found {shown(first or 'nothing', 40)}; expected of {of.name} some of {expected}")
        own, below = asked.setdefault(first, ({}, []))
        if further:
            below.append(further + (f"({options})" if options else ""))
            continue
        for option in _split(options, ";") if options else ():
            name, equals, value = option.partition("=")
            name = name.strip()
            if name not in OPTIONS[:-1] or not equals or name in own:
                expected = ", ".join(OPTIONS[:-1])
                raise Wrong(f"$expand, within {first}: found {shown(option, 40)}; expected once each of {expected}")
            own[name] = value.strip()
    found = {}
    for name, (own, below) in asked.items():
        expanded[0] += 1
        if expanded[0] > MOST_EXPANDED:
            raise Wrong(f"$expand: found more than {MOST_EXPANDED} navigations; expected fewer")
        if below:
            own["$expand"] = ",".join([*([own["$expand"]] if "$expand" in own else []), *below])
        way = of.navigation(name)
        assert way is not None  # noqa: S101  (looked up above)
        found[name] = _query(own, SETS[way.to], depth + 1, expanded)
    return found


def _options_of(part: str) -> tuple[str, str]:
    """`Datastreams/Observations($top=1)` as its path and its options."""
    path, bracket, rest = part.partition("(")
    if bracket and not rest.endswith(")"):
        raise Wrong(f"$expand: found {shown(part, 60)}; expected a closing parenthesis at its end")
    return path.strip(), rest[:-1]


def _split(text: str, sign: str) -> list[str]:
    """The parts between signs that stand neither in parentheses nor in quotes."""
    parts, begin, deep, quoted = [], 0, 0, False
    for at, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "()":
            deep += 1 if letter == "(" else -1
            if deep < 0:
                break
        elif letter == sign and not quoted and not deep:
            parts.append(text[begin:at].strip())
            begin = at + 1
    if deep or quoted:
        raise Wrong(f"$expand: found {shown(text, 60)}; expected parentheses and quotes that close")
    return [*parts, text[begin:].strip()]
