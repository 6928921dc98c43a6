"""Who sees which layers, and which rows of them: by the roles of whoever asks. Rows are hidden in the index, before anything
counts or compares them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from scicity.cockpit.roles import KEEPERS
from scicity.space.register import Spec

EDITS = ("add", "change", "delete")


def seen_of(request: HttpRequest) -> frozenset[str] | None:
    """The roles of whoever asks; None for administrators and data officers, who see all."""
    known = getattr(request, "roles_seen", False)
    if known is False:
        known = request.roles_seen = _seen(request.user)
    return known


def _seen(person: Any) -> frozenset[str] | None:
    if not person.is_authenticated:
        return frozenset()
    roles = frozenset(person.groups.values_list("name", flat=True))
    return None if person.is_superuser or roles & set(KEEPERS) else roles


def may_see(request: HttpRequest, layer: Spec) -> bool:
    """Whether whoever asks may see a layer at all."""
    seen = seen_of(request)
    return not layer.roles or seen is None or bool(layer.roles & seen)


def may_edit(request: HttpRequest, layer: Spec, act: str = "change") -> bool:
    """Whether whoever asks may `add`, `change` or `delete` features of a layer."""
    return bool(
        layer.editable and may_see(request, layer) and request.user.is_active and request.user.has_perm(f"ogc.{act}_edit")
    )
