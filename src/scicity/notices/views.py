"""The page of somebody's notices, with marks of what was read; for administrators also the letters that did not arrive."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from scicity.cockpit.roles import keeps_data
from scicity.notices.models import Notice
from scicity.notices.sending import again

SHOWN = 50  # notices of a page


@login_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Notices, newest first, `?before=NUMBER` for older ones; a `POST` marks one or all as read, or tries a letter again."""
    mine = Notice.objects.filter(person=request.user)
    if request.method == "POST":
        _act(request)
        return redirect("notices")
    before = _number(request.GET.get("before", ""))
    found = list((mine.filter(pk__lt=before) if before else mine).order_by("-pk")[: SHOWN + 1])
    told = {"notices": found[:SHOWN], "older": found[SHOWN - 1].pk if len(found) > SHOWN else None, "first": not before}
    if keeps_data(request):
        told["failing"] = Notice.objects.exclude(failure="").select_related("person").order_by("-pk")[:SHOWN]
    return render(request, "notices/mine.html", told)


@login_required
@require_GET
def opened(request: HttpRequest, number: int) -> HttpResponse:
    """Marks a notice as read and leads to the page that it is about."""
    found = Notice.objects.filter(pk=number, person=request.user).first() if number < 2**63 else None
    if found is None:
        raise Http404
    Notice.objects.filter(pk=found.pk, read_at=None).update(read_at=timezone.now())
    return redirect(found.about or "notices")


def _act(request: HttpRequest) -> None:
    act, number, now = request.POST.get("act", ""), _number(request.POST.get("notice", "")), timezone.now()
    mine = Notice.objects.filter(person=request.user)
    if act == "all":
        mine.filter(read_at=None).update(read_at=now)
    elif act == "read":
        mine.filter(pk=number, read_at=None).update(read_at=now)
    elif act == "unread":
        mine.filter(pk=number).update(read_at=None)
    elif act == "again" and keeps_data(request):
        failed = Notice.objects.filter(pk=number, state="failed").first()
        if failed:
            again(failed, now)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else 0
