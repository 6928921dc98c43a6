"""The door for readings by HTTP: `POST /api/readings`, as a WSGI application of its own in front of Django's, because a sender
needs neither session, language nor page. `access/http/README.md` lists its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec
from django.conf import settings

from scicity.access.http.decode import FORMS, decode
from scicity.access.inbox import InboxFull
from scicity.access.storage import StorageRefused
from scicity.cockpit.arriving import inbox_of
from scicity.cockpit.city import open_city
from scicity.cockpit.devices import Senders
from scicity.cockpit.patience import Body, BodyError, TooMany
from scicity.kernel.problems import Problems

ADDRESS = "/api/readings"
MOST_BYTES = 64 << 20  # of a body
SHOWN_PROBLEMS = 50  # of a body, in the answer
RETRY_SECONDS = "5"
HEADERS = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]

Environment = dict[str, Any]
Application = Callable[[Environment, Callable[..., Any]], Iterable[bytes]]


class Refused(Exception):  # noqa: N818  (reads as what happened)
    """An answer other than 202: its status, what was expected, more headers, and more of its body."""

    def __init__(self, status: HTTPStatus, expected: str = "", headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(expected)
        self.status, self.headers = status, headers or {}
        self.body = more or {"expected": expected}


@dataclass
class Door:
    """The door in front of another application, which gets every other address."""

    behind: Application

    def __post_init__(self) -> None:
        self.senders = Senders()

    def __call__(self, environment: Environment, start: Callable[..., Any]) -> Iterable[bytes]:
        """Answers by WSGI."""
        if environment.get("PATH_INFO") != ADDRESS:
            return self.behind(environment, start)
        try:
            status, body, more = HTTPStatus.ACCEPTED, self._take(environment), {}
        except Refused as refused:
            status, body, more = refused.status, refused.body, refused.headers
        content = msgspec.json.encode(body)
        start(f"{status.value} {status.phrase}", [*HEADERS, ("Content-Length", str(len(content))), *more.items()])
        return [content]

    def _take(self, environment: Environment) -> dict[str, Any]:
        if environment["REQUEST_METHOD"] != "POST":
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "POST", {"Allow": "POST"})
        if settings.HTTPS and environment.get("HTTP_X_FORWARDED_PROTO", environment.get("wsgi.url_scheme")) != "https":
            raise Refused(HTTPStatus.FORBIDDEN, "https: a secret is not sent in the clear")
        kind, _, credential = environment.get("HTTP_AUTHORIZATION", "").partition(" ")
        sender = self.senders.of(credential.strip()) if kind.lower() == "bearer" else None
        if sender is None:
            challenge = {"WWW-Authenticate": 'Bearer realm="readings"'}
            raise Refused(HTTPStatus.UNAUTHORIZED, "a known device and its secret", challenge)
        form = environment.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        if form not in FORMS:
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a content type of " + ", ".join(FORMS))
        encoding = environment.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
        if encoding != "identity":
            told = {"Accept-Encoding": "identity"}
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"a body as it is, not compressed by {encoding[:20]!r}", told)
        body, problems = _body(environment, sender.name), Problems()
        batch = decode(body, sender.name, datetime.now(UTC), problems, form)
        if batch is None:
            told = [problem.as_dict() for problem in list(problems)[:SHOWN_PROBLEMS]]
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, problems=told, count=len(problems))
        others = sender.not_its_own(batch.rows.column("datastream").unique().to_pylist())
        if others:
            raise Refused(HTTPStatus.FORBIDDEN, f"{sender.name} may not send for {', '.join(others[:5])}")
        try:
            inbox_of(open_city(settings.PLACE)).put([batch] if batch.rows.num_rows else [])
        except (InboxFull, StorageRefused) as error:
            later = {"Retry-After": RETRY_SECONDS}
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, f"nothing of this body was taken: {error}", later) from None
        return {"taken": batch.rows.num_rows, "batch": batch.name}


def _body(environment: Environment, sender: str) -> bytes:
    length = environment.get("CONTENT_LENGTH", "")
    if not (length.isascii() and length.isdecimal()):
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "a Content-Length")
    if len(length) > 20 or int(length) > MOST_BYTES:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a Content-Length of at most {MOST_BYTES} bytes")
    given = environment["wsgi.input"]
    try:
        body: bytes = given.of(sender) if isinstance(given, Body) else given.read(int(length))
    except TooMany as error:
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, f"another time: {error}", {"Retry-After": RETRY_SECONDS}) from None
    except BodyError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, f"a body as long as its Content-Length: {error}") from None
    if len(body) != int(length):
        raise Refused(HTTPStatus.BAD_REQUEST, f"a body as long as its Content-Length: {len(body)} bytes came of {length}")
    return body
