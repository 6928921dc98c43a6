"""Objections to a decision, and what follows where one is upheld."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scicity.domains.reviews.methods.running import NotOpen, replayed
from scicity.domains.reviews.models import LONGEST, Act, Appeal, Case, Return, Visit
from scicity.domains.reviews.pages import telling
from scicity.domains.reviews.pages.acting import acted_in, follow, process_of, whole
from scicity.domains.reviews.pages.desk import Desk, NotDone
from scicity.domains.reviews.pages.migrating import history

APPEAL_DAYS = 60  # in which a decision can be appealed (Administrative Reconsideration Law of the PRC, art. 20; unverified)


@whole
def appeal(desk: Desk, case: Case, person: Any, words: str) -> Appeal:
    """The applicant objects to the newest decision that did not pass. Raises NotDone."""
    if case.applicant_id != person.pk:
        raise NotDone("只有申请人可以申诉", "only the applicant appeals")
    against = Act.objects.filter(case=case, review_act="decided").order_by("-act_number").first()
    at = desk.now()
    today = desk.today(at)
    if against is None or against.outcome == "passed" or case.case_state not in ("open", "refused"):
        raise NotDone("没有可申诉的决定", "found no decision that did not pass; expected one to object to")
    if (
        against.outcome == "returned"
        and Visit.objects.filter(case=case, left_at=None, process_step=against.process_step).exists()
    ):
        raise NotDone("已重新提交，不能再申诉", "it was submitted anew; the next decision is awaited")
    if today > against.acted_on + timedelta(days=APPEAL_DAYS):
        raise NotDone("已过申诉期限", f"the decision is older than {APPEAL_DAYS} days")
    if against.appeals.exists():
        raise NotDone("已就此决定申诉", "this decision was appealed already")
    if not words.strip():
        raise NotDone("请写明申诉理由", "say why", "words")
    acted_in(desk, case, person, at, "appealed", "applicant", against.visit, words=words)
    due = desk.due(today, APPEAL_DAYS) or today
    found = Appeal(case=case, against=against, words=words.strip()[:LONGEST], filed_on=today, due_on=due)
    found.save()
    telling.appealed(case)
    return found


@whole
def decide_appeal(desk: Desk, case: Case, person: Any, outcome: str, reason: str) -> Appeal:
    """The authority upholds an appeal, and the step is open again, or dismisses it; by somebody else than who decided."""
    if not person.has_perm("reviews.change_case") or case.applicant_id == person.pk:
        raise NotDone("无权决定", "you have no right to decide")
    found = Appeal.objects.filter(case=case, outcome="").select_related("against__visit").first()
    if found is None:
        raise NotDone("没有待决的申诉", "found no open appeal")
    if found.against.who_id == person.pk:
        raise NotDone("原决定人不能决定申诉", "who decided does not decide of the appeal", "outcome")
    if outcome not in ("upheld", "dismissed") or not reason.strip():
        raise NotDone("请选择结果并写明理由", f"found {outcome!r}; expected upheld or dismissed, with reasons", "outcome")
    at = desk.now()
    found.outcome, found.reason, found.decided_on = outcome, reason.strip()[:LONGEST], desk.today(at)
    found.save()
    acted_in(desk, case, person, at, "appeal_decided", "authority", found.against.visit, outcome, reason)
    if outcome == "upheld":
        _reopen(desk, case, person, found, at)
    else:
        telling.appeal_decided(case, found)
    return found


def _reopen(desk: Desk, case: Case, person: Any, found: Appeal, at: datetime) -> None:
    """Opens the step anew whose decision fell: the case goes to where its history leads without it."""
    for each in Return.objects.filter(case=case, visit=found.against.visit, kind="return", closed_on=None):
        each.answer, each.closed_on = each.answer or found.reason, desk.today(at)
        each.save()
    acted = acted_in(
        desk, case, person, at, "reopened", "authority", found.against.visit, told={"act": found.against.act_number}
    )
    case.case_state, case.closed_on = "open", None
    try:
        engine = replayed(process_of(case), case.supply_kind, history(case))
    except NotOpen as error:
        raise NotDone("此步骤已不能重开", f"the step cannot be opened anew: {error}") from None
    follow(desk, case, engine, acted)
