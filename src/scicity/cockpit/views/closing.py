"""The page of closed periods: who closed which, and what is known otherwise by now; closing and reopening are signed."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from scicity.closing import ClosingRefused
from scicity.cockpit import audit, telling
from scicity.cockpit.accounts import address_of, throttled
from scicity.cockpit.models import FailedLogin
from scicity.cockpit.roles import keeps_data

SHOWN_CORRECTIONS = 200  # of a period
LONGEST_REASON = 1_000  # characters


@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The closed periods with their corrections, and all acts; whoever keeps the data closes and reopens, by password."""
    closings = request.city.closings
    if request.method == "POST":
        if not keeps_data(request):
            raise PermissionDenied
        _act(request)
        return redirect("closing")
    periods = []
    for act in sorted(closings.closed().values(), key=lambda each: each.period, reverse=True):
        standing = sorted(closings.standing(act).values(), key=lambda each: (each.table, each.address))
        periods.append({"act": act, "count": len(standing), "shown": standing[:SHOWN_CORRECTIONS]})
    context = {"periods": periods, "acts": list(reversed(closings.acts())), "broken": closings.broken()}
    return render(request, "cockpit/closing.html", context)


def _act(request: HttpRequest) -> None:
    action, period = request.POST.get("action", ""), request.POST.get("period", "").strip()[:10]
    reason, name = request.POST.get("reason", "").strip()[:LONGEST_REASON], request.user.get_username()
    if throttled(request, name):
        telling.refused(request, "失败次数过多，请稍后再试。", "Too many failed tries; try again later.")
        return
    if not request.user.check_password(request.POST.get("password", "")):
        FailedLogin.objects.create(username=name[:150], address=address_of(request))
        audit.write("closing-not-signed", period, after={"action": action[:20]})
        telling.refused(request, "密码不对，未签署。", "The password is wrong; nothing was signed.")
        return
    closings, lake = request.city.closings, request.city.figures.lake
    try:
        with lake.alone():
            done = (closings.reopen if action == "reopen" else closings.close)(period, name, reason, datetime.now(UTC))
    except ClosingRefused as refused:
        telling.refused(request, refused.zh, refused.en)
        return
    audit.write(f"period-{done.action}", period, after={"act": done.number, "reason": reason, "digest": done.digest})
    zh, en = ("已关账", "closed") if done.action == "closed" else ("已重新开账", "reopened")
    telling.done(request, f"{period} {zh}", f"{period} {en}")
