"""What a page tells behind a form, in the reader's language: one place for all pages."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest


def in_language(request: HttpRequest, both: Any) -> str:
    """The Chinese or the English of a pair."""
    return str(both[0] if request.LANGUAGE_CODE.startswith("zh") else both[1])


def done(request: HttpRequest, zh: str, en: str) -> None:
    """Says on the next page that something was done."""
    messages.success(request, in_language(request, (zh, en)))


def refused(request: HttpRequest, zh: str, en: str) -> None:
    """Says on the next page that something was not done, and why."""
    messages.error(request, in_language(request, (zh, en)))
