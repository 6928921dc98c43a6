"""Pages for what went wrong, in the reader's language; the page of a server's fault needs nothing that could be at fault."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """400."""
    return HttpResponse(get_template("cockpit/500.html").render({"code": "400"}), status=400)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """403."""
    return render(request, "cockpit/403.html", status=403)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """404; an opened figure that is not there says why."""
    reason = exception.args[0] if exception is not None and exception.args and isinstance(exception.args[0], str) else ""
    return render(request, "cockpit/404.html", {"reason": reason}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500."""
    return HttpResponse(get_template("cockpit/500.html").render({"code": "500"}), status=500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503: the lake's store does not answer."""
    return HttpResponse(get_template("cockpit/500.html").render({"code": "503"}), status=503, headers={"Retry-After": "10"})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is missing or old."""
    return render(request, "cockpit/403.html", {"stale": True}, status=403)
