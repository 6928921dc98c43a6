"""Whether the cockpit answers, whether readings get through, and figures for Prometheus."""

from __future__ import annotations

import hmac
import os
from datetime import UTC, datetime

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from scicity.access.storage import StorageRefused
from scicity.cockpit.arriving import BACKUP, COLLECTOR, COMPACTION, MOVER, NOTICES, RETENTION, trouble
from scicity.cockpit.condition import condition
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

    def since(at: datetime | None, otherwise: float) -> float:
        return (now - at).total_seconds() if at else otherwise

    try:
        found = condition(city, now)
        how = found.pulses[MOVER].told if MOVER in found.pulses else {}
        gauge("inbox_up", "Whether the inbox answers", 1)
        gauge("inbox_waiting_readings", "Readings that wait for the lake", found.waiting)
        gauge("inbox_lag_seconds", "Since when the oldest of them waits", since(found.oldest, 0))
        gauge("inbox_bytes", "What the inbox takes on disk", found.inbox_bytes)
        gauge("quarantine_readings", "Readings held because they could not be placed", found.held)
        gauge("unread_messages", "Messages that could not be read", found.unread)
        gauge("mover_readings", "Readings moved to the lake since the mover began", how.get("readings", 0))
        gauge("mover_readings_per_second", "Readings moved to the lake, over the last minute", how.get("per_second_60", 0))
        gauge("mover_step_seconds", "How long the mover's last step took", how.get("step_seconds", 0))
        for part in (MOVER, COLLECTOR, COMPACTION, BACKUP, RETENTION, NOTICES):
            at = found.pulses[part].at if part in found.pulses else None
            gauge(f"{part}_silent_seconds", f"Since when the {part} was not heard of; -1: never", since(at, -1))
        gauge("lake_up", "Whether the lake's store answers", found.sizes is not None)
        for name, about, value in (
            ("lake_bytes", "What the newest versions of all tables take", found.lake_bytes),
            ("lake_files", "Files of the newest versions of all tables", found.lake_files),
            ("lake_log_files", "Files of the logs of all tables", found.log_files),
            ("lake_doomed_files", "Files that no kept version has, to be deleted by retention", found.doomed_files),
        ):
            if value is not None:  # unknown is not 0
                gauge(name, about, value)
        let_go = found.pulses[RETENTION].told if RETENTION in found.pulses else {}
        gauge("retention_failed", "Whether retention could not do all of its work the last time", bool(let_go.get("error")))
        gauge("retention_deleted_files", "Files that retention deleted the last time", let_go.get("deleted", 0))
        gauge("retention_deleted_bytes", "Bytes that retention deleted the last time", let_go.get("deleted_bytes", 0))
        gauge("disk_free_bytes", "Room on the disk of the state folder", found.disk_free)
        gauge("disk_bytes", "Size of the disk of the state folder", found.disk_total)
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
