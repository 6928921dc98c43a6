"""The pages with records: duties and their form, revisions on their way, the conformity matrix."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from scicity.cockpit import telling
from scicity.domains.indicators.models import LEVELS, DutyHolder, ManualValue, Revision
from scicity.domains.indicators.pages import acting, judging, one

STAGES = {
    "proposed": ("已提出", "proposed", "old"),
    "consulted": ("征求意见", "consulted on", "estimated"),
    "adopted": ("已通过", "adopted", "good"),
    "rejected": ("未通过", "rejected", "bad"),
    "withdrawn": ("已撤回", "withdrawn", "old"),
}
KEPT = ("已保存；指标值数秒后更新。", "Kept; figures follow within seconds.")
MOST = 100  # duties of a page
STATES = ("overdue", "due", "ahead", "delivered")


def today(request: HttpRequest) -> date:
    """The local day of the district."""
    return datetime.now(UTC).astimezone(request.city.district.calendar.tz).date()


@require_http_methods(["GET", "POST"])
def duties(request: HttpRequest) -> HttpResponse:
    """Who owes which value by when; whoever answers for a body enters its values."""
    faults: dict[str, str] = {}
    if request.method == "POST":
        act = acting.hold if request.POST.get("act") == "hold" else acting.enter
        faults = act(request)
        if not faults:
            return _done(request)
    city = request.city
    state, body = request.GET.get("state", "open"), request.GET.get("body", "")
    entries = judging.owed(city, today(request))
    names = sorted({entry["row"]["responsible_zh"] for entry in entries if entry["row"]["responsible_zh"]})
    tally = [(judging.STATES[name], sum(entry["state"] == name for entry in entries)) for name in STATES]
    if body:
        entries = [entry for entry in entries if entry["row"]["responsible_zh"] == body]
    if state != "all":
        wanted = ("overdue", "due") if state == "open" else (state,)
        entries = [entry for entry in entries if entry["state"] in wanted]
    entries.sort(key=lambda entry: (STATES.index(entry["state"]), entry["row"]["due_on"], entry["row"]["indicator"]))
    about = {row["indicator"]: row for row in city.rows("indicators.indicator")}
    may = request.user.has_perm("indicators.add_manualvalue")
    mine = acting.bodies(request) if may else set()
    owners: dict[str, str] = {}
    for row in city.rows("indicators.membership"):
        if row["responsible_zh"] and (mine is None or row["responsible_zh"] in mine):
            owners.setdefault(row["indicator"], row["responsible_zh"])
    keeps = request.user.has_perm("indicators.add_dutyholder")
    context = {
        "entries": [{**entry, "about": about.get(entry["row"]["indicator"])} for entry in entries[:MOST]],
        "more": len(entries) - MOST,
        "any": bool(tally and sum(number for _, number in tally)),
        "tally": [(words, number) for words, number in tally if number],
        "states": [(name, judging.STATES[name]) for name in STATES],
        "state": state,
        "bodies": names,
        "body": body,
        "may": may,
        "mine": [about[name] for name in owners if name in about],
        "values": acting.sent(request, "indicator", "zone", "duty_period", "value", "document", "reason")
        if faults
        else {name: request.GET.get(name, "")[:80] for name in ("indicator", "zone", "duty_period")},
        "faults": faults,
        "entered": [{"record": each, "about": about.get(each.indicator)} for each in ManualValue.objects.order_by("-pk")[:20]]
        if may
        else [],
        "keeps": keeps,
        "zones": city.rows("district.zone") if may else [],
        "holders": list(DutyHolder.objects.all()) if keeps else [],
    }
    return render(request, "indicators/duties.html", context, status=422 if faults else 200)


@require_http_methods(["GET", "POST"])
def revisions(request: HttpRequest) -> HttpResponse:
    """The revisions of indicator systems, and the form that proposes one."""
    faults: dict[str, str] = {}
    if request.method == "POST":
        record, faults = acting.propose(request)
        if record is not None:
            telling.done(request, *KEPT)
            return redirect("indicators:revision", number=record.pk)
    context = {
        "entries": [{"record": each, "stage": STAGES[each.revision_stage]} for each in Revision.objects.all()[:MOST]],
        "frameworks": request.city.rows("indicators.framework"),
        "may": request.user.has_perm("indicators.add_revision"),
        "values": acting.sent(request, "proposal_title", "framework", "edition", "document"),
        "faults": faults,
    }
    return render(request, "indicators/revisions.html", context, status=422 if faults else 200)


ACTS: dict[str, Callable[[HttpRequest, Revision], dict[str, str]]] = {
    "step": acting.step,
    "ask": acting.ask,
    "comment": acting.comment,
}


@require_http_methods(["GET", "POST"])
def revision(request: HttpRequest, number: int) -> HttpResponse:
    """A revision: what it asks for, what was said of it, and the next steps for those who may take them."""
    record = Revision.objects.filter(pk=number).first()
    if record is None:
        raise Http404("no such revision")
    faults: dict[str, str] = {}
    if request.method == "POST":
        act = ACTS.get(request.POST.get("act", ""))
        if act is None:
            raise Http404("no such act")
        faults = act(request, record)
        if not faults:
            return _done(request)
        record.refresh_from_db()
    user = request.user
    names = {row["indicator"]: row for row in request.city.rows("indicators.indicator")}
    said = record.comments.all()
    staff = user.has_perm("indicators.view_revisioncomment")
    shown = said if staff else said.filter(private=False)
    stages = [name for name in ("consulted", "withdrawn") if user.has_perm("indicators.change_revision")]
    stages += [name for name in ("adopted", "rejected") if user.has_perm("indicators.decide_revision")]
    following = {"proposed": ("consulted", "withdrawn"), "consulted": ("adopted", "rejected", "withdrawn")}
    stages = [name for name in stages if name in following.get(record.revision_stage, ())]
    context = {
        "record": record,
        "stage": STAGES[record.revision_stage],
        "items": [
            {"record": each, "about": names.get(each.indicator), "change": one.CHANGES[each.revision_change]}
            for each in record.items.all()
        ],
        "comments": list(shown),
        "hidden": said.count() - shown.count(),
        "staff": staff,
        "stages": [(name, STAGES[name]) for name in stages],
        "indicators": list(names.values()),
        "changes": list(one.CHANGES.items()),
        "may_ask": record.open and user.has_perm("indicators.add_revisionitem"),
        "may_comment": record.open and user.has_perm("indicators.add_revisioncomment"),
        "day": today(request).isoformat(),
        "faults": faults,
    }
    return render(request, "indicators/revision.html", context, status=422 if faults else 200)


@require_http_methods(["GET", "POST"])
def conformity(request: HttpRequest) -> HttpResponse:
    """The 6 purposes by 12 issues of ISO 37101, each cell with its live evidence, its owners, gaps and maturity."""
    faults: dict[str, str] = {}
    if request.method == "POST":
        faults = acting.assess(request)
        if not faults:
            return _done(request)
    scheme = "iso37108" if request.GET.get("standard") == "iso37108" else "iso37101"
    found = judging.cells(request.city, scheme, today(request))
    issues = [
        {
            "key": issue,
            "words": words,
            "cells": [
                {"purpose": purpose, **found[purpose, issue], "owners": judging.owners_of(found[purpose, issue])}
                for purpose in judging.PURPOSES
            ],
            "unset": found["", issue]["entries"],
        }
        for issue, words in judging.ISSUES.items()
    ]
    filled = sum(bool(cell["entries"]) for row in issues for cell in row["cells"])
    context = {
        "purposes": list(judging.PURPOSES.items()),
        "issues": issues,
        "filled": filled,
        "gaps": len(judging.PURPOSES) * len(judging.ISSUES) - filled,
        "unanswered": [
            row["words"] for row in issues if not any(cell["entries"] for cell in row["cells"]) and not row["unset"]
        ],
        "scheme": scheme,
        "may": request.user.has_perm("indicators.add_maturity"),
        "levels": [str(level) for level in range(1, LEVELS + 1)],
        "faults": faults,
        "day": today(request).isoformat(),
    }
    return render(request, "indicators/conformity.html", context, status=422 if faults else 200)


def _done(request: HttpRequest) -> Any:
    telling.done(request, *KEPT)
    return redirect(request.get_full_path())
