"""`{% documents_of "reviews.case:12" %}` shows the documents of a subject in a page, and the form that adds one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.template.context import Context

from scicity.cockpit.patience import MOST_BYTES
from scicity.cockpit.templatetags.words import language
from scicity.cockpit.views.operation import amount
from scicity.documents import attaching
from scicity.documents.entitlement import may_read, may_write
from scicity.documents.types import TYPES
from scicity.documents.views import documents_of as found_of

register = template.Library()
FORM_SPARE = 64 << 10  # bytes of a form beside its file


@register.inclusion_tag("documents/parts/documents_of.html", takes_context=True)
def documents_of(context: Context, subject: str, kind: str = "", kinds: Any = ()) -> dict[str, Any]:
    """The documents of a subject (of a kind, where one is said) for those who may read, and the form for those who may write.

    `kinds` are the kinds to choose from: triples of key, Chinese and English.
    """
    request = context["request"]
    shared = _shared(context)
    if not may_read(request.user, subject):
        return {**shared, "hidden": True}
    names = {key: (zh, en) for key, zh, en in kinds}
    told = [{"document": each, "kind": names.get(each.kind, (each.kind, each.kind))} for each in found_of(subject, kind)]
    writes = may_write(request.user, subject)
    return {**shared, "subject": subject, "documents": told, "writes": writes, "upload": _upload(subject, kind, kinds)}


@register.inclusion_tag("documents/parts/upload.html", takes_context=True)
def upload_to(context: Context, subject: str, kind: str = "", document: Any = None) -> dict[str, Any]:
    """The form that adds a document to a subject, or a version to a document; nothing for those who may not write."""
    request = context["request"]
    writes = may_write(request.user, subject)
    return {**_shared(context), "writes": writes, "upload": _upload(subject, kind, (), document) if writes else None}


@register.filter
def size(value: int) -> str:
    """Bytes in the unit that people read them in."""
    return amount(int(value), language())


@register.filter
def type_name(media_type: str) -> str:
    """What people call a media type."""
    found = [each for each in TYPES.values() if each.media_type == media_type]
    return (found[0].zh if language() == "zh" else found[0].en) if found else media_type


def _upload(subject: str, kind: str, kinds: Any, document: Any = None) -> dict[str, Any]:
    rules = attaching.own_rules()
    return {
        "subject": subject,
        "kind": kind or (kinds[0][0] if kinds else "document"),
        "kinds": [(key, (zh, en)) for key, zh, en in kinds] if not kind else [],
        "document": document,
        "accept": ",".join(f".{suffix}" for suffix in rules.suffixes),
        "suffixes": rules.suffixes,
        "most": rules.size,
        "form_most": min(MOST_BYTES - FORM_SPARE, rules.size),
        "told": {
            "subject": subject,
            "kind": kind,
            "document": str(document.pk) if document else "",
            "most": rules.size,
            "suffixes": list(rules.suffixes),
            "language": language(),
        },
    }


def _shared(context: Context) -> Mapping[str, Any]:
    names = ("request", "user", "csrf_token", "city", "language")
    return {name: context.get(name) for name in names}
