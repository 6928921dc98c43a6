"""Who is told of what: notices in the transaction of the act, to those whose turn it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth import get_user_model

from scicity.domains.reviews import bpmn
from scicity.domains.reviews.models import Act, Appeal, Case, Seat, Visit
from scicity.notices import notify

OUTCOMES = {"passed": ("通过", "passed"), "returned": ("退回", "returned"), "refused": ("不予通过", "refused")}
ENDS = {
    "passed": ("已办结：通过", "has passed"),
    "refused": ("已办结：不予通过", "was refused"),
    "withdrawn": ("已撤回", "was withdrawn"),
}


def authorities() -> list[Any]:
    """Those who decide."""
    return list(get_user_model().objects.filter(groups__name="authority", is_active=True).distinct())


def _tell(case: Case, people: Iterable[Any], zh: str, en: str) -> None:
    head = (f"案件 {case.review_case}：{zh}", f"Case {case.review_case}: {en}")
    notify(people, case.subject, *head, f"/reviews/cases/{case.review_case}/")


def moved(case: Case, begun: Sequence[Visit], act: Act) -> None:
    """Tells of a decision, and of steps that are open now to those whose turn it is."""
    if act.review_act == "decided":
        zh, en = OUTCOMES[act.outcome]
        _tell(case, [case.applicant], f"决定：{zh}\n{act.words}", f"decision: {en}\n{act.words}")
    nodes = bpmn.known(case.version.text).nodes
    for visit in begun:
        node = nodes[visit.process_step]
        people = [case.applicant] if visit.party == "applicant" else authorities()
        due = f"{visit.due_on}" if visit.due_on else ""
        _tell(case, people, f"待办：{node.name_zh}（{due} 前）", f"to do: {node.name_en}, by {due}")
        seats = [seat.person for seat in Seat.objects.filter(visit=visit).select_related("person")]
        if seats:
            assigned(case, visit, seats)
    if case.case_state != "open":
        closed(case)


def assigned(case: Case, visit: Visit, people: Sequence[Any]) -> None:
    """Tells reviewers of their seats."""
    node = bpmn.known(case.version.text).nodes[visit.process_step]
    _tell(case, people, f"请评审：{node.name_zh}", f"your review is asked for: {node.name_en}")


def given(case: Case, visit: Visit) -> None:
    """Tells the authority when all opinions of a review are there."""
    if not Seat.objects.filter(visit=visit, opinion="").exists():
        _tell(case, authorities(), "评审意见已齐，待决定", "all opinions are given, to be decided")


def closed(case: Case) -> None:
    """Tells the applicant and the authority that a case has ended."""
    zh, en = ENDS[case.case_state]
    _tell(case, [case.applicant, *authorities()], zh, en)


def appealed(case: Case) -> None:
    """Tells the authority of an appeal."""
    _tell(case, authorities(), "申请人提出申诉", "the applicant appeals")


def appeal_decided(case: Case, appeal: Appeal) -> None:
    """Tells the applicant what was decided of the appeal."""
    zh, en = ("申诉成立", "the appeal is upheld") if appeal.outcome == "upheld" else ("申诉驳回", "the appeal is dismissed")
    _tell(case, [case.applicant], f"{zh}\n{appeal.reason}", f"{en}\n{appeal.reason}")
