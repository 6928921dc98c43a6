"""Steps of cases whose day comes near: the applicant, the authority, and who has not given an opinion yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from scicity.domains.reviews import bpmn
from scicity.domains.reviews.models import Seat, Visit
from scicity.domains.reviews.pages.telling import authorities
from scicity.notices.reminding import Reminder, day_in


def due(_: Any, today: date, until: date) -> Iterator[Reminder]:
    """A reminder for each open step whose day is from `today` to `until`."""
    standing = Visit.objects.filter(left_at=None, case__case_state="open", due_on__range=(today, until))
    for visit in standing.select_related("case__version", "case__applicant").order_by("due_on", "pk"):
        case = visit.case
        node = bpmn.known(case.version.text).nodes[visit.process_step]
        people = [case.applicant] if visit.party == "applicant" else authorities()
        people += [seat.person for seat in Seat.objects.filter(visit=visit, opinion="").select_related("person")]
        zh = f"案件 {case.review_case}：{node.name_zh}将于{day_in(visit.due_on, 'zh')}到期"
        en = f"Case {case.review_case}: {node.name_en} is due on {day_in(visit.due_on, 'en')}"
        page = f"/reviews/cases/{case.review_case}/"
        yield Reminder(people, case.subject, zh, en, page, f"reviews.visit:{visit.pk}:{visit.due_on}")
