"""What the pages show of cases: which of them somebody sees, their open steps, whose turn it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, tzinfo
from typing import Any

from django.db.models import Q, QuerySet

from scicity.domains.reviews import bpmn
from scicity.domains.reviews.documents import sees_all
from scicity.domains.reviews.models import Case, Return, Visit
from scicity.domains.reviews.pages import words


def seen(person: Any) -> QuerySet[Case]:
    """The cases that somebody sees."""
    if not person.is_authenticated:
        return Case.objects.none()
    if sees_all(person):
        return Case.objects.all()
    return Case.objects.filter(Q(applicant=person) | Q(seat__person=person)).distinct()


def names(city: Any) -> dict[str, Any]:
    """The projects by their key."""
    return {row["project"]: row for row in city.rows("reviews.project", ["project", "name_zh", "name_en", "zone", "origin"])}


def nodes_of(cases: Iterable[Case]) -> dict[int, dict[str, bpmn.Node]]:
    """The steps of the versions that cases run in, by the version."""
    from scicity.domains.reviews.models import ProcessVersion

    wanted = {case.version_id for case in cases}
    texts = ProcessVersion.objects.filter(pk__in=wanted).values_list("pk", "text")
    return {key: bpmn.known(text).nodes for key, text in texts}


def open_steps(cases: list[Case], today: date) -> dict[int, list[dict[str, Any]]]:
    """The open steps of cases, by the case, each with its words and whether it is late."""
    nodes = nodes_of(cases)
    of_version = {case.pk: case.version_id for case in cases}
    found: dict[int, list[dict[str, Any]]] = {}
    for visit in Visit.objects.filter(case__in=of_version, left_at=None).order_by("visit"):
        node = nodes[of_version[visit.case_id]][visit.process_step]
        found.setdefault(visit.case_id, []).append(step(visit, node, today))
    return found


def step(visit: Visit, node: bpmn.Node, today: date) -> dict[str, Any]:
    """A visit as pages show it."""
    return {
        "visit": visit,
        "node": node,
        "name": (node.name_zh, node.name_en),
        "stage": words.STAGES[visit.stage],
        "party": words.PARTIES[visit.party],
        "late": visit.left_on is None and visit.due_on is not None and today > visit.due_on,
        "outcome": words.OUTCOMES.get(visit.outcome),
    }


def edition_of_day(parcel: Any, editions: dict[tuple[str, str], Any], tz: tzinfo) -> tuple[str, str, str] | None:
    """Whether the edition that a parcel is bound to was in force on the day of its supply; None where no editions are known.

    `editions` are rows with `valid_from` and `valid_to` (instants or None; the end is not in it) by framework and edition.
    """
    if not editions or not parcel["edition"]:
        return None
    row = editions.get((parcel["framework"], parcel["edition"]))
    if row is None:
        return ("未登记此版本", "edition not registered", "estimated")
    begins, ends = (None if row[name] is None else row[name].astimezone(tz).date() for name in ("valid_from", "valid_to"))
    day = parcel["supplied_on"]
    held = (begins is None or begins <= day) and (ends is None or day < ends)
    return ("当日施行", "in force on that day", "good") if held else ("当日未施行", "not in force on that day", "bad")


def returns_open(cases: Iterable[Case]) -> dict[int, int]:
    """How many open returns and gaps cases have, by the case."""
    found: dict[int, int] = {}
    for key in Return.objects.filter(case__in=[case.pk for case in cases], closed_on=None).values_list("case_id", flat=True):
        found[key] = found.get(key, 0) + 1
    return found


def edition_words(parcel: Any, frameworks: Mapping[str, Any]) -> tuple[str, str]:
    """The edition that a parcel is bound to, by the name of its framework, in Chinese and English."""
    if parcel is None or not parcel["framework"]:
        return ("–", "–")
    row = frameworks.get(parcel["framework"])
    names = (row["name_zh"], row["name_en"]) if row else (parcel["framework"], parcel["framework"])
    zh, en = (f"{name} · {parcel['edition']}" if parcel["edition"] else str(name) for name in names)
    return (zh, en)
