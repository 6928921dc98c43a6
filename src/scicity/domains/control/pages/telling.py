"""Which warnings stand, who was told of them, and in which state each is after what people did."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from scicity.domains.control.methods import alarm
from scicity.domains.control.models import Told, WarningAct

RECENT = timedelta(days=31)  # behind the newest day with a warning: those that ended earlier are nobody's business any more
STATES = {
    "unacknowledged": ("未确认", "not acknowledged", "bad"),
    "returned_unacknowledged": ("已恢复、未确认", "ended, not acknowledged", "estimated"),
    "acknowledged": ("已确认", "acknowledged", "old"),
    "shelved": ("已搁置", "shelved", "old"),
    "out_of_service": ("停用检修", "out of service", "old"),
    "normal": ("已了结", "settled", "good"),
}
UNSETTLED = ("unacknowledged", "returned_unacknowledged")
OPEN = ("unacknowledged", "returned_unacknowledged", "acknowledged", "shelved", "out_of_service")


def rules(city: Any) -> dict[str, Any]:
    """The rules by name."""
    return {row["rule"]: row for row in city.rows("control.warning_rule")}


def current(city: Any) -> list[Any]:
    """The warnings that stand, and those that began or ended within a month of the newest of them."""
    newest = city.rows("control.warning", ["since"], order=["-since"], limit=1)
    if not newest:
        return []
    since = newest[0]["since"] - RECENT
    rows = city.rows("control.warning", order=["-since", "warning"])
    return [row for row in rows if row["cleared_on"] is None or row["cleared_on"] >= since]


def tell(city: Any, roles: Collection[str], now: datetime | None = None) -> int:
    """Notes of each warning that stands or ended lately that somebody of these `roles` was shown it, where a rule says that the
    role is to be told; once each, however often they look. Nobody counts as told who was not shown it.

    Returns how many were told now.
    """
    to_tell = {name: [role for role in (rule["roles"] or "").split() if role in roles] for name, rule in rules(city).items()}
    rows = current(city) if roles else []
    wanted = [(row["warning"], role) for row in rows for role in to_tell.get(row["rule"], [])]
    if not wanted:
        return 0
    known = Told.objects.filter(warning__in={warning for warning, _ in wanted}).values_list("warning", "role")
    missing = alarm.untold(wanted, known)
    at = now or datetime.now(UTC)
    Told.objects.bulk_create([Told(warning=warning, role=role, at=at) for warning, role in missing], ignore_conflicts=True)
    return len(missing)


def shown(city: Any, rows: Iterable[Any], now: datetime | None = None) -> list[dict[str, Any]]:
    """Warnings with their state, their acts and who was told, as the pages show them."""
    rows, at = list(rows), now or datetime.now(UTC)
    told_rules, tz = rules(city), city.district.calendar.tz
    names = [row["warning"] for row in rows]
    series = {name.rpartition("|")[0] for name in names}
    acts: dict[str, list[WarningAct]] = {}
    for act in WarningAct.objects.order_by("at", "pk"):
        if act.warning.rpartition("|")[0] in series:
            acts.setdefault(act.warning.rpartition("|")[0], []).append(act)
    told: dict[str, list[Told]] = {}
    for each in Told.objects.filter(warning__in=names).order_by("at", "role"):
        told.setdefault(each.warning, []).append(each)
    found = []
    for row in rows:
        of_series = acts.get(row["warning"].rpartition("|")[0], [])
        mine = [act for act in of_series if act.warning == row["warning"]]
        counting = [act for act in of_series if act in mine or act.action not in ("acknowledge", "note")]
        state = alarm.state_of(
            _begin(row["since"], tz),
            None if row["cleared_on"] is None else _begin(row["cleared_on"], tz),
            [alarm.Did(act.action, act.at, act.until) for act in counting],  # type: ignore[arg-type]
            at,
        )
        found.append(
            {
                "row": row,
                "rule": told_rules.get(row["rule"]),
                "state": state,
                "state_words": STATES[state],
                "acts": [act for act in of_series if act in mine or act in counting],
                "told": told.get(row["warning"], []),
            }
        )
    return found


def _begin(day: date, tz: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=tz)
