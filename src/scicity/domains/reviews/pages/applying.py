"""A new application: a project, registered or entered here, and the process it goes through."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from scicity.domains.reviews.models import Case, Project
from scicity.domains.reviews.pages import acting
from scicity.domains.reviews.pages.desk import Desk, NotDone

FIELDS = ("project", "process", "applicant_name", "parcel", "name_zh", "name_en", "use", "floor_area")
LONGEST = 200


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Shows the form, and opens the case that is sent."""
    if not request.user.has_perm("reviews.add_case"):
        raise PermissionDenied
    desk = Desk.of(request.city)
    sent = {name: request.POST.get(name, request.GET.get(name, "")).strip()[:LONGEST] for name in FIELDS}
    refusal = None
    if request.method == "POST":
        try:
            with transaction.atomic():
                project = sent["project"] or _enter(desk, sent)
                opened = acting.open_case(desk, request.user, project, sent["process"], sent["applicant_name"])
            return redirect("reviews:case", number=opened.review_case)
        except NotDone as error:
            refusal = error
    busy = set(Case.objects.filter(case_state="open").values_list("project", flat=True))
    context = {
        "values": sent,
        "refusal": refusal,
        "projects": [row for key, row in sorted(desk.projects.items()) if key not in busy],
        "parcels": [row for _, row in sorted(desk.parcels.items())],
        "processes": [(key, (told.name_zh, told.name_en)) for key, (told, _) in sorted(desk.processes().items())],
    }
    return render(request, "reviews/new.html", context, status=422 if refusal else 200)


def _enter(desk: Desk, sent: dict[str, str]) -> str:
    """Keeps a project that the register does not hold, and tells the desk of it; its key. Raises NotDone."""
    if sent["parcel"] not in desk.parcels:
        found = sent["parcel"][:60]
        raise NotDone("请选择项目，或填写新项目的地块", f"found parcel {found!r}; expected one of the registers", "parcel")
    if not sent["name_zh"] or not sent["name_en"]:
        raise NotDone("请填写项目的中英文名称", "the project has a name in Chinese and in English", "name_zh")
    area = None
    if sent["floor_area"]:
        try:
            area = float(sent["floor_area"].replace(",", ""))
        except ValueError:
            area = float("nan")
        if not 0 <= area <= 1e8:
            raise NotDone("建筑面积应为数字", f"found {sent['floor_area'][:40]!r}; expected a number of m²", "floor_area")
    key = f"e-{(Project.objects.order_by('-pk').values_list('pk', flat=True).first() or 0) + 1:05d}"
    told = {name: sent[name] for name in ("parcel", "name_zh", "name_en", "use")}
    record = Project(project=key, floor_area=area, **told)
    try:
        record.save()
    except ValidationError as error:
        raise NotDone(*("; ".join(error.messages),) * 2) from None
    row: dict[str, Any] = {"project": key, "building": None, **told}
    desk.projects[key] = row  # type: ignore[index]
    return key
