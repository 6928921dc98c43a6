"""Login, logout and password: Django's own views, with guessing slowed down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils import timezone

from scicity.cockpit.models import FailedLogin


def _recent(**which: str) -> int:
    since = timezone.now() - timedelta(minutes=settings.FAILED_LOGINS_MINUTES)
    return FailedLogin.objects.filter(at__gte=since, **which).count()


def address_of(request: HttpRequest) -> str:
    """The address that a request came from; a proxy's word for it is not taken."""
    return str(request.META.get("REMOTE_ADDR", ""))[:64]


def throttled(request: HttpRequest, username: str) -> bool:
    """Whether too many logins failed of late, of this name from this address, or of any name from it."""
    allowed, address = settings.FAILED_LOGINS_ALLOWED, address_of(request)
    return _recent(username=username, address=address) >= allowed or _recent(address=address) >= 4 * allowed


class Login(LoginView):
    """The login; after too many failures it answers 429 without looking at the password."""

    template_name = "cockpit/accounts/login.html"
    authentication_form = AuthenticationForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Takes name and password."""
        username = request.POST.get("username", "")[:150]
        if throttled(request, username):
            response = self.render_to_response(self.get_context_data(form=AuthenticationForm(request), throttled=True))
            response.status_code = 429
            response["Retry-After"] = str(settings.FAILED_LOGINS_MINUTES * 60)
            return response
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Writes the failure down."""
        username = self.request.POST.get("username", "")[:150]
        FailedLogin.objects.create(username=username, address=address_of(self.request))
        stale = timezone.now() - timedelta(days=30)
        FailedLogin.objects.filter(at__lt=stale).delete()
        return super().form_invalid(form)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Lets in, and forgets the failures of this name from this address."""
        FailedLogin.objects.filter(username=form.get_user().get_username(), address=address_of(self.request)).delete()
        return super().form_valid(form)


class Logout(LogoutView):
    """The logout, by POST."""


class PasswordChange(PasswordChangeView):
    """The change of one's own password; lifts the duty to change a one-time password."""

    template_name = "cockpit/accounts/password.html"
    success_url = reverse_lazy("overview")

    def form_valid(self, form: Any) -> HttpResponse:
        """Saves, and keeps this session."""
        form.user.must_change_password = False
        return super().form_valid(form)
