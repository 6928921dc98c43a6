"""The documents of a case, by the kind that a field of a form asks for."""

from __future__ import annotations

from typing import Any

from scicity.documents.models import Document
from scicity.domains.reviews.models import Case


def kinds(case: Case) -> set[str]:
    """The kinds of which a case has a document in force."""
    found = Document.objects.filter(subject=case.subject, state="current", versions__isnull=False)
    return set(found.values_list("kind", flat=True))


def of(case: Case) -> list[Any]:
    """The documents of a case, each with its versions at hand."""
    return list(Document.objects.filter(subject=case.subject).prefetch_related("versions").order_by("kind", "pk"))
