"""Whether the cockpit answers."""

from django.http import HttpRequest, JsonResponse


def health(request: HttpRequest) -> JsonResponse:
    """Says which district is served; touches neither lake nor records."""
    return JsonResponse({"status": "ok", "district": request.city.district.slug}, headers={"Cache-Control": "no-store"})
