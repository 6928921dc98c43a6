"""What people do in a case. Each act is one transaction: the act, what follows from it, the engine's state, notices; or none.

The gates are held here, whatever a diagram draws: nothing passes with an open return, no review is decided before its reviewers
gave their opinions, nobody reviews or decides of their own application, and an appeal is decided by somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from scicity.domains.reviews import bpmn
from scicity.domains.reviews.bpmn import Node, Process
from scicity.domains.reviews.methods.running import Running
from scicity.domains.reviews.models import LONGEST, OPINIONS, Act, Case, CaseState, Promise, Return, Seat, Visit
from scicity.domains.reviews.pages import forms, telling
from scicity.domains.reviews.pages.desk import Desk, NotDone, version_of

Deed = Callable[..., Any]


def whole(deed: Deed) -> Deed:
    """One transaction with the case locked; two at once are one after the other, and what is refused leaves nothing."""

    @wraps(deed)
    def done(desk: Desk, case: Case, person: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            with transaction.atomic():
                fresh = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
                return deed(desk, fresh, person, *args, **kwargs)
        except IntegrityError:
            raise NotDone("此案件刚被他人办理，请重试", "somebody else just acted in this case; try again") from None
        except ValidationError as error:
            raise NotDone(*("; ".join(error.messages),) * 2) from None

    return done


def process_of(case: Case) -> Process:
    """The process that a case runs in."""
    return bpmn.known(case.version.text)


def running(case: Case) -> Running:
    """Where the engine has a case."""
    return Running.load(process_of(case), case.state.text)


def open_case(desk: Desk, person: Any, project: str, process: str, applicant_name: str) -> Case:
    """Opens a case of a project in a process of the district, with its first steps. Raises NotDone."""
    row, told = desk.projects.get(project), desk.processes().get(process)
    if row is None:
        raise NotDone(f"没有项目 {project}", f"found project {project!r}; expected one of the registers", "project")
    if told is None:
        raise NotDone(f"没有流程 {process}", f"found process {process!r}; expected one of the district's", "process")
    if not applicant_name.strip():
        raise NotDone("请填写申请单位", "who applies is missing", "applicant_name")
    parcel = desk.parcels.get(row["parcel"])
    at = desk.now()
    today = desk.today(at)
    try:
        with transaction.atomic():
            if Case.objects.filter(project=project, case_state="open").exists():
                raise NotDone("此项目已有在办案件", f"the project {project} has an open case already", "project")
            version = version_of(process, told[1], at)
            case = Case(
                review_case=_number(today.year),
                project=project,
                parcel=row["parcel"],
                building=row["building"] or "",
                version=version,
                supply_kind=parcel["supply_kind"] if parcel else "market",
                applicant=person,
                applicant_name=applicant_name.strip(),
                opened_on=today,
            )
            case.save()
            began = Running.begin(told[0], case.supply_kind)
            CaseState.objects.create(case=case, text=began.dump(), acts=0)
            acted = acted_in(desk, case, person, at, "opened", "applicant")
            follow(desk, case, began, acted)
    except IntegrityError:
        raise NotDone("编号冲突，请重试", "the number was just taken; try again") from None
    except ValidationError as error:
        raise NotDone(*("; ".join(error.messages),) * 2) from None
    return Case.objects.get(pk=case.pk)


def _number(year: int) -> str:
    newest = Case.objects.filter(review_case__startswith=f"{year}-").order_by("-review_case").first()
    return f"{year}-{int(newest.review_case.partition('-')[2]) + 1 if newest else 1:05d}"


def submit(
    desk: Desk, case: Case, person: Any, step: str, values: Mapping[str, str], answers: Mapping[int, str] | None = None
) -> Act:
    """The applicant's step: the form's values, and an answer to each open return of the stage. Raises NotDone."""
    return _submit(desk, case, person, step, values, answers or {})


@whole
def _submit(desk: Desk, case: Case, person: Any, step: str, values: Mapping[str, str], answers: Mapping[int, str]) -> Act:
    if case.applicant_id != person.pk:
        raise NotDone("只有申请人可以提交", "only the applicant of the case submits")
    node, visit = _open(case, step, "submit")
    at = desk.now()
    today = desk.today(at)
    kept, missing = forms.taken(desk.forms.get(node.form, []), values, case, gaps=node.gaps == "allow")
    waiting = list(Return.objects.filter(case=case, stage=node.stage, kind="return", closed_on=None))
    for each in waiting:
        answer = answers.get(each.pk, "").strip()[:LONGEST]
        if not answer:
            raise NotDone(
                f"请说明如何整改：{each.words[:60]}", f"say how it was mended: {each.words[:60]}", f"return-{each.pk}"
            )
        each.answer, each.answered_on = answer, today
        each.save()
    acted = acted_in(
        desk, case, person, at, "submitted", "applicant", visit, "passed", told={"form": node.form, "values": kept}
    )
    _gaps(case, visit, desk.forms.get(node.form, []), missing, today)
    _promise(desk, case, node, kept, today)
    _complete(desk, case, node, visit, acted, "passed")
    return acted


def _gaps(case: Case, visit: Visit, fields: Sequence[Any], missing: Sequence[Any], today: Any) -> None:
    """A gap for each field that is missing; one that was missing before and came now is answered, and waits to be accepted."""
    known = {gap.words: gap for gap in Return.objects.filter(case=case, kind="gap", stage=visit.stage, closed_on=None)}
    lacking = {field["form_field"] for field in missing}
    for field in fields:
        words = f"{field['name_zh']} · {field['name_en']}"
        if field["form_field"] in lacking and words not in known:
            Return(case=case, kind="gap", visit=visit, stage=visit.stage, words=words, opened_on=today).save()
        elif field["form_field"] not in lacking and words in known and not known[words].answered_on:
            known[words].answer, known[words].answered_on = "随表单补齐 · came with the form", today
            known[words].save()


@whole
def answer_gap(desk: Desk, case: Case, person: Any, gap: int, words: str) -> None:
    """The applicant brings what was missing; the authority closes the gap. Raises NotDone."""
    found = Return.objects.filter(case=case, pk=gap, kind="gap", closed_on=None).first()
    if found is None or case.applicant_id != person.pk:
        raise NotDone("没有这项容缺", "found no such open gap of yours")
    if not words.strip():
        raise NotDone("请说明补交了什么", "say what was brought", "words")
    found.answer, found.answered_on = words.strip()[:LONGEST], desk.today(desk.now())
    found.save()


@whole
def assign(desk: Desk, case: Case, person: Any, step: str, people: Sequence[Any]) -> Act:
    """The authority gives seats at a review. Raises NotDone."""
    may_decide(case, person)
    _, visit = _open(case, step, "review")
    at = desk.now()
    fresh = [each for each in dict.fromkeys(people) if not Seat.objects.filter(visit=visit, person=each).exists()]
    if any(each.pk == case.applicant_id for each in fresh):
        raise NotDone("申请人不能评审本案", "the applicant does not review the own case", "people")
    if not fresh:
        raise NotDone("请选择评审人", "found nobody new; expected a reviewer or an expert", "people")
    acted = acted_in(desk, case, person, at, "assigned", "authority", visit, told={"people": [each.pk for each in fresh]})
    for each in fresh:
        Seat(case=case, visit=visit, person=each).save()
    telling.assigned(case, visit, fresh)
    return acted


@whole
def give_opinion(desk: Desk, case: Case, person: Any, step: str, opinion: str, words: str) -> Act:
    """A reviewer's opinion, given once at each visit. Raises NotDone."""
    _, visit = _open(case, step, "review")
    seat = Seat.objects.filter(visit=visit, person=person).first()
    if seat is None:
        raise NotDone("未被指派评审此步骤", "you have no seat at this review")
    if seat.opinion:
        raise NotDone("已提交意见", "your opinion was given already")
    if opinion not in OPINIONS:
        raise NotDone("请选择意见", f"found {opinion!r}; expected one of {', '.join(OPINIONS)}", "opinion")
    if opinion != "agree" and not words.strip():
        raise NotDone("请写明意见", "say what the remarks are", "words")
    at = desk.now()
    seat.opinion, seat.words, seat.given_at = opinion, words.strip()[:LONGEST], at
    seat.save()
    acted = acted_in(desk, case, person, at, "opinion", "authority", visit, opinion, words)
    telling.given(case, visit)
    return acted


@whole
def decide(
    desk: Desk,
    case: Case,
    person: Any,
    step: str,
    outcome: str,
    words: str,
    *,
    conditions: str = "",
    returns: Iterable[str] = (),
    accepted: Iterable[int] = (),
) -> Act:
    """The authority ends a step: `passed`, `returned` with what is to be mended, or `refused`; with reasons. Raises NotDone.

    `accepted` are the returns and gaps whose answers are accepted; `returns` is what is returned anew.
    """
    may_decide(case, person)
    node, visit = _open(case, step, "accept", "review")
    if outcome not in ("passed", "returned", "refused"):
        raise NotDone("请选择结果", f"found {outcome!r}; expected passed, returned or refused", "outcome")
    if not words.strip():
        raise NotDone("请写明理由", "a decision has its reasons", "words")
    at = desk.now()
    today = desk.today(at)
    if node.act == "review":
        _heard(node, visit, person)
    for each in Return.objects.filter(case=case, pk__in=set(accepted), closed_on=None):
        if not each.answered_on:
            raise NotDone("尚未整改的事项不能销项", "what was not answered cannot be accepted", f"return-{each.pk}")
        each.closed_on = today
        each.save()
    anew = [text.strip()[:LONGEST] for text in returns if text.strip()]
    standing = Return.objects.filter(case=case, stage=node.stage, kind="return", closed_on=None)
    if outcome == "passed":
        if anew or standing.exists():
            raise NotDone("仍有未销项的退回事项，不能通过", "nothing passes with an open return", "outcome")
        if node.gaps == "close" and Return.objects.filter(case=case, closed_on=None).exists():
            raise NotDone("仍有未补齐的容缺事项，不能通过", "nothing passes here with an open gap", "outcome")
    elif outcome == "returned" and not anew and not standing.exists():
        raise NotDone("请写明要整改什么", "say what is to be mended", "returns")
    told = {"returns": anew} if anew else {}
    acted = acted_in(desk, case, person, at, "decided", "authority", visit, outcome, words, conditions, told)
    for text in anew if outcome == "returned" else ():
        Return(case=case, kind="return", visit=visit, stage=node.stage, words=text, opened_on=today).save()
    _complete(desk, case, node, visit, acted, outcome)
    return acted


def _heard(node: Node, visit: Visit, person: Any) -> None:
    seats = list(Seat.objects.filter(visit=visit))
    given = [seat for seat in seats if seat.opinion]
    if len(given) < node.reviewers or len(given) < len(seats):
        zh = f"评审意见未齐：已有 {len(given)}，应有 {max(node.reviewers, len(seats))}"
        raise NotDone(zh, f"found {len(given)} opinions; expected {max(node.reviewers, len(seats))}", "outcome")
    if any(seat.person_id == person.pk for seat in seats):
        raise NotDone("评审人不能自己作出决定", "who reviewed does not decide", "outcome")


@whole
def withdraw(desk: Desk, case: Case, person: Any, words: str) -> Act:
    """The applicant takes the application back. Raises NotDone."""
    if case.applicant_id != person.pk or case.case_state != "open":
        raise NotDone("不能撤回此案件", "only the applicant takes back an open case")
    at = desk.now()
    acted = acted_in(desk, case, person, at, "withdrawn", "applicant", words=words)
    case.case_state, case.closed_on = "withdrawn", desk.today(at)
    leave(desk, case, Visit.objects.filter(case=case, left_at=None), at)
    case.save()
    telling.closed(case)
    return acted


@whole
def publish(desk: Desk, case: Case, person: Any) -> Act:
    """The authority makes the decisions of a closed case public. Raises NotDone."""
    may_decide(case, person, closed=True)
    if case.case_state not in ("passed", "refused") or case.published:
        raise NotDone("只能公开已办结且未公开的案件", f"found a case that is {case.case_state}; expected one that is decided")
    acted = acted_in(desk, case, person, desk.now(), "published", "authority")
    case.published = True
    case.save()
    return acted


def may_decide(case: Case, person: Any, closed: bool = False) -> None:
    if not person.has_perm("reviews.change_case"):
        raise NotDone("无权决定", "you have no right to decide")
    if case.applicant_id == person.pk:
        raise NotDone("不能办理自己的申请", "nobody decides of their own application")
    if case.case_state != "open" and not closed:
        raise NotDone("案件已办结", f"found a case that is {case.case_state}; expected an open one")


def _open(case: Case, step: str, *acts: str) -> tuple[Node, Visit]:
    node = process_of(case).nodes.get(step)
    visit = Visit.objects.filter(case=case, process_step=step, left_at=None).first()
    if case.case_state != "open" or node is None or visit is None:
        raise NotDone("此步骤不在办理中", f"the step {step[:60]!r} of the case {case.review_case} is not open")
    if node.act not in acts:
        raise NotDone("此步骤不能这样办理", f"the step {step} is one to {node.act}")
    return node, visit


def acted_in(
    desk: Desk,
    case: Case,
    person: Any,
    at: datetime,
    deed: str,
    party: str,
    visit: Visit | None = None,
    outcome: str = "",
    words: str = "",
    conditions: str = "",
    told: Mapping[str, Any] | None = None,
) -> Act:
    newest = Act.objects.filter(case=case).order_by("-act_number").values_list("act_number", flat=True).first()
    found = Act(
        case=case,
        act_number=(newest or 0) + 1,
        review_act=deed,
        visit=visit,
        process_step=visit.process_step if visit else "",
        stage=visit.stage if visit else "",
        party=party,
        outcome=outcome,
        acted_at=at,
        acted_on=desk.today(at),
        who=person,
        words=words.strip()[:LONGEST],
        conditions=conditions.strip()[:LONGEST],
        told=dict(told or {}),
    )
    found.save()
    CaseState.objects.filter(case=case).update(acts=found.act_number)
    return found


def _complete(desk: Desk, case: Case, node: Node, visit: Visit, acted: Act, outcome: str) -> None:
    engine = running(case)
    engine.complete(node.node, outcome)
    leave(desk, case, [visit], acted.acted_at, outcome)
    if engine.ended and outcome == "passed" and Return.objects.filter(case=case, closed_on=None).exists():
        raise NotDone("仍有未销项的事项，案件不能办结", "no case ends well with an open return or gap", "outcome")
    if engine.ended:
        case.case_state = "refused" if outcome == "refused" else "passed"
        case.closed_on = acted.acted_on
    follow(desk, case, engine, acted)


def leave(desk: Desk, case: Case, visits: Iterable[Visit], at: datetime, outcome: str = "") -> None:
    for visit in visits:
        visit.left_at, visit.left_on, visit.outcome = at, desk.today(at), outcome
        visit.save()


def follow(desk: Desk, case: Case, engine: Running, acted: Act) -> None:
    """Brings the visits to where the engine is, and keeps its state beside the act that led there."""
    at, today = acted.acted_at, acted.acted_on
    waiting = {visit.process_step: visit for visit in Visit.objects.filter(case=case, left_at=None)}
    leave(desk, case, [visit for step, visit in waiting.items() if step not in engine.open_steps], at)
    newest = Visit.objects.filter(case=case).order_by("-visit").values_list("visit", flat=True).first() or 0
    begun = []
    for step in engine.open_steps:
        if step in waiting:
            continue
        node = engine.process.nodes[step]
        newest += 1
        visit = Visit(
            case=case,
            visit=newest,
            process_step=step,
            stage=node.stage,
            party=node.party,
            entered_at=at,
            entered_on=today,
            due_on=desk.due(today, node.days),
            days_allowed=node.days or None,
        )
        visit.save()
        _seat_again(case, visit, node)
        begun.append(visit)
    case.save()
    CaseState.objects.filter(case=case).update(text=engine.dump())
    telling.moved(case, begun, acted)


def _seat_again(case: Case, visit: Visit, node: Node) -> None:
    """Who reviewed the step before reviews it again; each gives a new opinion."""
    before = Visit.objects.filter(case=case, process_step=visit.process_step).exclude(pk=visit.pk).order_by("-visit").first()
    for seat in Seat.objects.filter(visit=before) if node.act == "review" and before else ():
        Seat(case=case, visit=visit, person_id=seat.person_id).save()


def _promise(desk: Desk, case: Case, node: Node, values: Mapping[str, str], today: Any) -> None:
    """What a form promises replaces what an earlier stage promised of the same measure."""
    for field in desk.forms.get(node.form, []):
        if field["promise_measure"] and values.get(field["form_field"]):
            found = Promise.objects.filter(case=case, promise_measure=field["promise_measure"]).first()
            found = found or Promise(case=case, promise_measure=field["promise_measure"])
            found.promise_value, found.symbol = float(values[field["form_field"]]), field["symbol"] or ""
            found.stage, found.decided_on = node.stage, today
            found.save()
