"""What the shell of every page shows: names, navigation, language."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language

from scicity.cockpit import discovery
from scicity.cockpit.roles import keeps_data, reads_trail
from scicity.notices.reading import unread_of

BELOW = {"open-data": "reports"}  # pages that stand below an entry of another address


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context that every template has."""
    city = getattr(request, "city", None)
    if city is None:
        return {}
    language = "zh" if (get_language() or "zh").startswith("zh") else "en"
    first = request.path_info.split("/", 2)[1] or "overview"
    return {
        "city": city,
        "city_name": city.district.name(language),
        "navigation": discovery.navigation(),
        "menus": discovery.menus(),
        "here": BELOW.get(first, first),
        "live": str(request.live),
        "language": language,
        "keeps_data": lambda: keeps_data(request),
        "reads_trail": lambda: reads_trail(request),
        "unread_notices": unread_of(request.user),
        "html_language": "zh-Hans" if language == "zh" else "en",
    }
