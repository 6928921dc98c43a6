"""The form of a virtual meter: entered, changed and taken away by whoever has the right; an enterprise for itself alone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from scicity.cockpit import telling
from scicity.domains.energy.entered import COLUMNS, in_force, virtuals_of
from scicity.domains.energy.methods import rights
from scicity.domains.energy.methods.trees import labels_of, moment_of
from scicity.domains.energy.models import VirtualMeter
from scicity.domains.energy.pages import asked
from scicity.domains.energy.virtual import CARRIERS

TEXTS = ("meter", "name_zh", "name_en", "meter_formula", "carrier", "building", "enterprise")
DAYS = ("valid_from", "valid_to")
REASON = "reason"
LONGEST = 2_001  # characters: one more than a formula may have
FOR_ALL = ("administrator", "officer", "leader")  # roles that are about the whole district
WRONG = {
    "key-twice": "登记表已有此编号 · the registers have a meter of this name",
    "reference": "没有这块表 · no such meter",
    "formula-rights": "不是该企业在整个时段内的表 · not a meter of the enterprise for the whole time",
    "circle": "公式绕回自身 · a formula leads back to itself",
}
NOT_YOURS = "不是本企业在整个时段内的表 · not a meter of yours for the whole time"


@login_required
@require_http_methods(["GET", "POST"])
def virtual(request: HttpRequest, record: int | None = None) -> HttpResponse:
    """Shows the form, empty or as the record is, and keeps what is sent, or takes the record away."""
    kept = None if record is None else get_object_or_404(VirtualMeter, pk=record)
    own = own_of(request)
    if not request.user.has_perm(f"energy.{'add' if kept is None else 'change'}_virtualmeter"):
        raise PermissionDenied
    if kept is not None and own is not None and kept.enterprise != own:
        raise Http404
    if request.method != "POST":
        return _form(request, _shown(request, kept), {}, kept)
    if kept is not None and "delete" in request.POST:
        return _taken_away(request, kept)
    sent = {name: request.POST.get(name, "").strip()[:LONGEST] for name in (*TEXTS, *DAYS, REASON)}
    if own is not None:
        sent["enterprise"] = own
    faults = _keep(request, sent, kept or VirtualMeter(), own)
    if faults:
        return _form(request, sent, faults, kept, status=422)
    _told(request, "已保存；指标值数秒后更新。", "Kept; figures follow within seconds.")
    return redirect("energy:virtuals")


def own_of(request: HttpRequest) -> str | None:
    """The enterprise for which alone somebody may enter; None for all. Raises PermissionDenied for one who has none."""
    person = request.user
    if person.is_superuser or person.groups.filter(name__in=FOR_ALL).exists():
        return None
    if not person.enterprise:
        raise PermissionDenied
    return str(person.enterprise)


def seen(request: HttpRequest) -> list[VirtualMeter]:
    """The records that whoever asks may see: all, or those of the own enterprise."""
    if not request.user.has_perm("energy.view_virtualmeter"):
        return []
    own, found = own_of(request), VirtualMeter.objects.all()
    return list(found if own is None else found.filter(enterprise=own))


def _taken_away(request: HttpRequest, kept: VirtualMeter) -> HttpResponse:
    if not request.user.has_perm("energy.delete_virtualmeter"):
        raise PermissionDenied
    kept.because = request.POST.get(REASON, "").strip()[:LONGEST]
    kept.delete()
    _told(request, "已删除；审计中有记录。", "Taken away; the audit trail has it.")
    return redirect("energy:virtuals")


def _keep(request: HttpRequest, sent: dict[str, str], record: VirtualMeter, own: str | None) -> dict[str, str]:
    """Keeps what was sent; what is wrong with it, by field, where it cannot be kept."""
    city, faults = request.whole_city, dict[str, str]()
    for name in TEXTS:
        setattr(record, name, sent[name])
    for name in DAYS:
        try:
            setattr(record, name, _begin(city, sent[name]) if sent[name] else None)
        except ValueError:
            faults[name] = "应为日期 · a date"
    for name, table in (("building", "buildings.building"), ("enterprise", "buildings.enterprise")):
        if sent[name] and not city.rows(table, [name], where={name: sent[name]}):
            faults[name] = "登记表中没有 · not in the registers"
    if not sent[REASON]:
        faults[REASON] = "必填 · needed"
    record.because = sent[REASON]
    with transaction.atomic():
        try:
            record.full_clean()
        except ValidationError as error:
            faults = {name: " ".join(told) for name, told in error.message_dict.items()} | faults
        if not faults:
            faults |= wrong_with(city, record, own)
        if not faults:
            record.save()
    return faults


def wrong_with(city: Any, record: VirtualMeter, own: str | None) -> dict[str, str]:
    """What a formula may not name, by field. Whoever enters for one enterprise does not learn which meters others have."""
    registered = [dict(row) for row in city.rows("energy.virtual_meter", COLUMNS)]
    meters = [dict(row) for row in city.rows("energy.meter", ["meter", "parent", "role"])]
    members = [dict(row) for row in city.rows("energy.membership", ["meter", "enterprise", "valid_from", "valid_to"])]
    others = [each.row(COLUMNS) for each in VirtualMeter.objects.exclude(pk=record.pk)]
    rows = [*registered, *in_force(registered, others, meters, members), record.row(COLUMNS)]
    if record.meter in {row["meter"] for row in registered}:
        return {"meter": WRONG["key-twice"]}
    faults = rights.faults(virtuals_of(rows), meters, labels_of(members, "enterprise"))
    mine = [fault for fault in faults if fault.row == len(rows) - 1]
    for fault in mine:
        if own is not None and fault.code in ("reference", "formula-rights"):  # nor which of theirs a circle leads through
            return {fault.field: f"{fault.found}: {NOT_YOURS}"}
    told = mine or [fault for fault in faults if fault.code == "circle"]
    return {fault.field: f"{fault.found}: {WRONG.get(fault.code, fault.expected)}" for fault in told}


def _begin(city: Any, text: str) -> datetime:
    """The first instant of a local day."""
    return moment_of(int(city.district.calendar.instant(date.fromisoformat(text))))


def _shown(request: HttpRequest, kept: VirtualMeter | None) -> dict[str, str]:
    if kept is None:
        return dict.fromkeys((*TEXTS, *DAYS, REASON), "")
    tz = request.city.district.calendar.tz
    days = {name: "" if (at := getattr(kept, name)) is None else at.astimezone(tz).date().isoformat() for name in DAYS}
    return {name: getattr(kept, name) for name in TEXTS} | days | {REASON: ""}


def _form(
    request: HttpRequest, values: dict[str, str], faults: dict[str, str], kept: VirtualMeter | None, status: int = 200
) -> HttpResponse:
    own = own_of(request)
    enterprises = request.city.rows("buildings.enterprise", where=None if own is None else {"enterprise": own})
    context = {
        "values": values,
        "faults": faults,
        "kept": kept,
        "carriers": [(each, asked.carrier_name(each)) for each in CARRIERS],
        "buildings": request.city.rows("buildings.building", order=["building"]),
        "enterprises": enterprises,
        "own": own,
        "may_delete": kept is not None and request.user.has_perm("energy.delete_virtualmeter"),
    }
    return render(request, "energy/entering.html", context, status=status)


def _told(request: HttpRequest, zh: str, en: str) -> None:
    telling.done(request, zh, en)
