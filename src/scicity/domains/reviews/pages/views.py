"""The pages over all cases: the list, one's own tasks, parcels, processes, published decisions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe

from scicity.domains.reviews.bpmn import STAGES
from scicity.domains.reviews.methods import drawing
from scicity.domains.reviews.models import STATES, Act, Appeal, Case, ProcessVersion, Return, Seat, Visit
from scicity.domains.reviews.pages import shown, words
from scicity.domains.reviews.pages.desk import Desk

PER_PAGE = 50
PARCELS_PER_PAGE = 15
LONGEST = 100
MOST_CHOSEN = 1_000


def language(request: HttpRequest) -> str:
    """`zh` or `en`."""
    return "zh" if request.LANGUAGE_CODE.startswith("zh") else "en"


def overview(request: HttpRequest) -> HttpResponse:
    """The cases that whoever asks sees, by state, stage, zone, whose turn it is and words of their names."""
    city, desk = request.city, Desk.of(request.city)
    projects = shown.names(city)
    asked = {name: request.GET.get(name, "").strip()[:LONGEST] for name in ("state", "stage", "zone", "party", "q")}
    all_seen = shown.seen(request.user)
    cases = all_seen
    if asked["state"] in STATES:
        cases = cases.filter(case_state=asked["state"])
    if asked["stage"] in STAGES or asked["party"] in words.PARTIES:
        wanted = {key: asked[key] for key in ("stage", "party") if asked[key]}
        cases = cases.filter(pk__in=Visit.objects.filter(left_at=None, **wanted).values("case_id"))
    if asked["zone"]:
        cases = cases.filter(project__in=[key for key, row in projects.items() if row["zone"] == asked["zone"]])
    if asked["q"]:
        word = asked["q"].casefold()
        found = [key for key, row in projects.items() if word in f"{row['name_zh']} {row['name_en']}".casefold()]
        cases = cases.filter(Q(project__in=found) | Q(review_case__icontains=word) | Q(applicant_name__icontains=word))
    page = Paginator(cases.order_by("-review_case"), PER_PAGE).get_page(request.GET.get("page", "1")[:9])
    listed = list(page.object_list)
    today = desk.today(desk.now())
    steps, returns = shown.open_steps(listed, today), shown.returns_open(listed)
    clocks = {
        row["review_case"]: row for row in city.rows("reviews.clock", where={"review_case": [c.review_case for c in listed]})
    }
    rows = [
        {
            "case": case,
            "project": projects.get(case.project),
            "state": words.STATES[case.case_state],
            "steps": steps.get(case.pk, []),
            "returns": returns.get(case.pk, 0),
            "clock": clocks.get(case.review_case),
        }
        for case in listed
    ]
    shares = city.rows("reviews.timeliness", order=["zone"])
    context = {
        "rows": rows,
        "page": page,
        "asked": asked,
        "query": urlencode({key: value for key, value in asked.items() if value}),
        "any": bool(listed) or all_seen.exists(),
        "counts": [(words.STATES[state], state, all_seen.filter(case_state=state).count()) for state in STATES],
        "states": [(key, words.STATES[key]) for key in STATES],
        "stages": list(words.STAGES.items()),
        "parties": list(words.PARTIES.items()),
        "zones": city.rows("district.zone"),
        "share": next((row for row in shares if row["zone"] == "district"), None),
        "may_apply": request.user.has_perm("reviews.add_case"),
        "processes": bool(desk.processes()),
    }
    return render(request, "reviews/overview.html", context)


@login_required
def tasks(request: HttpRequest) -> HttpResponse:
    """What waits for whoever asks: steps of their own cases, opinions to give, decisions to take, appeals."""
    desk, person = Desk.of(request.city), request.user
    today = desk.today(desk.now())
    projects = shown.names(request.city)
    waiting: list[tuple[tuple[str, str], Any]] = []
    mine = Visit.objects.filter(left_at=None, party="applicant", case__applicant=person, case__case_state="open")
    waiting += [(("请提交", "to submit"), visit) for visit in mine]
    seats = Seat.objects.filter(person=person, opinion="", visit__left_at=None).select_related("visit__case__version")
    waiting += [(("请给出评审意见", "your opinion"), seat.visit) for seat in seats]
    appeals: list[Appeal] = []
    if person.has_perm("reviews.change_case"):
        theirs = Visit.objects.filter(left_at=None, party="authority").exclude(case__applicant=person).order_by("due_on")
        given = _opinions(theirs)
        waiting += [(_to_do(given.get(visit.pk)), visit) for visit in theirs]
        appeals = list(Appeal.objects.filter(outcome="").exclude(against__who=person))
    nodes = shown.nodes_of([visit.case for _, visit in waiting])
    rows = [
        {
            "what": what,
            "case": visit.case,
            "project": projects.get(visit.case.project),
            **shown.step(visit, nodes[visit.case.version_id][visit.process_step], today),
        }
        for what, visit in waiting
    ]
    rows.sort(key=lambda row: (str(row["visit"].due_on or "9999"), row["case"].review_case))
    gaps = Return.objects.filter(case__applicant=person, kind="gap", closed_on=None, answered_on=None, case__case_state="open")
    context = {
        "rows": rows[:MOST_CHOSEN],
        "appeals": [{"appeal": each, "project": projects.get(each.case.project)} for each in appeals],
        "gaps": [{"gap": each, "project": projects.get(each.case.project)} for each in gaps],
    }
    return render(request, "reviews/tasks.html", context)


def _opinions(visits: Any) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for key, opinion in Seat.objects.filter(visit__in=visits).values_list("visit_id", "opinion"):
        found.setdefault(key, []).append(opinion)
    return found


def _to_do(opinions: list[str] | None) -> tuple[str, str]:
    if opinions is None:
        return "请办理", "to deal with"
    return ("请决定", "to decide") if all(opinions) else ("等待评审意见", "waits for opinions")


def parcels(request: HttpRequest) -> HttpResponse:
    """The parcels, the edition that each is bound to, the conditions bound to it, and its projects and cases."""
    city = request.city
    zone = request.GET.get("zone", "")[:LONGEST]
    found = [row for row in city.rows("reviews.parcel", order=["parcel"]) if zone in ("", row["zone"])]
    only = request.GET.get("parcel", "")[:LONGEST]
    found = [row for row in found if only in ("", row["parcel"])]
    page = Paginator(found, PARCELS_PER_PAGE).get_page(request.GET.get("page", "1")[:9])
    shown_now = {"parcel": [row["parcel"] for row in page.object_list]}
    conditions: dict[str, list[Any]] = {}
    for row in city.rows("reviews.condition", where=shown_now, order=["condition_kind", "planning_condition"]):
        conditions.setdefault(row["parcel"], []).append(bound(row))
    projects: dict[str, list[Any]] = {}
    for row in city.rows("reviews.project", where=shown_now, order=["project"]):
        projects.setdefault(row["parcel"], []).append(row)
    cases: dict[str, list[Case]] = {}
    for case in shown.seen(request.user).filter(parcel__in=shown_now["parcel"]):
        cases.setdefault(case.parcel, []).append(case)
    editions = {(row["framework"], row["edition"]): row for row in city.rows("indicators.edition")}
    frameworks = {row["framework"]: row for row in city.rows("indicators.framework")}
    rows = [
        {
            "row": row,
            "held": shown.edition_of_day(row, editions, city.district.calendar.tz),
            "edition": shown.edition_words(row, frameworks),
            "supply": words.SUPPLIES[row["supply_kind"]],
            "review": words.REVIEWS.get(row["review"]),
            "conditions": conditions.get(row["parcel"], []),
            "projects": projects.get(row["parcel"], []),
            "cases": cases.get(row["parcel"], []),
        }
        for row in page.object_list
    ]
    context = {"rows": rows, "page": page, "zone": zone, "zones": city.rows("district.zone"), "any": bool(rows) or bool(zone)}
    return render(request, "reviews/parcels.html", context)


def bound(row: Any, promised: Any = None) -> dict[str, Any]:
    """A condition as pages show it, with what was promised of its measure."""
    return {
        "row": row,
        "kind": words.KINDS[row["condition_kind"]],
        "promised": promised,
        "comparator": words.COMPARATORS[row["comparator"]],
        "review": words.REVIEWS.get(row["review"]),
    }


def processes(request: HttpRequest) -> HttpResponse:
    """The processes of the district, drawn, with their steps and how many cases run in which version."""
    spoken = language(request)
    steps: dict[str, list[Any]] = {}
    for row in request.city.rows("reviews.process_step"):
        steps.setdefault(row["process"], []).append(row)
    versions: dict[str, list[dict[str, Any]]] = {}
    staff = request.user.has_perm("reviews.change_case")
    for version in ProcessVersion.objects.defer("text") if staff else ():
        running = Case.objects.filter(version=version, case_state="open").count()
        versions.setdefault(version.process, []).append({"version": version, "running": running})
    found = [
        {
            "process": process,
            "name": (process.name_zh, process.name_en),
            "svg": mark_safe(drawing.drawn(process, spoken)),  # noqa: S308  (all of its words are escaped there)
            "steps": [
                {
                    "row": row,
                    "stage": words.STAGES[row["stage"]],
                    "party": words.PARTIES[row["party"]],
                    "act": words.STEP_ACTS[row["step_act"]],
                    "gaps": words.GAPS.get(row["gaps_allowed"] or ""),
                }
                for row in steps.get(key, [])
            ],
            "versions": versions.get(key, []),
        }
        for key, (process, _) in sorted(Desk.of(request.city).processes().items())
    ]
    return render(request, "reviews/processes.html", {"processes": found, "staff": staff})


def decisions(request: HttpRequest) -> HttpResponse:
    """What all may read: the decisions of the cases that were published, with their reasons and conditions."""
    projects = shown.names(request.city)
    page = Paginator(Case.objects.filter(published=True).order_by("-review_case"), PER_PAGE // 2).get_page(
        request.GET.get("page", "1")[:9]
    )
    listed = list(page.object_list)
    decided: dict[int, list[dict[str, Any]]] = {}
    nodes = shown.nodes_of(listed)
    for act in Act.objects.filter(case__in=[case.pk for case in listed], review_act="decided").order_by("act_number"):
        node = nodes[act.case.version_id].get(act.process_step)
        name = (node.name_zh, node.name_en) if node else words.STAGES[act.stage]
        decided.setdefault(act.case_id, []).append({"act": act, "name": name, "outcome": words.OUTCOMES[act.outcome]})
    rows = [
        {
            "case": case,
            "project": projects.get(case.project),
            "state": words.STATES[case.case_state],
            "decisions": decided.get(case.pk, []),
        }
        for case in listed
    ]
    return render(request, "reviews/decisions.html", {"rows": rows, "page": page})
