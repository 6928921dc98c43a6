"""The pages of annual reports: the years, one year with its preview and its closing, and the files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from scicity.cockpit import audit, telling
from scicity.cockpit.accounts import address_of, throttled
from scicity.cockpit.annual import closing, jobs
from scicity.cockpit.annual.models import ReportClosing
from scicity.cockpit.annual.shown import shown
from scicity.cockpit.models import FailedLogin
from scicity.cockpit.scope import limited
from scicity.cockpit.templatetags.words import language
from scicity.opendata.public import domains_of
from scicity.reports import document as addresses
from scicity.reports.annual import files, making
from scicity.reports.annual.parts import Document

LANGUAGES = ({"language": "zh", "name": ("中文", "Chinese")}, {"language": "en", "name": ("英文", "English")})
FORMS = ({"form": "pdf", "name": "PDF"}, {"form": "docx", "name": "Word"}, {"form": "xlsx", "name": "Excel"})
LONGEST_REASON = 1_000
SHOWN_DIFFERENCES = 200
CLOSE = "annual.add_reportclosing"


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """The years, whether the report of each is closed, and its files."""
    closed = closing.closed_years()
    years = sorted({*making.years_of(request.city), *closed}, reverse=True)
    context = {
        "years": [{"year": str(year), "act": closed.get(year)} for year in years],
        "languages": _languages(),
        "forms": FORMS,
        "may_edit": request.user.is_authenticated,
        "acts": ReportClosing.objects.all()[:50] if request.user.is_authenticated else (),
        "broken": closing.broken(),
    }
    return render(request, "annual/overview.html", context)


@require_GET
def year(request: HttpRequest, year: int) -> HttpResponse:
    """The report of a year as a page: as it was closed with what changed since, or as it stands now."""
    act = closing.current(year)
    if act is None and year not in making.years_of(request.city):
        raise Http404(f"there is no report of {year}")
    own = _spoken(request)
    context: dict[str, Any] = {"year": str(year), "act": act, "languages": _languages(), "forms": FORMS, "spoken": own}
    if act is None:
        text, context["template"] = closing.template_in_force(request.city, own)
        found, context["faults"] = making.tried(request.city, text, year, own, _domains(request))
    else:
        audience = _audience(request)
        try:
            found = closing.document_of(act, own, audience, request.city.district.calendar.tz)
        except LookupError as error:
            return render(request, "annual/year.html", context | {"failed": str(error)}, status=500)
        differing = closing.differences(_seen(request, audience), act, own, audience)
        context |= {"differences": differing[:SHOWN_DIFFERENCES], "count": len(differing)}
        context["template"] = act.templates[own].rpartition(" ")[0]
    context |= {"document": found, "blocks": shown(found), "may_close": request.user.has_perm(CLOSE)}
    context["period_open"] = request.city.closings.closed().get(str(year)) is None
    return render(request, "annual/year.html", context)


@require_GET
def file(request: HttpRequest, year: int, spoken: str, form: str) -> HttpResponse:
    """The report of a year as a file. A browser that would wait for long is shown how far it is."""
    if spoken not in files.LANGUAGES or form not in files.FORMS:
        raise Http404(f"no report is called {spoken[:10]!r}.{form[:10]!r}")
    act = closing.current(year)
    city, audience = request.city, _audience(request)
    if act is None and year not in making.years_of(city):
        raise Http404(f"there is no report of {year}")
    try:
        address = addresses.address_of(city) or request.build_absolute_uri("/").rstrip("/")
        if act is None:
            found = closing.live(city, year, spoken, _domains(request))
        else:
            found = closing.document_of(act, spoken, audience, city.district.calendar.tz)
    except (making.Faulty, LookupError, addresses.NoAddress) as error:
        return render(request, "annual/waiting.html", {"year": str(year), "failed": str(error)}, status=503)
    return _made(request, found, form, address)


def _made(request: HttpRequest, found: Document, form: str, address: str) -> HttpResponse:
    """A document as a file, or the page that says how far it is."""
    city = request.city

    def make(job: jobs.Job) -> bytes:
        content = files.written(city, found, form, address)
        job.step = 2
        return content

    job = jobs.of((str(city.figures.lake.root), found.digest, found.standing, found.language, form, address), make)
    page = "text/html" in request.headers.get("Accept", "")
    job.done.wait(jobs.PATIENCE if page else None)
    if not job.done.is_set():
        context = {"year": str(found.year), "step": job.step, "steps": job.steps, "form": form}
        waiting = render(request, "annual/waiting.html", context, status=202)
        waiting.headers["Refresh"] = "1"
        return waiting
    if job.content is None:
        return render(request, "annual/waiting.html", {"year": str(found.year), "failed": str(job.error)}, status=503)
    name = files.name_of(city, found.year, found.language, form)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return HttpResponse(job.content, content_type=files.FORMS[form], headers=headers)


@sensitive_post_parameters("password")
@login_required
@require_POST
def act(request: HttpRequest, year: int) -> HttpResponse:
    """Closes or reopens the report of a year, signed with the password of whoever has the right."""
    if not request.user.has_perm(CLOSE) or request.scope is not None:
        raise PermissionDenied
    action, name = request.POST.get("action", "close"), request.user.get_username()
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    if throttled(request, name):
        telling.refused(request, "失败次数过多，请稍后再试。", "Too many failed tries; try again later.")
        return redirect("annual-year", year=year)
    if not request.user.check_password(request.POST.get("password", "")):
        FailedLogin.objects.create(username=name[:150], address=address_of(request))
        audit.write("report-not-signed", f"annual {year}", after={"action": action[:20]})
        telling.refused(request, "密码不对，未签署。", "The password is wrong; nothing was signed.")
        return redirect("annual-year", year=year)
    try:
        if action == "reopen":
            done = closing.reopen(year, name, reason, datetime.now(UTC))
        else:
            done = closing.close(request.city, year, name, reason, datetime.now(UTC))
    except closing.ReportRefused as refused:
        telling.refused(request, refused.zh, refused.en)
        return redirect("annual-year", year=year)
    audit.write(f"report-{done.action}", f"annual {year}", after={"act": done.pk, "reason": reason, "digest": done.digest})
    closed = done.action == "closed"
    zh, en = ("报告已关闭", "the report is closed") if closed else ("报告已重新打开", "the report is open again")
    telling.done(request, f"{year}：{zh}", f"{year}: {en}")
    return redirect("annual-year", year=year)


def _languages() -> list[dict[str, Any]]:
    own = language()
    return sorted(LANGUAGES, key=lambda each: each["language"] != own)


def _spoken(request: HttpRequest) -> str:
    asked = request.GET.get("language", "")
    return asked if asked in files.LANGUAGES else language()


def _domains(request: HttpRequest) -> Any:
    return None if request.user.is_authenticated else domains_of(request.city)


def _audience(request: HttpRequest) -> str:
    """Whose edition of a closed report is shown: who does not see all gets that of the public."""
    return closing.STAFF if request.user.is_authenticated and request.scope is None else closing.PUBLIC


def _seen(request: HttpRequest, audience: str) -> Any:
    """The city as the audience of a closed report sees it."""
    from scicity.cockpit.scope import stranger

    return request.city if audience == closing.STAFF else limited(request.city, stranger(request.city))
