"""The pages of layers: all of them, one with its editions and what was mended, and the difference of two editions."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.cockpit.space.rights import may_see, seen_of
from scicity.domains.layers.pages import asked
from scicity.space.register import Spec


def layers(request: HttpRequest) -> HttpResponse:
    """All layers that whoever asks may see, by theme: keeper, licence, how current."""
    now = datetime.now(UTC)
    found = []
    for spec in asked.specs(request.city).values():
        if not may_see(request, spec):
            continue
        editions = asked.editions_of(request.city, spec)
        newest = editions[0].at if editions else None
        found.append({"spec": spec, "theme": asked.theme_of(spec), "newest": newest, "duty": asked.duty(spec, newest, now)})
    found.sort(key=lambda each: (each["spec"].theme, each["spec"].layer))
    late = sum(each["duty"]["state"] == "late" for each in found)
    return render(request, "layers/layers.html", {"layers": found, "late": late})


def layer(request: HttpRequest, name: str) -> HttpResponse:
    """One layer: what is said of it, features by class, editions, what was mended when it was loaded."""
    spec = _seen(request, name)
    editions = asked.editions_of(request.city, spec)
    table = asked.rows(request.city, spec, seen_of(request))
    newest = editions[0].at if editions else None
    context = {
        "spec": spec,
        "theme": asked.theme_of(spec),
        "editions": editions,
        "features": table.num_rows,
        "classes": asked.by_class(table),
        "duty": asked.duty(spec, newest, datetime.now(UTC)),
        "newest": newest,
        "mended": asked.mended(request.city, spec.layer) if seen_of(request) is None or not spec.restricted_from else None,
    }
    return render(request, "layers/layer.html", context)


def difference(request: HttpRequest, name: str) -> HttpResponse:
    """What became otherwise between two editions of a layer."""
    spec = _seen(request, name)
    editions = {each.version: each for each in asked.editions_of(request.city, spec)}
    before, after = (_version(request, key, editions) for key in ("from", "to"))
    found = asked.difference(request.city, spec, seen_of(request), before.version, after.version)
    context = {"spec": spec, "before": before, "after": after, "difference": found}
    return render(request, "layers/difference.html", context)


def _seen(request: HttpRequest, name: str) -> Spec:
    spec = asked.specs(request.city).get(name)
    if spec is None or not may_see(request, spec):
        raise Http404(name)  # one that is not for whoever asks is not there
    return spec


def _version(request: HttpRequest, key: str, editions: dict[int, asked.Edition]) -> asked.Edition:
    told = request.GET.get(key, "")
    if not (told.isascii() and told.isdecimal() and len(told) < 10 and int(told) in editions):
        raise Http404(told)
    return editions[int(told)]
