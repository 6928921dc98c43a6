"""The set-points of stations as JSON, in advisory mode: what a plan would have each unit do, never a command."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router
from ninja.errors import HttpError

from scicity.domains.optimisation.replanning import CannotPlan, replanned

router = Router()


@router.get("/advice/{station}", summary="Set-points of a station for the next day, advisory")
def advice(request: HttpRequest, station: str) -> dict[str, Any]:
    """The plan of a station from the newest hour that is known on: 96 quarter-hours."""
    city: Any = request.city  # type: ignore[attr-defined]
    try:
        return replanned(city.figures, city.district.calendar, station).document()
    except (CannotPlan, LookupError) as why:
        raise HttpError(404, str(why)) from None
