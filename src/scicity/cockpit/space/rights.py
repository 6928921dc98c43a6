"""Who sees which layers, and which rows of them and of what is made of them: by the roles of whoever asks. Rows are hidden in
the index, before anything counts or compares them, and in every table that tells `restricted_to`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from django.http import HttpRequest

from scicity.cockpit.roles import KEEPERS
from scicity.cockpit.space.specs import specs
from scicity.kernel.lineage import ALL
from scicity.kernel.tables import LAYER_PREFIX, Catalog, Layer, Table
from scicity.space.editing import EDIT
from scicity.space.register import LAYER, Spec

EDITS = ("add", "change", "delete")
_below: WeakKeyDictionary[Catalog, dict[str, frozenset[str]]] = WeakKeyDictionary()
RESTRICTED = "restricted_to"  # roles with spaces between; null: everybody


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


def hidden_from(request: HttpRequest) -> frozenset[str]:
    """The tables of the layers that whoever asks may not see at all."""
    known: frozenset[str] | None = getattr(request, "layers_hidden", None)
    if known is None:
        told = specs(request.city).items()
        known = request.layers_hidden = frozenset(LAYER_PREFIX + name for name, spec in told if not may_see(request, spec))
    return known


def layers_below(table: Table, catalog: Catalog) -> frozenset[str]:
    """The layers that a table shows: itself, and what the tables of its domain make of them, but for tables that tell for each
    row who may see its layers (they read the register of layers)."""
    known = _below.setdefault(catalog, {})
    if table.name not in known:
        known[table.name] = _found_below(table, catalog)
    return known[table.name]


def _found_below(table: Table, catalog: Catalog) -> frozenset[str]:
    if isinstance(table, Layer):
        return frozenset({table.name})
    reads = [catalog[read.table] for read in getattr(table, "reads", {}).values()]
    if RESTRICTED in table.columns and LAYER in reads:
        return frozenset()
    mine = [each for each in reads if isinstance(each, Layer) or each.domain == table.domain]
    return frozenset().union(*(layers_below(each, catalog) for each in mine))


def unrestricted(seen: frozenset[str]) -> str:
    """SQL text for the rows that these roles may see, of a table that tells the roles that a row is for."""
    return f"({RESTRICTED} IS NULL OR list_has_any(string_split({RESTRICTED}, ' '), {_texts(seen, '[]')}))"


def limit_of(request: HttpRequest) -> Callable[[Table], str] | None:
    """SQL text for the rows that whoever asks may see of a table; None where all of every table is seen."""
    seen = seen_of(request)
    if seen is None:
        return None

    def limit(table: Table) -> str:
        below = layers_below(table, request.city.figures.catalog)
        if below and below & hidden_from(request):
            return "false"
        if RESTRICTED not in table.columns:
            return ALL
        if table.name == EDIT.name:
            hidden = {name.removeprefix(LAYER_PREFIX) for name in hidden_from(request)}
            return f"layer NOT IN {_texts(hidden, '()')} AND {unrestricted(seen)}" if hidden else unrestricted(seen)
        return unrestricted(seen)

    return limit


def _texts(values: Iterable[str], brackets: str) -> str:
    told = ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(values))
    return brackets[0] + told + brackets[1]
