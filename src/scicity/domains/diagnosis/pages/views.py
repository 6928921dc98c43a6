"""The pages of diagnosis: the ranked findings of a year, a building, and the measures with their proof."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.diagnosis.pages import asked, told


def overview(request: HttpRequest) -> HttpResponse:
    """A year: what is worth mending first, buildings against quotas and peers, and those that cannot be modelled."""
    city = request.city
    years = asked.years(city)
    if not years:
        return render(request, "diagnosis/overview.html", {"years": []})
    year = _year(request, years)
    peers = asked.peers(city, year)
    charts = [asked.peers_chart(city, entry["row"]) for entry in peers if entry["row"]["intensity_median"] is not None]
    context = {
        "years": [str(one) for one in reversed(years)],
        "year": year,
        "ranked": asked.ranked(city, year),
        "kinds": asked.kinds(city).values(),
        "quotas": asked.quotas(city, year),
        "peers": peers,
        "charts": [chart for chart in charts if chart],
        "places": asked.places(city, year),
        "unmodelled": asked.unmodelled(city, year),
        "limits": city.rows("diagnosis.rule", order=["rule"]),
    }
    return render(request, "diagnosis/overview.html", context)


def building(request: HttpRequest, building: str) -> HttpResponse:
    """One building: quota, peers, baseline, and its findings with the curve that shows one of them."""
    city = request.city
    row = asked.names(city).get(building)
    if row is None:
        raise Http404(f"no building is called {building[:60]!r}")
    models = asked.models(city, building)
    years = sorted({entry["row"]["year"] for entry in models})
    if not years:
        return render(request, "diagnosis/building.html", {"building": row, "models": []})
    year = _year(request, years)
    carriers = [key for key in told.CARRIERS if any(e["row"]["carrier"] == key and e["row"]["year"] == year for e in models)]
    carrier = request.GET.get("carrier", "")
    carrier = carrier if carrier in carriers else carriers[0] if carriers else ""
    findings = asked.findings(city, building, year)
    chosen = next((entry for entry in findings if entry["key"] == request.GET.get("finding")), None)
    quota = city.rows("diagnosis.quota_yearly", where={"building": building, "year": year})
    places = city.rows("diagnosis.intensity_place", where={"building": building, "carrier": carrier, "year": year})
    of_use = {"use": row["use"], "carrier": carrier, "year": year}
    spread = next(iter(city.rows("diagnosis.intensity_peers", where=of_use)), None)
    context = {
        "building": row,
        "models": models,
        "years": [str(one) for one in reversed(years)],
        "year": year,
        "carrier": carrier,
        "carriers": [(key, told.carrier(key)) for key in carriers],
        "quota": asked.quota_entry(quota[0], row) if quota else None,
        "place": next(iter(places), None),
        "peers": asked.peers_chart(city, spread, building) if spread else None,
        "expected": asked.months_chart(city, building, carrier, year),
        "parts": asked.parts(city, building, carrier, year),
        "findings": findings,
        "chosen": chosen,
        "proof": asked.proof(city, chosen["row"]) if chosen else None,
        "hours": asked.hours(city, chosen["row"]) if chosen else None,
    }
    return render(request, "diagnosis/building.html", context)


def measures(request: HttpRequest) -> HttpResponse:
    """The measures: what was promised, what is proved, and one of them by month."""
    city = request.city
    rows = asked.measures(city)
    wanted = request.GET.get("measure", "")
    shown = [entry for entry in rows if entry["saving"] and entry["saving"]["saved_energy"] is not None]
    chosen = next((entry for entry in rows if entry["row"]["measure"] == wanted), shown[0] if shown else None)
    charts = asked.saving_charts(city, chosen["row"]["measure"]) if chosen else []
    return render(request, "diagnosis/measures.html", {"measures": rows, "chosen": chosen, "charts": charts})


def _year(request: HttpRequest, years: list[int]) -> int:
    wanted = request.GET.get("year", "")
    return int(wanted) if wanted in map(str, years) else years[-1]
