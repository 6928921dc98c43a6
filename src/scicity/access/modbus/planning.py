"""Which requests read which points: as few as can be, none longer than the standard allows, none across a declared gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from scicity.access.collecting import Point
from scicity.access.modbus.items import ADDRESSES, BITS, FUNCTIONS, Item, numbered, parse, unit_of

MOST_BITS, MOST_REGISTERS = 2000, 125  # of one request: Modbus Application Protocol V1.1b3, 6.1 to 6.4
GAP_SHAPE = "unit/table/first-last, as 1/holding/40-49, or */holding/40-49 for every unit"


@dataclass(frozen=True)
class Wanted:
    """A point and its item."""

    point: Point
    item: Item


@dataclass(frozen=True)
class Gap:
    """Addresses `first` to `last` of a table that must not be touched, of one unit or (None) of all."""

    unit: int | None
    table: str
    first: int
    last: int


@dataclass(frozen=True)
class Request:
    """One question: `count` registers or bits from `address` on, and the points that are read by it, by address."""

    unit: int
    table: str
    address: int
    count: int
    wanted: tuple[Wanted, ...]


def wanted(points: Iterable[Point]) -> list[Wanted]:
    """The points with their items. Raises ValueError for an item that cannot be read."""
    return [Wanted(point, parse(point.item)) for point in points]


def gap(text: str) -> Gap:
    """The gap that is written, unit/table/first-last. Raises ValueError, which says what was expected."""
    unit, table, span = text.split("/") if text.count("/") == 2 else [""] * 3
    first, _, last = span.partition("-")
    try:
        found = Gap(None if unit == "*" else unit_of(unit), table, numbered(first), numbered(last))
    except ValueError:
        raise ValueError(GAP_SHAPE) from None
    if table not in FUNCTIONS or not found.first <= found.last < ADDRESSES:
        raise ValueError(GAP_SHAPE)
    return found


def touched(unit: int, table: str, begin: int, end: int, gaps: Iterable[Gap]) -> bool:
    """Whether the addresses [begin, end) touch a gap."""
    return any(each.table == table and each.unit in (unit, None) and each.first < end and begin <= each.last for each in gaps)


def plan(points: Iterable[Wanted], bridge: int = 0, gaps: Sequence[Gap] = ()) -> list[Request]:
    """The fewest requests that read every point once, by unit, table and address.

    Points are read together where at most `bridge` addresses between them belong to none, and none of these to a gap. A point
    that lies in a gap itself is read by its request all the same: the caller leaves it out.
    """
    requests: list[Request] = []
    by_table = sorted(points, key=lambda each: (each.item.unit, each.item.table, each.item.address, each.item.end))
    for (unit, table), members in groupby(by_table, key=lambda each: (each.item.unit, each.item.table)):
        most = MOST_BITS if table in BITS else MOST_REGISTERS
        together: list[Wanted] = []
        begin = end = 0
        for each in members:
            item = each.item
            fits = item.address - end <= bridge and max(end, item.end) - begin <= most
            if together and not (fits and not touched(unit, table, end, item.address, gaps)):
                requests.append(_request(together))
                together = []
            if not together:
                begin = end = item.address
            together.append(each)
            end = max(end, item.end)
        requests.append(_request(together))
    return requests


def split(request: Request) -> tuple[Request, Request] | None:
    """The request as two, at its widest gap between points or near its middle; None where all its points are in one place."""
    members = request.wanted
    cuts, end = list[tuple[int, int, int]](), members[0].item.end
    for at in range(1, len(members)):
        before, item = members[at - 1].item, members[at].item
        if (before.address, before.end) != (item.address, item.end):
            cuts.append((max(0, item.address - end), -abs(2 * at - len(members)), at))
        end = max(end, item.end)
    if not cuts:
        return None
    at = max(cuts)[2]
    return _request(members[:at]), _request(members[at:])


def _request(members: Sequence[Wanted]) -> Request:
    first, end = members[0].item, max(each.item.end for each in members)
    return Request(first.unit, first.table, first.address, end - first.address, tuple(members))
