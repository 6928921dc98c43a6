"""The page of a case: where it is in its process, whose days passed, what binds it, and what whoever asks may do now."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods

from scicity.cockpit import telling
from scicity.domains.reviews.documents import may_see, may_write
from scicity.domains.reviews.methods import drawing
from scicity.domains.reviews.models import OPINIONS, Act, Appeal, Case, Promise, Return, Seat, Visit
from scicity.domains.reviews.pages import acting, appealing, forms, migrating, shown, words
from scicity.domains.reviews.pages.desk import Desk, NotDone
from scicity.domains.reviews.pages.views import bound, language

LONGEST = 4_000
MOST_LINES = 20  # things that are returned at once


@login_required
@require_http_methods(["GET", "POST"])
def case(request: HttpRequest, number: str) -> HttpResponse:
    """Shows a case to those who may see it, and does what is sent."""
    found = Case.objects.select_related("applicant", "state").filter(review_case=number[:20]).first()
    if found is None:
        raise Http404("no such case")
    if not may_see(request.user, found):
        raise PermissionDenied
    desk = Desk.of(request.city)
    if request.method == "GET":
        return _shown(request, desk, found)
    try:
        _do(request, desk, found)
    except NotDone as refusal:
        return _shown(request, desk, found, refusal)
    telling.done(request, "已办理。", "Done.")
    return redirect("reviews:case", number=found.review_case)


def _do(request: HttpRequest, desk: Desk, found: Case) -> None:
    sent, person = request.POST, request.user
    step, said = sent.get("step", "")[:60], sent.get("words", "").strip()[:LONGEST]
    deed = sent.get("deed", "")
    if deed == "submit":
        values = {key.removeprefix("field-"): value[:LONGEST] for key, value in sent.items() if key.startswith("field-")}
        answers = {number: sent[f"return-{number}"] for number in _numbers(sent, "return-")}
        acting.submit(desk, found, person, step, values, answers)
    elif deed == "answer":
        acting.answer_gap(desk, found, person, next(iter(_numbers(sent, "gap-")), 0), said)
    elif deed == "assign":
        chosen = [int(each) for each in sent.getlist("people")[:50] if each.isascii() and each.isdecimal() and len(each) < 12]
        acting.assign(desk, found, person, step, [each for each in reviewers() if each.pk in chosen])
    elif deed == "opinion":
        acting.give_opinion(desk, found, person, step, sent.get("opinion", "")[:30], said)
    elif deed == "decide":
        acting.decide(
            desk,
            found,
            person,
            step,
            sent.get("outcome", "")[:20],
            said,
            conditions=sent.get("conditions", "")[:LONGEST],
            returns=sent.get("returns", "")[:LONGEST].splitlines()[:MOST_LINES],
            accepted=_numbers(sent, "accept-"),
        )
    elif deed == "withdraw":
        acting.withdraw(desk, found, person, said)
    elif deed == "appeal":
        appealing.appeal(desk, found, person, said)
    elif deed == "decide-appeal":
        appealing.decide_appeal(desk, found, person, sent.get("outcome", "")[:20], said)
    elif deed == "publish":
        acting.publish(desk, found, person)
    elif deed == "migrate":
        steps = {key.removeprefix("map-"): value.strip()[:60] for key, value in sent.items() if key.startswith("map-")}
        migrating.migrate(desk, found, person, sent.get("process", "")[:60], steps)
    else:
        raise NotDone("没有这种办理方式", f"found the act {deed[:40]!r}; expected one of those of the page")


def _numbers(sent: Any, prefix: str) -> list[int]:
    told = [key.removeprefix(prefix) for key in sent if key.startswith(prefix)]
    return [int(each) for each in told if each.isascii() and each.isdecimal() and len(each) < 12]


def reviewers() -> list[Any]:
    """Those who can be given a seat."""
    people = get_user_model().objects.filter(is_active=True, groups__name__in=("reviewer", "expert")).distinct()
    return list(people.order_by("username"))


def _shown(request: HttpRequest, desk: Desk, found: Case, refusal: NotDone | None = None) -> HttpResponse:
    city, person = request.city, request.user
    found = Case.objects.select_related("applicant", "state").get(pk=found.pk)
    process = acting.process_of(found)
    today = desk.today(desk.now())
    visits = list(Visit.objects.filter(case=found).order_by("visit"))
    seats: dict[int, list[dict[str, Any]]] = {}
    for seat in Seat.objects.filter(case=found).select_related("person"):
        seats.setdefault(seat.visit_id, []).append({"seat": seat, "opinion": words.OPINIONS.get(seat.opinion)})
    told = [_visit(process, visit, today) | {"seats": seats.get(visit.pk, [])} for visit in visits]
    waiting = [each for each in told if each["visit"].left_at is None]
    returns = list(Return.objects.filter(case=found).order_by("pk"))
    steps = {visit.process_step for visit in visits if visit.left_at is None}
    done = {visit.process_step for visit in visits if visit.left_at is not None and visit.outcome == "passed"} - steps
    acts = list(Act.objects.filter(case=found).select_related("who").order_by("act_number"))
    where = {"review_case": found.review_case}
    clocks = city.rows("reviews.clock", where=where)
    spoken = language(request)
    promises = city.rows("reviews.promise", where=where, order=["promise_measure"])
    of_measure = {row["promise_measure"]: row for row in promises}
    names = {field["promise_measure"]: field for form in desk.forms.values() for field in form if field["promise_measure"]}
    context = {
        "case": found,
        "refusal": refusal,
        "project": shown.names(city).get(found.project),
        "parcel": (parcel := desk.parcels.get(found.parcel)),
        "edition": shown.edition_words(parcel, {row["framework"]: row for row in city.rows("indicators.framework")}),
        "process": process,
        "process_name": (process.name_zh, process.name_en),
        "supply": words.SUPPLIES[found.supply_kind],
        "state": words.STATES[found.case_state],
        "svg": mark_safe(drawing.drawn(process, spoken, steps, done)),  # noqa: S308  (all of its words are escaped there)
        "waiting": [_deeds(desk, found, person, each, returns, request.POST) for each in waiting],
        "visits": told,
        "clock": clocks[0] if clocks else None,
        "basis": words.BASES.get(clocks[0]["day_basis"]) if clocks else None,
        "stages": [{"row": row, "name": words.STAGES[row["stage"]]} for row in city.rows("reviews.stage_clock", where=where)],
        "conditions": [
            bound(row, of_measure.get(row["promise_measure"]))
            for row in city.rows(
                "reviews.condition", where={"parcel": found.parcel}, order=["condition_kind", "planning_condition"]
            )
        ],
        "promises": [(names.get(row["promise_measure"]), row) for row in promises],
        "promised": Promise.objects.filter(case=found).exists(),
        "returns": [{"each": each, "stage": words.STAGES[each.stage]} for each in returns],
        "acts": [_act(process, act, desk) for act in acts],
        "appeals": [{"each": each, "outcome": words.APPEALS[each.outcome]} for each in Appeal.objects.filter(case=found)],
        "kinds": _kinds(desk, process),
        "may_write": may_write(person, found.subject),
        "own": found.applicant_id == person.pk,
        "may": _may(desk, found, person, acts, process),
    }
    return render(request, "reviews/case.html", context, status=422 if refusal else 200)


def _visit(process: Any, visit: Visit, today: Any) -> dict[str, Any]:
    node = process.nodes.get(visit.process_step)
    if node is not None:
        return shown.step(visit, node, today)
    named = {"name": (visit.process_step, visit.process_step), "node": None}  # as an earlier version called it
    outcome = words.OUTCOMES.get(visit.outcome)
    place = {"stage": words.STAGES[visit.stage], "party": words.PARTIES[visit.party]}
    return {"visit": visit, "late": False, "outcome": outcome, **named, **place}


def _act(process: Any, act: Act, desk: Desk) -> dict[str, Any]:
    node = process.nodes.get(act.process_step)
    fields = {field["form_field"]: field for field in desk.forms.get(act.told.get("form", ""), [])}
    values = act.told.get("values", {})
    said = words.OPINIONS | words.OUTCOMES | words.APPEALS
    return {
        "act": act,
        "word": words.ACTS[act.review_act],
        "name": (node.name_zh, node.name_en) if node else (act.process_step, act.process_step),
        "outcome": said.get(act.outcome) if act.outcome and act.review_act != "submitted" else None,
        "values": [(fields.get(key), key, value) for key, value in values.items()],
        "returns": act.told.get("returns", []),
        "moved": [" ".join(map(str, act.told[end])) for end in ("from", "to")] if act.review_act == "migrated" else None,
    }


def _deeds(desk: Desk, found: Case, person: Any, each: dict[str, Any], returns: list[Return], sent: Any) -> dict[str, Any]:
    """An open step with what whoever asks may do at it."""
    node, visit = each["node"], each["visit"]
    decides = person.has_perm("reviews.change_case") and found.applicant_id != person.pk
    mine = next((told["seat"] for told in each["seats"] if told["seat"].person_id == person.pk), None)
    given = [told for told in each["seats"] if told["seat"].opinion]
    left = [told for told in returns if told.closed_on is None and (told.stage == visit.stage or node.gaps == "close")]
    before = Act.objects.filter(case=found, review_act="submitted", stage=visit.stage).order_by("-act_number").first()
    values = before.told.get("values", {}) if before and before.told.get("form") == node.form else {}
    fields = []
    for field in desk.forms.get(node.form, []):
        key = field["form_field"]
        value = sent.get(f"field-{key}", values.get(key, ""))
        fields.append({"row": field, "key": key, "kind": field["field_kind"], "value": value, "choices": forms.choices(field)})
    return each | {
        "submits": node.act == "submit" and found.applicant_id == person.pk,
        "fields": [field for field in fields if field["kind"] != "document"],
        "papers": [field["row"] for field in fields if field["kind"] == "document"],
        "answers": [told for told in left if told.kind == "return" and told.stage == visit.stage],
        "assigns": decides and node.act == "review",
        "people": reviewers() if decides and node.act == "review" else [],
        "opines": mine is not None and not mine.opinion,
        "opinions": [(key, words.OPINIONS[key]) for key in OPINIONS],
        "decides": decides and node.act in ("accept", "review") and mine is None,
        "heard": node.act == "accept" or (len(given) >= node.reviewers and len(given) == len(each["seats"])),
        "outcomes": list(words.OUTCOMES.items()),
        "left": left,
        "act": words.STEP_ACTS[node.act],
    }


def _kinds(desk: Desk, process: Any) -> list[tuple[str, str, str]]:
    """The kinds of documents that the forms of a process ask for."""
    found = {}
    for node in process.steps:
        for field in desk.forms.get(node.form, []):
            if field["field_kind"] == "document":
                found[field["form_field"]] = (field["form_field"], field["name_zh"], field["name_en"])
    return [*found.values(), ("other", "其他", "Other")]


def _may(desk: Desk, found: Case, person: Any, acts: list[Act], process: Any) -> dict[str, Any]:
    """What may be done with the case as a whole."""
    own = found.applicant_id == person.pk
    decides = person.has_perm("reviews.change_case") and not own
    decided = [act for act in acts if act.review_act == "decided"]
    appeal = Appeal.objects.filter(case=found, outcome="").select_related("against").first()
    objects = own and appeal is None and decided and decided[-1].outcome != "passed" and not decided[-1].appeals.exists()
    texts = {key: text for key, (_, text) in desk.processes().items()}
    moves = decides and found.case_state == "open" and any(text != found.version.text for text in texts.values())
    return {
        "withdraw": own and found.case_state == "open",
        "appeal": bool(objects) and found.case_state in ("open", "refused"),
        "decide_appeal": appeal if decides and appeal is not None and appeal.against.who_id != person.pk else None,
        "publish": decides and found.case_state in ("passed", "refused") and not found.published,
        "migrate": [(key, (told.name_zh, told.name_en)) for key, (told, _) in desk.processes().items()] if moves else [],
        "steps": [(node.node, (node.name_zh, node.name_en)) for node in process.steps] if moves else [],
    }
