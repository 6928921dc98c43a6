"""Which rows of heritage somebody sees: what was made of things that not everybody may see, those who may see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scicity.kernel.tables import Table

DOMAIN, COLUMN = "heritage", "restricted_to"
SEES_ALL = ("administrator", "data-officer")


def limit_of(request: Any) -> Callable[[Table], str] | None:
    """The limit for whoever asks; None where all is seen."""
    person = request.user
    roles = list(person.groups.values_list("name", flat=True)) if person.is_authenticated else []
    if person.is_superuser or set(roles) & set(SEES_ALL):
        return None
    told = ", ".join("'" + role.replace("'", "''") + "'" for role in sorted(roles))
    seen = f"list_has_any(string_split({COLUMN}, ' '), [{told}])" if told else "false"

    def limit(table: Table) -> str:
        restricted = table.domain == DOMAIN and COLUMN in table.columns
        return f"{COLUMN} IS NULL OR {seen}" if restricted else "true"

    return limit
