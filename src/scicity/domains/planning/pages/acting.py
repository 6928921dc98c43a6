"""What people do: enter what was observed of a target, and decide of a conflict. Each act is in the audit trail."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from scicity.domains.planning.models import FOLLOWS, LONGEST, Observation, Resolution
from scicity.domains.planning.pages import asked

TAKEN = {"": "刚被他人处置，请重试 · somebody else just acted; try again"}


def observe(request: HttpRequest, plan: str, targets: set[str]) -> dict[str, str]:
    """Keeps what was sent of a target; what is wrong with it by field, where it cannot be kept. Raises PermissionDenied."""
    if not request.user.has_perm("planning.add_observation"):
        raise PermissionDenied
    sent = {name: request.POST.get(name, "").strip()[:LONGEST] for name in ("plan_target", "observed_on", "value", "note")}
    faults: dict[str, str] = {}
    if sent["plan_target"] not in targets:
        faults["plan_target"] = "没有这个目标 · no such target"
    day, value = _day(sent["observed_on"]), _number(sent["value"])
    if day is None or day > asked.today(request.city):
        faults["observed_on"] = "应为今日或以前的日期 · a day up to today"
    if value is None:
        faults["value"] = "应为数字 · a number"
    if faults:
        return faults
    record = Observation.objects.filter(plan=plan, plan_target=sent["plan_target"], observed_on=day).first()
    if record is not None and not request.user.has_perm("planning.change_observation"):
        raise PermissionDenied
    record = record or Observation(plan=plan, plan_target=sent["plan_target"], observed_on=day)
    record.value, record.note, record.because = value, sent["note"], sent["note"]
    return _kept(record)


def decide(request: HttpRequest, row: Any) -> dict[str, str]:
    """Keeps an act on a conflict; what is wrong with it by field, where it cannot be kept. Raises PermissionDenied."""
    if not request.user.has_perm("planning.add_resolution"):
        raise PermissionDenied
    record = Resolution(
        conflict=row["conflict"],
        plan=row["plan"],
        against=row["against"],
        resolution_act=request.POST.get("resolution_act", "")[:20],
        reason=request.POST.get("reason", "").strip()[:LONGEST],
        decided_on=asked.today(request.city),
        restricted_to=row["restricted_to"] or "",
        place=bytes(row["geometry"]).hex() if row.get("geometry") else "",
        who=request.user.get_username(),
    )
    record.because = record.reason
    return _kept(record)


def history(conflict: str) -> list[Resolution]:
    """What was done of a conflict, in order."""
    return list(Resolution.objects.filter(conflict=conflict))


def next_acts(done: list[Resolution]) -> tuple[str, ...]:
    """Which acts may follow."""
    return FOLLOWS[done[-1].resolution_act if done else None]


def _kept(record: Any) -> dict[str, str]:
    try:
        with transaction.atomic():
            record.save()
    except ValidationError as error:
        return {name: " ".join(told) for name, told in error.message_dict.items()}
    except IntegrityError:
        return TAKEN
    return {}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
