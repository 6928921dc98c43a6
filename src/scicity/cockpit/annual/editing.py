"""The page where the office edits the template: a copy with versions, checked and previewed before it is kept."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from scicity.cockpit import telling
from scicity.cockpit.annual import closing
from scicity.cockpit.annual.models import ReportTemplate
from scicity.cockpit.annual.shown import shown
from scicity.cockpit.annual.views import LANGUAGES
from scicity.cockpit.templatetags.words import language
from scicity.reports.annual import files, making
from scicity.reports.annual.asking import CONDITIONS, WORDS, Fault
from scicity.reports.annual.template import LARGEST

ADD = "annual.add_reporttemplate"
SHOWN_VERSIONS = 30


@login_required
@require_http_methods(["GET", "POST"])
def template(request: HttpRequest, spoken: str) -> HttpResponse:
    """Shows the template in force or a version of it; checks, previews and keeps what is sent."""
    if spoken not in files.LANGUAGES:
        raise Http404(f"no template is of the language {spoken[:10]!r}")
    may = request.user.has_perm(ADD) and request.scope is None
    if request.method == "POST":
        if not may:
            raise PermissionDenied
        return _sent(request, spoken)
    text, name = _asked_for(request, spoken)
    return _page(request, spoken, text, name, may=may)


def _asked_for(request: HttpRequest, spoken: str) -> tuple[str, str]:
    """The version that is asked for, the district's file, or the template in force."""
    wanted = request.GET.get("version", "")
    if wanted == "file":
        return files.template_of(request.city.district.folder, spoken), "file"
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 9:
        found = ReportTemplate.objects.filter(language=spoken, number=int(wanted)).first()
        if found is None:
            raise Http404(f"there is no version {wanted}")
        return found.text, f"version {found.number}"
    return closing.template_in_force(request.city, spoken)


def _sent(request: HttpRequest, spoken: str) -> HttpResponse:
    text = request.POST.get("text", "").replace("\r\n", "\n")
    words = " ".join(request.POST.get("words", "").split())[:400]
    act = request.POST.get("act", "preview")
    year = _year(request)
    document, faults = making.tried(request.city, text[: LARGEST + 1], year, spoken)
    context: dict[str, Any] = {"faults": faults, "words": words, "checked": True, "preview_year": str(year)}
    if act not in ("draft", "in_force") or faults or not words:
        context["no_words"] = act in ("draft", "in_force") and not words
        context |= {"blocks": shown(document), "document": document}
        refused = act in ("draft", "in_force")
        return _page(request, spoken, text, "", may=True, status=422 if refused else 200, **context)
    try:
        kept = _kept(request, spoken, text, act, words)
    except (ValidationError, IntegrityError) as error:
        context["failed"] = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        return _page(request, spoken, text, "", may=True, status=422, **context)
    told = (f"已保存为第 {kept.number} 版", f"Kept as version {kept.number}")
    if act == "in_force":
        told = (f"第 {kept.number} 版已施行", f"Version {kept.number} is in force")
    telling.done(request, *told)
    return redirect("annual-template", spoken=spoken)


def _kept(request: HttpRequest, spoken: str, text: str, decision: str, words: str) -> ReportTemplate:
    with transaction.atomic():
        last = ReportTemplate.objects.filter(language=spoken).order_by("-number").first()
        number = last.number + 1 if last is not None else 1
        who = request.user.get_username()
        record = ReportTemplate(language=spoken, number=number, text=text, decision=decision, words=words, who=who)
        record.because = words
        record.save()
        return record


def _year(request: HttpRequest) -> int:
    """The year that the preview is of: the one that is asked for, else the newest with figures."""
    known = making.years_of(request.city)
    wanted = request.POST.get("year", request.GET.get("year", ""))
    if wanted in map(str, known):
        return int(wanted)
    return known[0] if known else 2000


def _page(
    request: HttpRequest, spoken: str, text: str, name: str, *, may: bool, status: int = 200, **more: Any
) -> HttpResponse:
    faults: list[Fault] = more.pop("faults", [])
    chinese = language() == "zh"
    lines = text.split("\n")
    told = [
        {
            "line": str(fault.line),
            "column": str(fault.column),
            "text": lines[fault.line - 1][:120] if 0 < fault.line <= len(lines) else "",
            "found": fault.found,
            "expected": fault.expected[not chinese],
            "remedy": fault.remedy[not chinese],
        }
        for fault in faults
    ]
    context = {
        "spoken": spoken,
        "languages": LANGUAGES,
        "text": text[: LARGEST + 1],
        "rows": str(min(max(len(lines) + 2, 18), 42)),
        "name": name,
        "may": may,
        "faults": told,
        "years": [str(year) for year in making.years_of(request.city)],
        "preview_year": str(_year(request)),
        "versions": ReportTemplate.objects.filter(language=spoken).order_by("-number")[:SHOWN_VERSIONS],
        "own_file": files.is_own(request.city.district.folder, spoken),
        "placeholders": [{"example": word.example, "said": (word.zh, word.en), "block": word.block} for word in WORDS.values()],
        "conditions": [{"example": example, "said": (zh, en)} for _, example, zh, en in CONDITIONS.values()],
    }
    return render(request, "annual/template.html", context | more, status=status)
