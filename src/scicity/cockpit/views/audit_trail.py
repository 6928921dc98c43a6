"""The page of the audit trail, for administrators and the authority: what was done, whether the chain holds, and a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from scicity.cockpit import audit, trail
from scicity.cockpit.models import AuditEntry
from scicity.cockpit.roles import reads_trail

SHOWN = 100  # entries of a page
ASKED = ("who", "action", "subject", "since", "until")
COLUMNS = ("number", "at", "who_name", "action", "subject", "before", "after", "address", "previous", "digest")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the beginning of one


@login_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Entries, the newest first, by what is asked for; a `POST` verifies the chain."""
    if not reads_trail(request):
        raise PermissionDenied
    asked = _asked(request)
    rows = trail.found(asked, request.city.district.calendar.tz)
    before = request.GET.get("before", "")
    if before.isascii() and before.isdecimal() and len(before) <= 15:
        rows = rows.filter(number__lt=int(before))
    entries = list(rows[: SHOWN + 1])
    number, digest = trail.head()
    told: dict[str, Any] = {
        "entries": entries[:SHOWN],
        "older": entries[SHOWN - 1].number if len(entries) > SHOWN else None,
        "asked": asked,
        "actions": AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct(),
        "number": number,
        "digest": digest,
    }
    if request.method == "POST":
        told["verified"] = trail.verified(request.POST.get("head", "").strip().lower()[:64])
    return render(request, "cockpit/audit_trail.html", told)


@login_required
@require_GET
def table(request: HttpRequest) -> HttpResponse:
    """The entries that are asked for, as CSV for spreadsheets: a text that one would take for a formula has ' before it."""
    if not reads_trail(request):
        raise PermissionDenied
    asked = _asked(request)
    audit.write("audit-trail-read", "audit-trail.csv", after={name: value for name, value in asked.items() if value})
    newest, _ = trail.head()
    rows = trail.found(asked, request.city.district.calendar.tz).filter(number__lte=newest)
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="audit-trail.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _asked(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "").strip()[:200] for name in ASKED}


def _lines(rows: Any) -> Iterator[bytes]:
    writer = csv.writer(_Echo())
    yield "\ufeff".encode() + writer.writerow(COLUMNS)
    for entry in rows.values_list(*COLUMNS).iterator(chunk_size=2000):
        yield writer.writerow([_cell(value) for value in entry])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


class _Echo:
    """Gives each line back instead of keeping it."""

    def write(self, line: str) -> bytes:
        """The line as bytes."""
        return line.encode("utf-8", "replace")
