"""Who may read and write the documents of a case: found by its name, asked for each document."""

from __future__ import annotations

from typing import Any

from scicity.domains.reviews.models import Case, Seat

WHOLE = ("authority", "reviewer", "leader", "officer", "data-officer", "administrator")


def may_see(person: Any, case: Case) -> bool:
    """Whether somebody sees a case: the applicant the own ones, an expert those with a seat, the authority's people all."""
    if not person.is_authenticated or not person.is_active:
        return False
    if person.is_superuser or case.applicant_id == person.pk:
        return True
    return sees_all(person) or Seat.objects.filter(case=case, person=person).exists()


def sees_all(person: Any) -> bool:
    """Whether somebody sees every case."""
    return person.is_superuser or person.groups.filter(name__in=WHOLE).exists()


def may_read(person: Any, subject: str) -> bool:
    """Whether somebody may read the documents of a subject such as `reviews.case:12`."""
    case = _case(subject)
    return case is not None and may_see(person, case)


def may_write(person: Any, subject: str) -> bool:
    """Whether somebody may add documents: the applicant while the case is open, and who decides of cases."""
    case = _case(subject)
    if case is None or case.case_state != "open" or not may_see(person, case):
        return False
    return case.applicant_id == person.pk or person.has_perm("reviews.change_case")


def page_of(subject: str) -> str:
    """The path of the page of a case."""
    case = _case(subject)
    return "" if case is None else f"/reviews/cases/{case.review_case}/"


def _case(subject: str) -> Case | None:
    kind, _, number = subject.partition(":")
    if kind != "reviews.case" or not (number.isascii() and number.isdecimal() and len(number) < 16):
        return None
    return Case.objects.filter(pk=int(number)).first()
