"""The language switch: keeps the page, and for a person the language of notices."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from scicity.cockpit.models import Person


def without_language(target: str) -> str:
    """An address of ours without the language that it names: the one just chosen holds."""
    parts = urlsplit(target)
    if "language=" not in parts.query:
        return target
    kept = "&".join(pair for pair in parts.query.split("&") if not pair.startswith("language="))
    return urlunsplit(parts._replace(query=kept))


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keeps the chosen language in a cookie and returns to the page that the choice was made on."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(without_language(target))
    if request.POST.get("language") in dict(settings.LANGUAGES):
        if request.user.is_authenticated:  # notices come in the language that was chosen last
            chosen = "zh" if request.POST["language"].startswith("zh") else "en"
            Person.objects.filter(pk=request.user.pk).update(language=chosen)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            request.POST["language"],
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        )
    return response
