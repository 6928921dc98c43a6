"""Entering an act on certificates on the page."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest

from scicity.domains.carbon.methods.certificates import ACTIONS
from scicity.domains.carbon.models import CertificateAct
from scicity.domains.carbon.pages.words import ACTIONS as NAMES

RIGHT = "carbon.add_certificateact"
HOURLY = 13  # characters of 2023-05-01T07
FIELDS = ("certificate", "action", "event_on", "enterprise", "recipient", "certificate_volume", "used_period", "source")


def form(request: HttpRequest) -> dict[str, Any] | None:
    """What the form offers and what was written into it last; None for who may not enter anything."""
    if not request.user.has_perm(RIGHT):
        return None
    city = request.city
    return {
        "lots": [row["certificate"] for row in city.rows("carbon.certificate", ["certificate"])],
        "enterprises": city.rows("buildings.enterprise", ["enterprise", "name_zh", "name_en"]),
        "actions": [(action, NAMES[action]) for action in ACTIONS],
        "written": {name: request.POST.get(name, "") for name in FIELDS},
        "faults": [],
    }


def enter(request: HttpRequest) -> list[str]:
    """Keeps the act that was written into the form; what is wrong with it, or nothing. Raises PermissionDenied."""
    if not request.user.has_perm(RIGHT):
        raise PermissionDenied
    told = {name: request.POST.get(name, "").strip() for name in FIELDS}
    city, faults = request.city, []
    for name, table, column in (
        ("certificate", "carbon.certificate", "certificate"),
        ("enterprise", "buildings.enterprise", "enterprise"),
        ("recipient", "buildings.enterprise", "enterprise"),
    ):
        if told[name] and not city.rows(table, [column], {column: told[name]}):
            faults.append(f"{told[name][:60]}: 未登记 · not registered")
    act = CertificateAct(**{name: value for name, value in told.items() if name not in ("event_on", "certificate_volume")})
    try:
        act.event_on = date.fromisoformat(told["event_on"])
        act.certificate_volume = Decimal(told["certificate_volume"])
        if len(act.used_period) == HOURLY:
            act.used_hour = datetime.fromisoformat(f"{act.used_period}:00").replace(tzinfo=city.district.calendar.tz)
    except (ValueError, InvalidOperation):
        faults.append("日期、电量或时段无法识别 · a day, an amount or a period that cannot be read")
    if faults:
        return faults
    act.because = told["source"]
    try:
        act.save()
    except ValidationError as error:
        return [f"{field}: {message}" for field, messages in error.message_dict.items() for message in messages]
    return []
