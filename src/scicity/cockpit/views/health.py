"""Whether the cockpit answers, whether readings get through, and figures for Prometheus."""

from __future__ import annotations

import hmac
import os
from datetime import UTC, datetime

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from scicity.access.storage import StorageRefused
from scicity.cockpit.arriving import MOVER, inbox_of, trouble
from scicity.cockpit.roles import keeps_data

UNKEPT = {"Cache-Control": "no-store"}


def health(request: HttpRequest) -> JsonResponse:
    """Says which district is served; touches neither lake nor records."""
    return JsonResponse({"status": "ok", "district": request.city.district.slug}, headers=UNKEPT)


def ready(request: HttpRequest) -> JsonResponse:
    """200 where what arrives is kept and moved on; 503 where not. Why not is told to those who may read metrics."""
    found = trouble(request.city, datetime.now(UTC))
    told = {"status": "not ready" if found else "ok"} | ({"trouble": found} if found and _may_read(request) else {})
    return JsonResponse(told, status=503 if found else 200, headers=UNKEPT)


def metrics(request: HttpRequest) -> HttpResponse:
    """The access network's state in Prometheus' own form, for its token (SCICITY_METRICS_TOKEN) and those who keep data."""
    if not _may_read(request):
        raise PermissionDenied
    registry, city, now = CollectorRegistry(), request.city, datetime.now(UTC)

    def gauge(name: str, text: str, value: float) -> None:
        Gauge(f"scicity_{name}", text, registry=registry).set(value)

    try:
        inbox = inbox_of(city)
        since, (at, how) = inbox.waiting_since(), inbox.pulses().get(MOVER, (None, {}))
        gauge("inbox_up", "Whether the inbox answers", 1)
        gauge("inbox_waiting_readings", "Readings that wait for the lake", inbox.waiting_readings())
        gauge("inbox_lag_seconds", "Since when the oldest of them waits", (now - since).total_seconds() if since else 0)
        gauge("quarantine_readings", "Readings held because they could not be placed", inbox.held_readings())
        gauge("unread_messages", "Messages that could not be read", inbox.unread_messages())
        gauge("mover_readings", "Readings moved to the lake since the mover began", how.get("readings", 0))
        gauge("mover_step_seconds", "How long the mover's last step took", how.get("step_seconds", 0))
        gauge("mover_silent_seconds", "Since when the mover was not heard of", (now - at).total_seconds() if at else -1)
    except StorageRefused:
        gauge("inbox_up", "Whether the inbox answers", 0)
    gauge("ready", "Whether what arrives is kept and moved on", not trouble(city, now))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST, headers=UNKEPT)


def _may_read(request: HttpRequest) -> bool:
    token = os.environ.get("SCICITY_METRICS_TOKEN", "")
    kind, _, shown = request.headers.get("Authorization", "").partition(" ")
    if token and kind.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode()):
        return True
    return keeps_data(request)
