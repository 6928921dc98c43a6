"""What holds for every request: headers, the city, who acts, and which pages are open to whom."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from scicity.cockpit import audit
from scicity.cockpit.city import open_city
from scicity.cockpit.looking import look
from scicity.cockpit.scope import limited, limits_of, scope_of
from scicity.cockpit.views import errors
from scicity.stores import StoreRefused

log = logging.getLogger(__name__)
Next = Callable[[HttpRequest], HttpResponse]

# Scripts and styles only from this server, none inline. Charts and maps set the style of elements that they draw, and
# tooltips bring it as an attribute: attributes alone are free. MapLibre's worker is a file of ours.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ALWAYS_OPEN = (
    "accounts",
    "language",
    "healthz",
    "readyz",
    "metrics",
    "live",
    "admin",
    "static",
    "sta",
    "open-data",
    "ogc",
)  # metrics, admin, sta and ogc ask by themselves; open data hold what a stranger may see

WITH = {"reports": "energy"}  # a page that is open with another; it shows what is open, and no more


# They show no figures; open data show the same to all; features are shown by layers and rows (`space/rights.py`).
UNSCOPED = ("accounts", "language", "healthz", "readyz", "metrics", "live", "admin", "static", "open-data", "ogc")


class SecurityHeaders:
    """Puts the headers on every answer, errors and static files too."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers with the headers."""
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class CityOfRequest:
    """Gives each request its city: `request.city`; a reader without a choice gets the district's first language."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers with the city at hand."""
        request.city = open_city(settings.PLACE)
        look(request.city.figures.lake.root, request.method or "", request.path_info)
        request.live = max(request.city.figures.lake.told().values(), default=0)  # before any figure is asked for
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and "HTTP_ACCEPT_LANGUAGE" not in request.META:
            request.META["HTTP_ACCEPT_LANGUAGE"] = request.city.languages[0]
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Where the lake's store does not answer, a page says so."""
        if not isinstance(error, StoreRefused):
            return None
        log.error("%s", error)
        return errors.unavailable(request)


class ActorOfRequest:
    """Tells the audit trail whose request is under way."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers while the request is known to the audit trail."""
        token = audit.acting.set(request)
        try:
            return self.get_response(request)
        finally:
            audit.acting.reset(token)


class PasswordMustChange:
    """Leads a person with a one-time password to the page where it is changed, and nowhere else."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers, or sends to the change of the password."""
        first = request.path_info.split("/", 2)[1]
        if first not in ("accounts", "language", "static", "healthz", "ogc") and getattr(
            request.user, "must_change_password", False
        ):
            return redirect("password-change")
        return self.get_response(request)


class ScopeOfRequest:
    """Gives whoever asks the city as far as they may see it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers within the scope."""
        if request.path_info.split("/", 2)[1] not in UNSCOPED:
            request.scope = scope_of(request)
            request.whole_city = request.city  # for checks that must know more than who asks; never shown
            request.city = limited(request.city, request.scope, limits_of(request))
        return self.get_response(request)


class PublicPages:
    """Keeps pages that the district has not made public for people with an account."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers, or asks for a login."""
        page = request.path_info.split("/", 2)[1] or "overview"
        public = request.city.public
        if public is None or page in ALWAYS_OPEN or {page, WITH.get(page)} & public or request.user.is_authenticated:
            return self.get_response(request)
        if page == "api":
            return HttpResponse(status=401, headers={"WWW-Authenticate": "Session"})
        if request.method == "GET":
            return redirect_to_login(request.get_full_path())
        return render(request, "cockpit/403.html", status=403)
