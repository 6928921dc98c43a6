"""Server-sent events: which tables came out otherwise, so that open pages fetch their figures anew.

An answer ends with its event, and the browser asks again after a moment of its own accord, as the standard has it: no thread of
the server is kept by a page that is merely open, and any proxy lets it through.
"""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

RETRY = 2_000  # [ms] until the browser asks again


@require_GET
def events(request: HttpRequest) -> HttpResponse:
    """The derived tables that came out otherwise since the last event that the reader has (`Last-Event-ID`, or `since`)."""
    given = request.headers.get("Last-Event-ID") or request.GET.get("since", "")
    since = int(given) if given.isascii() and given.isdigit() and len(given) < 20 else 0
    told = request.city.figures.lake.told()
    changed = sorted(table for table, at in told.items() if at > since)
    lines = [f"retry: {RETRY}"]
    if changed:
        lines += [f"id: {max(told.values())}", "event: changed", f"data: {json.dumps(changed)}"]
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return HttpResponse("\n".join(lines) + "\n\n", content_type="text/event-stream", headers=headers)
