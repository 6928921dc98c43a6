"""The ledger of green certificates: what each act did, and which act is refused and why.

Each kWh of a certificate is used once, by whom it belongs to, before it expires, for a period in which so much was used; the
certificate of power that its owner used from an own roof says nothing that the meter of the roof has not said.

Source: rules of the national green electricity certificates (unverified, `standards/certificate_rules.csv`), and GHG Protocol
Scope 2 Guidance, 2015, chapter 7, quality criteria (unverified).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

BOUGHT, TRANSFERRED, CANCELLED = "bought", "transferred", "cancelled"
ACTIONS = (BOUGHT, TRANSFERRED, CANCELLED)
ACCEPTED, REFUSED = "accepted", "refused"
HOUR, MONTH, YEAR = "hour", "month", "year"
# why an act is refused
USED, NOT_HELD, EXPIRED, BEFORE, OTHER_HOUR, MORE_THAN_USE, SELF_USED, UNKNOWN_USE, NOT_ISSUED, UNKNOWN_LOT = (
    *("used_already", "not_held", "expired", "produced_later", "other_hour", "more_than_use"),
    *("self_used", "use_unknown", "more_than_issued", "unknown_certificate"),
)


@dataclass(frozen=True)
class Lot:
    """Certificates of one production: `volume` [kWh], made in the month or hour that begins on `vintage`, good until the day
    before `expires` (None: for ever). `owner`: the enterprise that used the power itself, if it came from its own roof; `hour`:
    the hour of production (`2023-05-01T07`), where the certificates tell it."""

    name: str
    volume: Decimal
    vintage: date
    expires: date | None = None
    owner: str = ""
    hour: str = ""


@dataclass(frozen=True)
class Act:
    """One act: `who` buys from outside, transfers to `to`, or cancels (uses) a `volume` [kWh] of a lot on a day.

    Of a cancelling, `length` is hour, month or year, `period` names it, and `last` is its last day.
    """

    name: str
    lot: str
    action: str
    day: date
    who: str
    volume: Decimal
    to: str = ""
    length: str = ""
    period: str = ""
    last: date | None = None


@dataclass(frozen=True)
class Said:
    """What became of an act: why it was refused (empty: it was accepted), what was used in its period [kWh] where it was asked,
    and what `who` holds of the lot after it [kWh]."""

    act: Act
    refusal: str
    use: Decimal | None
    held: Decimal


def ledger(lots: Iterable[Lot], acts: Iterable[Act], use_of: Callable[[str, str, str], Decimal | None]) -> list[Said]:
    """What became of each act, in the order of days, and of one day in the order of their names.

    `use_of(who, length, period)` [kWh]: the electricity that an enterprise used in an hour, a month or a year, None where it is
    unknown. A use counts against the hour, the month and the year that it lies in. Raises KeyError for an unknown lot.
    """
    known = {lot.name: lot for lot in lots}
    held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    issued: dict[str, Decimal] = defaultdict(Decimal)
    used: dict[str, Decimal] = defaultdict(Decimal)
    claimed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    said = []
    for act in sorted(acts, key=lambda each: (each.day, each.name)):
        lot, use = known[act.lot], None
        here = (act.lot, act.who)
        refusal = EXPIRED if lot.expires is not None and act.day >= lot.expires else ""
        if not refusal and act.action == BOUGHT:
            refusal = NOT_ISSUED if issued[act.lot] + act.volume > lot.volume else ""
        elif not refusal:
            refusal = _not_held(act, lot, held, used)
        if not refusal and act.action == CANCELLED:
            refusal, use = _cancelling(act, lot, claimed, use_of)
        if not refusal and act.action == BOUGHT:
            issued[act.lot] += act.volume
            held[here] += act.volume
        elif not refusal:
            held[here] -= act.volume
            if act.action == TRANSFERRED:
                held[act.lot, act.to] += act.volume
            else:
                used[act.lot] += act.volume
                for _, period in periods_of(act.length, act.period):
                    claimed[act.who, period] += act.volume
        said.append(Said(act, refusal, use, held[here]))
    return said


def _not_held(act: Act, lot: Lot, held: Mapping[tuple[str, str], Decimal], used: Mapping[str, Decimal]) -> str:
    if act.volume <= held[act.lot, act.who]:
        return ""
    return USED if used[act.lot] and act.volume + used[act.lot] > lot.volume else NOT_HELD


def _cancelling(
    act: Act,
    lot: Lot,
    claimed: Mapping[tuple[str, str], Decimal],
    use_of: Callable[[str, str, str], Decimal | None],
) -> tuple[str, Decimal | None]:
    if lot.owner == act.who:
        return SELF_USED, None
    if act.last is not None and lot.vintage > act.last:
        return BEFORE, None
    if act.length == HOUR and lot.hour != act.period:
        return OTHER_HOUR, None
    first: Decimal | None = None
    for number, (length, period) in enumerate(periods_of(act.length, act.period)):
        use = use_of(act.who, length, period)
        first = use if number == 0 else first
        if use is None and number == 0:
            return UNKNOWN_USE, None
        if use is not None and claimed[act.who, period] + act.volume > use:
            return MORE_THAN_USE, use
    return "", first


def periods_of(length: str, period: str) -> list[tuple[str, str]]:
    """The periods that a use counts against, as (length, name), its own first: `2023-05-01T07` is in `2023-05` and `2023`."""
    names = {HOUR: period, MONTH: period[:7], YEAR: period[:4]}
    lengths = (HOUR, MONTH, YEAR)
    return [(each, names[each]) for each in lengths[lengths.index(length) :]]


def serial_clashes(ranges: Iterable[tuple[str, int, int]]) -> list[tuple[str, str]]:
    """Pairs of names whose ranges of serial numbers (first and last included) have a number in common."""
    clashes, last = [], None
    for name, first, until in sorted(ranges, key=lambda each: (each[1], each[2])):
        if last is not None and first <= last[1]:
            clashes.append((last[0], name))
        if last is None or until > last[1]:
            last = (name, until)
    return clashes
