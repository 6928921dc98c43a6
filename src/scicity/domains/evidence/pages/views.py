"""The pages of evidence: thin, they ask the city and render."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def board(request: HttpRequest) -> HttpResponse:
    """The board: the zones and their area."""
    rows = request.city.rows("evidence.zone_area", ["zone", "area"], order=["zone"])
    return render(request, "evidence/board.html", {"rows": rows})
