"""The page of what waits for the lake, and of what is held with its problem."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from scicity.cockpit import audit
from scicity.cockpit.arriving import MOVER, inbox_of, trouble
from scicity.cockpit.roles import keeps_data
from scicity.kernel.problems import catalogue

SHOWN_HELD = 200


@login_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """What waits, and what is held with its problem; whoever keeps the data can replay what is mended."""
    if not keeps_data(request):
        raise PermissionDenied
    inbox = inbox_of(request.city)
    if request.method == "POST":
        ids = [int(each) for each in request.POST.getlist("held") if each.isascii() and each.isdigit() and len(each) < 19]
        count = inbox.replay(inbox.quarantine(ids)) if ids else 0
        if count:
            audit.write("readings-replayed", f"{count} readings", after={"held": ids})
        chinese = request.LANGUAGE_CODE.startswith("zh")
        messages.info(request, f"已重放 {count} 条读数" if chinese else f"readings put back into the queue: {count}")
        return redirect("arrival")
    held = inbox.quarantine()
    shown = [(each, catalogue()[each.code]) for each in held[:SHOWN_HELD]]
    at, mover = inbox.pulses().get(MOVER, (None, {}))
    context = {"waiting": inbox.waiting_readings(), "since": inbox.waiting_since(), "held": shown, "count": len(held)}
    context |= {"unread": inbox.unread()[:SHOWN_HELD], "mover_at": at, "mover": mover}
    context["trouble"] = trouble(request.city, datetime.now(UTC))
    return render(request, "cockpit/arrival.html", context)
