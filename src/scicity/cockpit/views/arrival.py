"""The page of what waits for the lake, and of what is held with its problem."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from scicity.access.inbox import Inbox
from scicity.access.mqtt.subscribe import Reader
from scicity.cockpit import audit, devices
from scicity.cockpit.arriving import MOVER, inbox_of, trouble
from scicity.cockpit.roles import keeps_data
from scicity.kernel.problems import catalogue

SHOWN_HELD = 200
LONGEST_NAME = 200
MOST_MINUTES = 60 * 24 * 366 * 100


class Clock(NamedTuple):
    """What a clock did, in both languages; its times are multiplied by `times` to be right."""

    zh: str
    en: str
    times: float = 1.0


CLOCKS = {
    "right": Clock("时间单位无误", "the unit of time is right"),
    "seconds": Clock("以秒当作毫秒", "seconds told as milliseconds", 1000.0),
    "milliseconds": Clock("以毫秒当作秒", "milliseconds told as seconds", 0.001),
}


def _replay(request: HttpRequest, inbox: Inbox) -> None:
    """Puts the chosen readings back into the queue, mended as the form says; the trail tells how."""
    chinese = request.LANGUAGE_CODE.startswith("zh")
    held = inbox.quarantine(_chosen(request, "held"))
    name, clock = request.POST.get("datastream", "").strip(), CLOCKS.get(request.POST.get("clock", ""), Clock("", ""))
    told = request.POST.get("minutes", "").strip() or "0"
    try:
        minutes = float(told)
        if not name.isprintable() or len(name) > LONGEST_NAME or abs(minutes) > MOST_MINUTES:
            raise ValueError(told)
        mended = [each.mended(name, timedelta(minutes=minutes), clock.times) for each in held]
    except (ValueError, OverflowError):
        messages.error(request, "名称或时间无法这样改正" if chinese else "the name or the time cannot be mended that way")
        return
    count = inbox.replay(mended)
    if count:
        how = {"datastream": name, "minutes": minutes, "times": clock.times}
        before = [{"id": each.id, "datastream": each.datastream, "found": each.found} for each in held[:SHOWN_HELD]]
        audit.write(
            "readings-replayed", f"{count} readings", before=before, after={key: value for key, value in how.items() if value}
        )
    messages.info(request, f"已重放 {count} 条读数" if chinese else f"readings put back into the queue: {count}")


def _read_again(request: HttpRequest, inbox: Inbox) -> None:
    """Reads the chosen messages again, e.g. when their device has been registered since."""
    reader, ids = Reader(inbox, devices.Named()), _chosen(request, "unread")
    done = [each.id for each in inbox.unread() if each.id in ids and each.form == "mqtt" and reader.again(each)]
    if done:
        audit.write("messages-read-again", f"{len(done)} messages", after={"unread": done})
    chinese = request.LANGUAGE_CODE.startswith("zh")
    told = f"{len(done)} / {len(ids)}"
    messages.info(request, f"可以读取的报文：{told}" if chinese else f"messages that could be read now: {told}")


def _chosen(request: HttpRequest, name: str) -> list[int]:
    return [int(each) for each in request.POST.getlist(name) if each.isascii() and each.isdigit() and len(each) < 19]


@login_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """What waits, and what is held with its problem; whoever keeps the data can replay what is mended."""
    if not keeps_data(request):
        raise PermissionDenied
    inbox = inbox_of(request.city)
    if request.method == "POST":
        (_read_again if "unread" in request.POST else _replay)(request, inbox)
        return redirect("arrival")
    held = inbox.quarantine()
    shown = [(each, catalogue()[each.code]) for each in held[:SHOWN_HELD]]
    at, mover = inbox.pulses().get(MOVER, (None, {}))
    context = {"waiting": inbox.waiting_readings(), "since": inbox.waiting_since(), "held": shown, "count": len(held)}
    context |= {"unread": inbox.unread()[:SHOWN_HELD], "mover_at": at, "mover": mover}
    context["clocks"] = CLOCKS
    context["trouble"] = trouble(request.city, datetime.now(UTC))
    return render(request, "cockpit/arrival.html", context)
