"""Which rows of the tables of cases somebody sees: the authority's people all, others their own and what was published."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db.models import Q

from scicity.domains.reviews.documents import sees_all
from scicity.domains.reviews.models import Case
from scicity.kernel.tables import Table

DOMAIN = "reviews"
ALL = "true"


class Limit:
    """Gives SQL text for the rows of a table that may be seen; asks for the cases at the first table that has any."""

    def __init__(self, person: Any) -> None:
        self.person = person

    @cached_property
    def _seen(self) -> tuple[str, str, str]:
        """Texts of the numbers of cases that are seen whole, of those that are published, and of the projects of both."""
        mine = Q(pk__in=[])
        if self.person.is_authenticated:
            mine = Q(applicant=self.person) | Q(seat__person=self.person)
        own = list(Case.objects.filter(mine).values_list("review_case", "project").distinct())
        public = list(Case.objects.filter(published=True).values_list("review_case", "project"))
        return (
            _texts(number for number, _ in own),
            _texts(number for number, _ in public),
            _texts(project for _, project in [*own, *public]),
        )

    def __call__(self, table: Table) -> str:
        """SQL text for one table; `true` where all of it is seen."""
        if table.domain != DOMAIN:
            return ALL
        if table.name == "reviews.act":
            own, public, _ = self._seen
            return f"review_case IN ({own}) OR (review_case IN ({public}) AND review_act = 'decided')"
        if "review_case" in table.columns:
            own, public, _ = self._seen
            return f"review_case IN ({own}) OR review_case IN ({public})"
        if table.name == "reviews.project_entered":
            return f"project IN ({self._seen[2]})"
        if table.name == "reviews.project":
            return f"origin <> 'manual' OR project IN ({self._seen[2]})"
        return ALL


def limit_of(request: Any) -> Callable[[Table], str] | None:
    """The limit for whoever asks; None where all is seen."""
    person = request.user
    return None if person.is_authenticated and sees_all(person) else Limit(person)


def _texts(values: Any) -> str:
    return ", ".join("'" + str(value).replace("'", "''") + "'" for value in sorted(set(values))) or "NULL"
