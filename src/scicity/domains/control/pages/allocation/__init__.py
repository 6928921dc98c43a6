"""Scenarios of allocation side by side; one of them can be adopted as drafts of budgets."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from scicity.domains.control.methods.share import RULES
from scicity.domains.control.models import Budget
from scicity.domains.control.pages import asked

PAGE = {"zh": "预算分解", "en": "Allocation"}
KINDS = ("zone", "building")


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """What each zone or building would get of the district's budget by each rule; adopting one makes drafts."""
    city = request.city
    if request.method == "POST":
        if not request.user.has_perm("control.add_budget"):
            raise PermissionDenied
        _adopt(request)
        return redirect(request.get_full_path())
    found = {(row["year"], row["budget_measure"]) for row in city.rows("control.allocation", ["year", "budget_measure"])}
    if not found:
        return render(request, "control/allocation.html", {"choices": []})
    choices = sorted(found, key=lambda each: (-each[0], each[1]))
    wanted = request.GET.get("of", "")
    year, measure = next((each for each in choices if f"{each[0]}-{each[1]}" == wanted), choices[0])
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else KINDS[0]
    rows = city.rows("control.allocation", where={"year": year, "budget_measure": measure, "scope_kind": kind})
    names, measures = asked.names(city), asked.measures(city)
    by_scope: dict[str, dict[str, Any]] = {}
    for row in rows:
        by_scope.setdefault(row["scope"], {})[row["allocation_rule"]] = row
    rules = [rule for rule in RULES if any(rule in each for each in by_scope.values())]
    context = {
        "choices": [(f"{each[0]}-{each[1]}", f"{each[0]}", measures[each[1]]) for each in choices],
        "of": f"{year}-{measure}",
        "year": year,
        "budget_measure": measures[measure],
        "kind": kind,
        "kinds": [(each, asked.KINDS[each]) for each in KINDS],
        "rules": [(rule, asked.RULES[rule][:2], asked.RULES[rule][2:]) for rule in rules],
        "entries": [
            {
                "name": names.get((kind, scope)),
                "scope": scope,
                "first": next(iter(each.values())),
                "cells": [each.get(rule) for rule in rules],
            }
            for scope, each in sorted(by_scope.items())
        ],
        "whole": next(
            iter(
                city.rows("control.budget_in_force", where={"scope_kind": "district", "year": year, "budget_measure": measure})
            ),
            None,
        ),
        "may": request.user.has_perm("control.add_budget"),
    }
    return render(request, "control/allocation.html", context)


def _adopt(request: HttpRequest) -> None:
    """Keeps the shares of a rule as drafts; a budget that is in force or withdrawn already is left as it is."""
    chinese = request.LANGUAGE_CODE.startswith("zh")
    year, _, measure = request.POST.get("of", "")[:80].partition("-")
    rule, kind = request.POST.get("rule", "")[:40], request.POST.get("kind", "")[:40]
    reason = request.POST.get("reason", "").strip()[:900]
    rows = []
    if year.isascii() and year.isdecimal():
        where = {"year": int(year[:4]), "budget_measure": measure, "allocation_rule": rule, "scope_kind": kind}
        rows = [row for row in request.city.rows("control.allocation", where=where) if row["allocated"]]
    if not rows or not reason:
        messages.error(request, "请选择方案并写明理由。" if chinese else "Choose a scenario and give a reason.")
        return
    made = left = 0
    with transaction.atomic():
        for row in rows:
            key = {name: row[name] for name in ("scope_kind", "scope", "budget_measure", "year")}
            record = Budget.objects.filter(**key).first() or Budget(**key)
            if record.pk and (record.decision != "draft" or not request.user.has_perm("control.change_budget")):
                left += 1
                continue
            record.budget, record.decision = row["allocated"], "draft"
            record.reason, record.because = f"{rule}: {reason}", reason
            record.save()
            made += 1
    zh, en = f"已存为 {made} 份草案，{left} 份已定的预算未动。", f"{made} drafts kept; {left} budgets that were decided stay."
    messages.success(request, zh if chinese else en)
