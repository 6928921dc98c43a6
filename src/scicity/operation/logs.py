"""Logs of every process, set up in one place: lines for people, or one JSON object a line with SCICITY_LOG=json.

They go to standard error (of what `up` keeps going beside the server, to `arrival.log`); who keeps and turns them over is
journald's or logrotate's business. What is secret is taken out of every line, whoever wrote it: values of the settings that
hold secrets, and credentials in addresses and headers. No line tells a name of a person: the audit trail does.
"""

from __future__ import annotations

import json
import logging
import logging.config
import os
import re
import uuid
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

# Settings whose whole value is one.
SECRET = re.compile(r"SCICITY_(?:PASSWORD_.+|METRICS_TOKEN)|AWS_(?:SECRET_ACCESS_KEY|SESSION_TOKEN)")
SHORTEST = 6  # characters: a shorter value may be a word of any line
CREDENTIALS = (
    (re.compile(r"(?<=://)[^/@\s]+(?=@)"), "***"),  # in an address
    (re.compile(r"\b(Bearer|Basic)\s+[^\s'\",]+", re.IGNORECASE), r"\1 ***"),
    (re.compile(r"\b(password|passwd|secret|token)(['\"]?\s*[=:]\s*['\"]?)[^\s'\",&]+", re.IGNORECASE), r"\1\2***"),
)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
request_id: ContextVar[str] = ContextVar("request_id", default="")
_process = "server"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def in_json() -> bool:
    """Whether lines are JSON."""
    return os.environ.get("SCICITY_LOG", "") == "json"


def configuration() -> dict[str, Any]:
    """What `logging.config.dictConfig` is told: for Django, for Granian and for every other process the same."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": f"{__name__}.{'Json' if in_json() else 'Plain'}"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "scicity": {"level": "INFO"},
            "_granian": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        },
    }


def begin(process: str) -> None:
    """Sets the logs of this process up, under its name."""
    global _process
    _process = process
    logging.config.dictConfig(configuration())


def cleaned(text: str) -> str:
    """A text without what is secret in it."""
    for name, value in os.environ.items():
        if SECRET.fullmatch(name) and len(value) >= SHORTEST:
            text = text.replace(value, "***")
    for pattern, instead in CREDENTIALS:
        text = pattern.sub(instead, text)
    return text


class Plain(logging.Formatter):
    """A line for people: when, how grave, which process, what; behind it the error, where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        within = f" {request_id.get()}" if request_id.get() else ""
        parts = [f"{when} {record.levelname} {_process}[{os.getpid()}]{within}: {record.getMessage()}"]
        if record.exc_info:
            parts.append(self.formatException(record.exc_info))
        return cleaned("\n".join(parts))


class Json(logging.Formatter):
    """A JSON object on one line. `told` of a record's extra is its own; nothing else of the extra is written."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": _process,
            "pid": os.getpid(),
            "logger": record.name,
            "message": cleaned(record.getMessage()),
        }
        if request_id.get():
            line["request"] = request_id.get()
        if record.exc_info:
            line["error"] = cleaned(self.formatException(record.exc_info))
        if isinstance(getattr(record, "told", None), dict):
            line["told"] = record.told  # type: ignore[attr-defined]  # numbers and names of ours
        return json.dumps(line, ensure_ascii=False, default=str)


def with_request_id(application: Application) -> Application:
    """A WSGI application whose answers carry `X-Request-ID`: the proxy's, or one of ours. Lines logged meanwhile tell it."""

    def answer(environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        told = environment.get("HTTP_X_REQUEST_ID", "")
        identity = told if REQUEST_ID.fullmatch(told) else uuid.uuid4().hex
        token = request_id.set(identity)

        def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start(status, [*headers, ("X-Request-ID", identity)], *more)

        try:
            return application(environment, started)
        finally:
            request_id.reset(token)

    return answer
