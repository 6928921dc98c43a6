"""The pages of planning: plans and targets, a plan, conflicts, a conflict, accounts of land."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from scicity.domains.planning.pages import acting, asked, map, words


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The plans and studies of the register with how many there are, and the targets that are late or not observed."""
    city = request.city
    known = asked.plans(city)
    context = {
        "plans": [_told(row) for row in known.values()],
        "kinds": asked.kinds(city),
        "counts": asked.counts(city),
        "said": asked.said(city, "plan_and_study_count"),
        "targets": asked.targets(city, asked.today(city)),
        "known": known,
        "today": asked.today(city),
    }
    return render(request, "planning/overview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: HttpRequest, plan: str) -> HttpResponse:
    """A plan: what it is, its targets with what was observed, and what it disagrees with; whoever may enters an observation."""
    city = request.city
    row = asked.plans(city).get(plan)
    if row is None:
        raise Http404(f"no plan is called {plan[:60]!r}")
    targets = asked.targets(city, asked.today(city), plan)
    faults: dict[str, str] = {}
    if request.method == "POST":
        faults = acting.observe(request, plan, {each["about"]["plan_target"] for each in targets})
        if not faults:
            _say(request, "已保存；数秒后更新。", "Kept; figures follow within seconds.")
            return redirect("planning:plan", plan=plan)
    context = {
        "row": row,
        "about": _told(row),
        "kind": asked.kinds(city).get(row["plan_kind"]),
        "targets": targets,
        "comparisons": asked.comparisons(city, plan),
        "may": request.user.has_perm("planning.add_observation"),
        "faults": faults,
        "sent": request.POST,
    }
    return render(request, "planning/plan.html", context, status=422 if faults else 200)


@require_safe
def conflicts(request: HttpRequest) -> HttpResponse:
    """Where plans contradict each other or a control line: totals that add up, the largest conflicts, and where they are."""
    city = request.city
    chosen = {name: request.GET.get(name, "")[:160] for name in ("plan", "against", "piece_kind", "state", "zone")}
    if "piece_kind" not in request.GET:
        chosen["piece_kind"] = "conflict"
    entries, found = asked.conflicts(city, chosen)
    comparisons = asked.comparisons(city)
    context = {
        "chosen": chosen,
        "entries": entries,
        "found": found,
        "more": max(0, found - len(entries)),
        "comparisons": comparisons,
        "plans": {each["row"]["plan"]: each["plan"] for each in comparisons},
        "others": {each["row"]["against"]: each["other"] for each in comparisons},
        "zones": city.rows("district.zone"),
        "pieces": words.PIECES.items(),
        "states": words.STATES.items(),
        "thresholds": city.rows("planning.threshold") + city.rows("planning.own_threshold"),
        "lines": [(row, words.CONTROL[row["control_kind"]]) for row in asked.lines(city).values()],
        "map": map_of("conflicts"),
    }
    return render(request, "planning/conflicts.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def conflict(request: HttpRequest, conflict: str) -> HttpResponse:
    """One conflict: both sides, how large, what goes first and why, and what was decided; whoever may decides."""
    city = request.city
    row = next(iter(city.rows("planning.conflict", where={"conflict": conflict})), None)
    standing = next(iter(city.rows("planning.conflict_state", where={"conflict": conflict})), None)
    if row is None and standing is None:
        raise Http404(f"no conflict is called {conflict[:60]!r}")
    faults: dict[str, str] = {}
    if request.method == "POST":
        faults = acting.decide(request, row or standing)
        if not faults:
            _say(request, "已记录；数秒后更新。", "Recorded; figures follow within seconds.")
            return redirect("planning:conflict", conflict=conflict)
    done = acting.history(conflict)
    before = acting.history(standing["carried_from"]) if standing and standing["carried_from"] else []
    known, rules = asked.plans(city), asked.lines(city)
    about = row or standing
    line = rules.get(about["against"].removeprefix(asked.LINE)) if about["against"].startswith(asked.LINE) else None
    states = {conflict: standing} if standing else {}
    context = {
        "row": row,
        "about": about,
        "conflict": conflict,
        "entry": asked.entry(row, known, rules, asked.uses(city), states) if row else None,
        "other": asked.other(about, known, rules),
        "plan": known.get(about["plan"]),
        "other_plan": known.get(about["against"]),
        "kinds": asked.kinds(city),
        "line": line,
        "control": words.CONTROL[line["control_kind"]] if line else None,
        "standing": standing,
        "state": words.word(words.STATES, standing["conflict_state"] if standing else "open"),
        "done": [(act, words.ACTS[act.resolution_act]) for act in [*before, *done]],
        "acts": [(each, words.ACTS[each]) for each in acting.next_acts(done or before)],
        "may": request.user.has_perm("planning.add_resolution"),
        "faults": faults,
        "sent": request.POST,
        "map": map_of("conflicts", fit=""),
        "place": [map.feature(row, known, rules, "zh" if request.LANGUAGE_CODE.startswith("zh") else "en")] if row else [],
    }
    return render(request, "planning/conflict.html", context, status=422 if faults else 200)


@require_safe
def land(request: HttpRequest) -> HttpResponse:
    """The accounts of land on a day: uses by zone, what makes them whole, blue-green space, the strategic reserve; and over
    time."""
    city = request.city
    days = asked.days(city)
    chosen = asked.day_of(days, request.GET.get("day", "")[:10], asked.today(city))
    if chosen is None:
        return render(request, "planning/land.html", {"days": []})
    day = chosen["day"]
    zones, rows = asked.land_rows(city, day)
    green = ("蓝绿空间占比", "Share of blue-green space"), "%"
    reserve = ("战略留白启用比例", "Share of the strategic reserve that was used"), "%"
    charts = [
        asked.over_time(city, "planning.blue_green_account", "blue_green_share", *green),
        asked.over_time(city, "planning.reserve_account", "reserve_used_share", *reserve),
    ]
    context = {
        "days": days,
        "chosen": chosen,
        "zones": zones,
        "rows": rows,
        "balance": asked.by_zone(city, "planning.account_balance", day),
        "blue_green": asked.by_zone(city, "planning.blue_green_account", day),
        "reserve": asked.by_zone(city, "planning.reserve_account", day),
        "reserve_use": asked.by_zone(city, "planning.reserve_use", day),
        "uses": asked.uses(city),
        "said": asked.said(city, "blue_green_space_share"),
        "charts": [chart for chart in charts if chart],
    }
    return render(request, "planning/land.html", context)


def map_of(*names: str, fit: str = "zones") -> dict[str, Any]:
    """What the map of a page is told: the zones, and layers of this domain."""
    from scicity.cockpit.templatetags.words import language

    told = "zh" if language() == "zh" else "en"
    brought = [
        {
            "name": f"planning.{name}",
            "url": reverse("map-points", args=[f"planning.{name}"]),
            "kind": "area",
            "label": map.LAYERS[name][0 if told == "zh" else 1],
        }
        for name in names
    ]
    zones = {
        "name": "zones",
        "url": reverse("map-layer", args=["zones"]),
        "kind": "area",
        "label": ("分区", "Zones")[told != "zh"],
    }
    return {"layers": [zones, *brought], "fit": fit, "language": told}


def _told(row: Any) -> dict[str, Any]:
    return {
        "row": row,
        "status": words.word(words.STATUSES, row["plan_status"]),
        "level": words.word(words.LEVELS, row["plan_level"]),
        "binding": words.word(words.BINDINGS, row["plan_binding"]),
    }


def _say(request: HttpRequest, zh: str, en: str) -> None:
    messages.success(request, zh if request.LANGUAGE_CODE.startswith("zh") else en)
