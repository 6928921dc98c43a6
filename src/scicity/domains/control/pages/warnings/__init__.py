"""The warnings that stand or ended lately: their state, who was told, and what was done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from scicity.domains.control.methods import alarm
from scicity.domains.control.models import TIMED, WarningAct
from scicity.domains.control.pages import asked, telling

PAGE = {"zh": "预警", "en": "Warnings"}
SHELF_DAYS = (1, 7, 30)
LONGEST = 1_000
MOST = 200  # warnings of a page
ORDER = {"high": 0, "medium": 1, "low": 2}
ACTS = {
    "acknowledge": ("确认", "acknowledge"),
    "note": ("处置说明", "what was done"),
    "shelve": ("搁置", "shelve"),
    "unshelve": ("取消搁置", "end the shelving"),
    "out_of_service": ("停用检修", "out of service"),
    "in_service": ("恢复使用", "in service again"),
}
SEVERITY = {"high": ("高", "high", "bad"), "medium": ("中", "medium", "estimated"), "low": ("低", "low", "old")}


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """Lists the warnings by state, a flood as one; whoever may acts on one."""
    city = request.city
    if request.method == "POST":
        if not request.user.has_perm("control.add_warningact"):
            raise PermissionDenied
        _act(request)
        return redirect(request.get_full_path())
    told_to = sorted(request.user.groups.values_list("name", flat=True)) if request.user.is_authenticated else []
    telling.tell(city, told_to)
    current = telling.current(city)
    of_rule = request.GET.get("rule", "")
    entries = telling.shown(city, [row for row in current if of_rule in ("", row["rule"])])
    state = request.GET.get("state", "open")
    if state != "all":
        entries = [entry for entry in entries if entry["state"] in telling.OPEN]
    entries.sort(
        key=lambda entry: (
            ORDER.get(entry["row"]["severity"], 9),
            telling.OPEN.index(entry["state"]) if entry["state"] in telling.OPEN else 9,
        )
    )
    by_name = {entry["row"]["warning"]: entry for entry in entries}
    names = asked.names(city)
    groups = [
        {
            "rule": key[0],
            "place": key[1],
            "since": key[2],
            "entries": [_named(by_name[row["warning"]], names, told_to) for row in rows],
        }
        for key, rows in alarm.grouped([{**entry["row"], "place": entry["row"]["zone"] or ""} for entry in entries])
    ]
    context = {
        "groups": groups[:MOST],
        "more": len(groups) - MOST,
        "count": len(entries),
        "rules": list(telling.rules(city).values()),
        "of_rule": of_rule,
        "state": state,
        "may": request.user.has_perm("control.add_warningact"),
        "acts": list(ACTS.items()),
        "days": [str(each) for each in SHELF_DAYS],
        "any": bool(city.rows("control.warning", ["warning"], limit=1)),
    }
    return render(request, "control/warnings.html", context)


def _named(entry: dict[str, Any], names: dict[tuple[str, str], Any], told_to: list[str]) -> dict[str, Any]:
    row = entry["row"]
    return {
        **entry,
        "name": names.get((row["scope_kind"], row["scope"])),
        "severity": SEVERITY.get(row["severity"], ("", "", "old")),
        "carrier": asked.CARRIERS.get(row["carrier"] or ""),
        "mine": any(told.role in told_to for told in entry["told"]),
        "done": [{"act": act, "words": ACTS[act.action]} for act in entry["acts"]],
    }


def _act(request: HttpRequest) -> None:
    chinese = request.LANGUAGE_CODE.startswith("zh")
    now = datetime.now(UTC)
    action, name = request.POST.get("action", "")[:20], request.POST.get("warning", "")[:400]
    days = request.POST.get("days", "")
    until = now + timedelta(days=int(days)) if action in TIMED and days in map(str, SHELF_DAYS) else None
    if not request.city.rows("control.warning", ["warning"], {"warning": name}):
        messages.error(request, "没有这条预警。" if chinese else "There is no such warning.")
        return
    act = WarningAct(
        warning=name,
        action=action,
        at=now,
        until=until,
        words=request.POST.get("words", "").strip()[:LONGEST],
        who=request.user.get_username(),
    )
    try:
        act.save()
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return
    messages.success(request, "已记录。" if chinese else "Recorded.")
