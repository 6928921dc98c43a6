"""The door for readings by HTTP, and the page of what waits and what is held."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from scicity.access.http.decode import FORMS, decode
from scicity.access.inbox import InboxFull
from scicity.cockpit import audit, devices
from scicity.cockpit.arriving import inbox_of
from scicity.cockpit.roles import keeps_data
from scicity.kernel.problems import Problems, catalogue

MOST_BYTES = 64 << 20  # of a body
SHOWN_PROBLEMS = 50  # of a body, in the answer
SHOWN_HELD = 200
RETRY_SECONDS = "5"


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Takes a body of readings: 202 when it is on stable storage. See `access/http/README.md` for the other answers."""
    kind, _, credential = request.headers.get("Authorization", "").partition(" ")
    device = devices.known(credential.strip()) if kind.lower() == "bearer" else None
    if device is None:
        return _answer(401, "an unknown device, or a wrong secret", {"WWW-Authenticate": 'Bearer realm="readings"'})
    form = request.content_type
    if form not in FORMS:
        return _answer(415, "a content type of " + ", ".join(FORMS))
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > MOST_BYTES:
        return _answer(413 if length.isdecimal() else 411, f"a Content-Length of at most {MOST_BYTES} bytes")
    body, problems = request.read(MOST_BYTES), Problems()
    batch = decode(body, device.name, datetime.now(UTC), problems, form)
    if batch is None:
        told = [problem.as_dict() for problem in list(problems)[:SHOWN_PROBLEMS]]
        return JsonResponse({"problems": told, "count": len(problems)}, status=422)
    others = devices.not_its_own(device, batch.rows.column("datastream").unique().to_pylist())
    if others:
        return _answer(403, f"{device.name} may not send for {', '.join(others[:5])}")
    try:
        inbox_of(request.city).put([batch] if batch.rows.num_rows else [])
    except (InboxFull, sqlite3.Error) as error:
        return _answer(503, f"nothing of this body was taken: {error}", {"Retry-After": RETRY_SECONDS})
    return JsonResponse({"taken": batch.rows.num_rows, "batch": batch.name}, status=202)


@login_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """What waits, and what is held with its problem; whoever keeps the data can replay what is mended."""
    if not keeps_data(request):
        raise PermissionDenied
    inbox = inbox_of(request.city)
    if request.method == "POST":
        ids = [int(each) for each in request.POST.getlist("held") if each.isascii() and each.isdigit() and len(each) < 19]
        count = inbox.replay(ids) if ids else 0
        if count:
            audit.write("readings-replayed", f"{count} readings", after={"held": ids})
        chinese = request.LANGUAGE_CODE.startswith("zh")
        messages.info(request, f"已重放 {count} 条读数" if chinese else f"readings put back into the queue: {count}")
        return redirect("arrival")
    held = inbox.quarantine()
    shown = [(each, catalogue()[each.code]) for each in held[:SHOWN_HELD]]
    context = {"waiting": inbox.waiting_readings(), "held": shown, "count": len(held)}
    return render(request, "cockpit/arrival.html", context)


def _answer(status: int, expected: str, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse({"expected": expected}, status=status, headers=headers)
