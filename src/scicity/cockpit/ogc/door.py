"""Who asks for features: a person who signed in on a page, or a program that shows name and password (HTTP Basic), as QGIS,
GDAL and OWSLib do. And what is told where something is wrong: JSON of RFC 9457.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
from django.contrib.auth import authenticate
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from scicity.cockpit.accounts import address_of, throttled
from scicity.cockpit.models import FailedLogin, Person
from scicity.space.cql2 import BadFilter
from scicity.space.geojson import BadFeature
from scicity.space.index import TooSlow

OPEN_WITH = {"ogc", "map"}  # pages of the district that open the features to all
REMEMBERED, MOST_REMEMBERED = 300.0, 1_000  # [s] so long a password that was right is not computed again
SAFE = ("GET", "HEAD", "OPTIONS")
CHALLENGE = 'Basic realm="SciCity", charset="UTF-8"'
_known: dict[bytes, tuple[float, int, str]] = {}
_key = secrets.token_bytes(32)
_lock = threading.Lock()
_csrf = CsrfViewMiddleware(lambda request: HttpResponse())

View = Callable[..., Any]


class Refused(Exception):  # noqa: N818  (reads as what happened)
    """An answer other than what was asked for: status, what is wrong, and heads."""

    def __init__(self, status: int, detail: str, **heads: str) -> None:
        super().__init__(detail)
        self.status, self.heads = status, {name.replace("_", "-"): value for name, value in heads.items()}


TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    428: "Precondition Required",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


def door(view: View) -> View:
    """A view behind the door: it knows who asks, and what it raises is told as a problem."""

    @csrf_exempt  # a session is asked for its token below; a password comes with no page of others
    @functools.wraps(view)
    def answered(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        try:
            _recognise(request)
            return view(request, *args, **named)  # type: ignore[no-any-return]
        except (BadFilter, BadFeature) as error:
            return problem(request, 400, str(error))
        except TooSlow as error:
            return problem(request, 503, f"found a question that takes {error}; expected a smaller box or a simpler filter")
        except RequestDataTooBig:
            return problem(request, 413, "the body: found too many bytes; expected at most 2 MB")
        except Refused as refused:
            if refused.status == 401 and wants_page(request):
                return redirect_to_login(request.get_full_path())
            return problem(request, refused.status, str(refused), refused.heads)

    return answered


def problem(request: HttpRequest, status: int, detail: str, heads: dict[str, str] | None = None) -> HttpResponse:
    """What is wrong: JSON for programs, a page for people."""
    title = TITLES.get(status, "Error")
    if wants_page(request):
        answer = render(request, "ogc/problem.html", {"title": title, "detail": detail, "status": status}, status=status)
    else:
        told = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        answer = HttpResponse(msgspec.json.encode(told), status=status, content_type="application/problem+json")
    for name, value in (heads or {}).items():
        answer.headers[name] = value
    answer.headers["Cache-Control"] = "no-store"
    return answer


def sent(request: HttpRequest, told: Any, kind: str = "application/json") -> HttpResponse:
    """A document as JSON; nothing where whoever asks has it as it is."""
    content = msgspec.json.encode(told)
    etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    answer = get_conditional_response(request, etag=etag) or HttpResponse(content, content_type=kind)
    answer.headers["ETag"] = etag
    return private(answer)


def private(answer: HttpResponse) -> HttpResponse:
    """Asked for again each time: what is seen depends on who asks, and may change."""
    answer.headers.setdefault("Cache-Control", "private, no-cache")
    patch_vary_headers(answer, ("Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie"))
    return answer


def wants_page(request: HttpRequest) -> bool:
    """Whether a page is asked for: by `f`, else by what is accepted before JSON."""
    form = request.GET.get("f")
    if form:
        return form == "html"
    accepted = request.headers.get("Accept", "")
    if "text/html" not in accepted:
        return False
    return request.get_preferred_type(["application/json", "application/geo+json", "text/html"]) == "text/html"


def _recognise(request: HttpRequest) -> None:
    kind, _, credential = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        request.user = _person_of(request, credential)
    elif request.method not in SAFE and request.user.is_authenticated:
        refused = _csrf.process_view(request, lambda: None, (), {})
        if refused is not None:
            raise Refused(403, "found a session without its token; expected X-CSRFToken, or name and password")
    public = request.city.public
    if not request.user.is_authenticated and public is not None and not public & OPEN_WITH:
        raise Refused(
            401, "found nobody; expected somebody who has signed in, or name and password", WWW_Authenticate=CHALLENGE
        )
    if getattr(request.user, "must_change_password", False):
        raise Refused(403, "found a one-time password; expected it to be changed on the page first")


def _person_of(request: HttpRequest, credential: str) -> Person:
    try:
        name, _, password = base64.b64decode(credential.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        name = password = ""
    mark = hmac.digest(_key, f"{len(name)} {name} {password}".encode("utf-8", "surrogatepass"), hashlib.sha256)
    until, number, secret = _known.get(mark, (0.0, 0, ""))
    if time.monotonic() < until:
        person = Person.objects.filter(pk=number, is_active=True).first()
        if person is not None and hmac.compare_digest(person.password, secret):
            return person
    if throttled(request, name[:150]):
        raise Refused(429, "found too many passwords that were wrong; expected another try later", Retry_After="900")
    found = authenticate(request, username=name[:150], password=password) if name and "\0" not in name + password else None
    if not isinstance(found, Person):
        FailedLogin.objects.create(username=name[:150].replace("\0", ""), address=address_of(request))
        raise Refused(401, "found another name or password; expected those of a person", WWW_Authenticate=CHALLENGE)
    with _lock:
        if len(_known) >= MOST_REMEMBERED:
            _known.clear()
        _known[mark] = (time.monotonic() + REMEMBERED, found.pk, found.password)
    return found
