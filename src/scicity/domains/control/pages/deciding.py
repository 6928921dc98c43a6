"""The form of a budget: entered, put in force, changed with a reason, withdrawn; by whoever has the right."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from scicity.cockpit import telling
from scicity.domains.control.models import DECISIONS, Budget
from scicity.domains.control.pages import asked

KEY = ("scope_kind", "scope", "budget_measure", "year")
FIELDS = (*KEY, "budget", "monthly_shares", "reason", "decision")
LONGEST = 1_000


@login_required
@require_http_methods(["GET", "POST"])
def budget(request: HttpRequest) -> HttpResponse:
    """Shows the form of a budget, empty or as the key in the query has it, and keeps what is sent."""
    if not request.user.has_perm("control.add_budget"):
        raise PermissionDenied
    sent = {name: request.POST.get(name, "").strip()[:LONGEST] for name in FIELDS}
    sent["scope_kind"], _, sent["scope"] = request.POST.get("subject", "").strip()[:LONGEST].partition("/")
    if request.method == "POST":
        faults = _keep(request, sent)
        if not faults:
            told = ("已保存；指标值数秒后更新。", "Kept; figures follow within seconds.")
            telling.done(request, *told)
            return redirect("control:scope", kind=sent["scope_kind"], scope=sent["scope"])
        return _form(request, sent, faults, status=422)
    asked_for = {name: request.GET.get(name, "").strip()[:LONGEST] for name in KEY}
    return _form(request, {**dict.fromkeys(FIELDS, ""), **asked_for, **_known(request, asked_for)}, {})


def kept(key: dict[str, Any]) -> Budget | None:
    """The record of a key, if there is one."""
    if not str(key["year"]).isascii() or not str(key["year"]).isdecimal() or len(str(key["year"])) > 4:
        return None
    return Budget.objects.filter(**{**key, "year": int(key["year"])}).first()


def _known(request: HttpRequest, key: dict[str, str]) -> dict[str, str]:
    """What is recorded or registered under a key already, as the form shows it."""
    record = kept(key)
    if record is not None:
        found = {name: getattr(record, name) for name in FIELDS[len(KEY) :]}
        return {name: _plain(value) if isinstance(value, Decimal) else str(value) for name, value in found.items()}
    if not key["year"].isascii() or not key["year"].isdecimal():
        return {}
    rows = request.city.rows("control.budget_in_force", where={**key, "year": int(key["year"][:4])})
    return {"budget": _plain(rows[0]["budget"]), "monthly_shares": rows[0]["monthly_shares"] or ""} if rows else {}


def _keep(request: HttpRequest, sent: dict[str, str]) -> dict[str, str]:
    """Keeps what was sent; what is wrong with it, by field, where it cannot be kept."""
    faults = {}
    names = asked.names(request.city)
    if (sent["scope_kind"], sent["scope"]) not in names:
        faults["scope"] = "登记表中没有这个主体 · the registers have no such scope"
    if sent["budget_measure"] not in asked.measures(request.city):
        faults["budget_measure"] = "没有这个指标 · no such measure"
    with transaction.atomic():
        record = kept({name: sent[name] for name in KEY}) if not faults else None
        if record is not None and not request.user.has_perm("control.change_budget"):
            raise PermissionDenied
        record = record or Budget()
        for name in (*KEY, "monthly_shares", "reason", "decision"):
            setattr(record, name, sent[name])
        try:
            record.budget = Decimal(sent["budget"].replace(",", ""))
        except InvalidOperation:
            record.budget = Decimal("NaN")
        if not record.budget.is_finite():
            faults["budget"] = "应为数字 · a number"
        record.because = sent["reason"]
        if not faults:
            try:
                record.save()
            except ValidationError as error:
                faults |= {name: " ".join(told) for name, told in error.message_dict.items()}
    return faults


def _form(request: HttpRequest, values: dict[str, str], faults: dict[str, str], status: int = 200) -> HttpResponse:
    names = asked.names(request.city)
    context = {
        "values": values,
        "faults": faults,
        "holders": [
            {"kind": kind, "words": words, "rows": [(key[1], row) for key, row in names.items() if key[0] == kind]}
            for kind, words in asked.KINDS.items()
        ],
        "measures": list(asked.measures(request.city).values()),
        "decisions": [(each, WORDS[each]) for each in DECISIONS],
    }
    return render(request, "control/budget.html", context, status=status)


WORDS = {"draft": ("草案", "draft"), "in_force": ("施行", "in force"), "withdrawn": ("撤销", "withdrawn")}


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
