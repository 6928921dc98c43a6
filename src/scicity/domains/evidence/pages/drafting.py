"""The page that checks a draft: uploaded, checked, shown; kept only where somebody wants it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from scicity.domains.evidence.models import Draft
from scicity.domains.evidence.pages import asked, drafts
from scicity.kernel.problems import Problems

MOST_SHOWN = 200
EXAMPLE = (
    "subject_zh,measure_en,comparator,value,value_high,unit,value_reported,unit_reported,stated_period,baseline_period,"
    "quote_zh,status"
)


@login_required
@require_http_methods(["GET", "POST"])
def draft(request: HttpRequest) -> HttpResponse:
    """Shows the form, and what was found in the statements that were sent."""
    context: dict[str, Any] = {"example": EXAMPLE, "may": request.user.has_perm("evidence.add_draft")}
    if context["may"]:
        context["drafts"] = list(Draft.objects.defer("content", "text")[:50])
    if request.method == "GET":
        return render(request, "evidence/draft.html", context)
    problems = Problems()
    raw, text = _sent(request, "statements", problems), _sent(request, "text", problems)
    if not raw and not len(problems):
        problems.add("file-missing", "statements", found="", expected="a CSV file of statements")
    checked = None if len(problems) else _checked(request, raw, text, problems)
    if checked is None:
        return render(request, "evidence/draft.html", {**context, "problems": list(problems)}, status=422)
    if request.POST.get("keep") == "1":
        if not context["may"]:
            raise PermissionDenied
        record = Draft(
            name=request.POST.get("name", "").strip()[:120] or "—",
            content=raw.decode("utf-8-sig"),
            text=text.decode("utf-8-sig"),
            who=request.user.get_username(),
        )
        try:
            record.save()
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            return redirect("evidence:kept", number=record.pk)
    return render(request, "evidence/draft.html", {**context, **told(request, checked)})


@login_required
@require_http_methods(["GET", "POST"])
def kept(request: HttpRequest, number: int) -> HttpResponse:
    """A draft that was kept, checked anew by the rules as they are now; it can be thrown away."""
    if not request.user.has_perm("evidence.view_draft"):
        raise PermissionDenied
    record = get_object_or_404(Draft, pk=number)
    if request.method == "POST":
        if not request.user.has_perm("evidence.delete_draft"):
            raise PermissionDenied
        record.delete()
        return redirect("evidence:draft")
    problems = Problems()
    checked = _checked(request, record.content.encode(), record.text.encode(), problems)
    context: dict[str, Any] = {"example": EXAMPLE, "may": True, "record": record, "problems": list(problems)}
    return render(request, "evidence/draft.html", {**context, **(told(request, checked) if checked else {})})


def _sent(request: HttpRequest, name: str, problems: Problems) -> bytes:
    file = request.FILES.get(name)
    if file is None:
        return b""
    if (file.size or 0) > drafts.LARGEST:
        problems.add("too-large", name, found=f"{file.size} bytes", expected=f"at most {drafts.LARGEST} bytes")
        return b""
    return bytes(file.read(drafts.LARGEST + 1))


def _checked(request: HttpRequest, raw: bytes, text: bytes, problems: Problems) -> drafts.Checked | None:
    city = request.city
    declared = city.figures.catalog["indicators.statement"]
    return drafts.check_draft(raw, text, declared, city.rows, city.district.calendar, problems)


def told(request: HttpRequest, checked: drafts.Checked) -> dict[str, Any]:
    """What a page says of a draft that was checked."""
    statements = {row["claim_id"]: row for row in checked.statements}
    checks = {row["rule"]: row for row in request.city.rows("evidence.check")}
    groups = checked.by_finding()
    return {
        "checked": len(checked.statements),
        "all": len(groups),
        "more": max(0, len(groups) - MOST_SHOWN),
        "entries": [asked.entry(rows[0], rows, statements, {}, checks) for rows in groups[:MOST_SHOWN]],
    }
