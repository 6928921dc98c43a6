"""The ledger of exchange: who took which layer, in which edition, by which way, under which agreement.

That somebody took a layer is kept before the first feature goes out; how often and how many is kept some seconds later.
"""

from __future__ import annotations

import atexit
import csv
import logging
import threading
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.db import close_old_connections
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from scicity.cockpit.ogc.asking import parameters
from scicity.cockpit.ogc.door import Refused, door
from scicity.cockpit.ogc.models import Taking
from scicity.cockpit.ogc.serving import Collection, collection
from scicity.cockpit.roles import keeps_data, reads_trail
from scicity.cockpit.space.specs import specs
from scicity.kernel.problems import shown

PAUSE = 5.0  # [s] in which takings are counted before they are kept
MOST_ROWS = 500  # of a page
WAYS = {
    "read": ("逐页读取", "read by pages"),
    "gpkg": ("GeoPackage", "GeoPackage"),
    "geojsonl": ("GeoJSON 序列", "sequence of GeoJSON"),
    "tiles": ("矢量瓦片", "vector tiles"),
    "selection": ("地图选区导出", "selection on the map"),
}
HEAD = (
    "layer",
    "day",
    "person",
    "roles",
    "way",
    "edition",
    "agreement_no",
    "licence",
    "times",
    "features",
    "first_at",
    "last_at",
)
log = logging.getLogger(__name__)
Key = tuple[str, date, str, str, int, str, str]
_counted: dict[Key, list[Any]] = {}  # times, features, last
_known: set[Key] = set()
_lock = threading.Lock()
_waiting: list[threading.Timer] = []


def read(request: HttpRequest, found: Collection, features: int, way: str = "read", times: int = 1) -> None:
    """Notes that whoever asks takes features of a layer."""
    now, spec = timezone.now(), found.spec
    person = request.user.username if request.user.is_authenticated else ""
    day = now.astimezone(found.city.district.calendar.tz).date()
    key = (spec.layer, day, person, way, found.version, spec.agreement_no or "", spec.licence or "")
    with _lock:
        fresh = key not in _known
    if fresh:
        roles = " ".join(sorted(request.user.groups.values_list("name", flat=True))) if person else ""
        Taking.objects.get_or_create(**_fields(key), defaults={"roles": roles[:300], "first_at": now, "last_at": now})
    with _lock:
        if len(_known) > 100_000:
            _known.clear()
        _known.add(key)
        kept = _counted.setdefault(key, [0, 0, now])
        kept[0], kept[1], kept[2] = kept[0] + times, kept[1] + features, now
        if not _waiting:
            _later()


def keep() -> None:
    """Keeps what was counted."""
    with _lock:
        counted = dict(_counted)
        _counted.clear()
        _waiting.clear()
    for key, (times, features, last) in counted.items():
        found = Taking.objects.filter(**_fields(key))
        found.update(times=F("times") + times, features=F("features") + features, last_at=last)


def _fields(key: Key) -> dict[str, Any]:
    return dict(zip(("layer", "day", "person", "way", "edition", "agreement_no", "licence"), key, strict=True))


def _later() -> None:
    timer = threading.Timer(PAUSE, _keep_apart)
    timer.daemon = True
    _waiting.append(timer)
    timer.start()


def _keep_apart() -> None:
    close_old_connections()
    try:
        keep()
    except Exception:  # it is a count; that somebody took it is kept
        log.exception("takings could not be counted")
    finally:
        close_old_connections()


@atexit.register
def _at_the_end() -> None:
    if _counted:
        _keep_apart()


# --- pages ---


def shown_to(request: HttpRequest) -> bool:
    """Whether whoever asks may read the ledger."""
    return keeps_data(request) or reads_trail(request)


@door
def ledger(request: HttpRequest, name: str = "") -> HttpResponse:
    """The ledger, or that of one layer."""
    found, told = _asked(request, name)
    keep()
    rows = list(found[: MOST_ROWS + 1])
    known = specs(request.city)
    context = {
        "rows": [(row, _titles(known, row.layer), WAYS.get(row.way, (row.way, row.way))) for row in rows[:MOST_ROWS]],
        "more": len(rows) > MOST_ROWS,
        "most": MOST_ROWS,
        "layer": name,
        "titles": _titles(known, name) if name else None,
        "told": told,
        "layers": sorted(known),
        "people": Taking.objects.exclude(person="").order_by("person").values_list("person", flat=True).distinct(),
    }
    return render(request, "ogc/ledger.html", context)


@door
def table(request: HttpRequest) -> StreamingHttpResponse:
    """The ledger as CSV."""
    found, _ = _asked(request, "")
    keep()
    answer = StreamingHttpResponse(_lines(found), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="ledger.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _titles(known: Any, layer: str) -> tuple[str, str]:
    spec = known.get(layer)
    return (spec.name_zh or layer, spec.name_en or layer) if spec else (layer, layer)


def _asked(request: HttpRequest, name: str) -> tuple[QuerySet[Taking], dict[str, str]]:
    if request.method not in ("GET", "HEAD"):
        raise Refused(405, f"found {request.method}; expected GET", Allow="GET, HEAD")
    if not shown_to(request):
        signed = request.user.is_authenticated
        raise Refused(403 if signed else 401, "found somebody else; expected a data officer, an authority or an administrator")
    if name:
        collection(request, name)
    told = parameters(request, ("f", "language", "layer", "person", "since"))
    chosen = Q(layer=name) if name else Q()
    if told.get("layer") and not name:
        chosen &= Q(layer=told["layer"])
    if told.get("person"):
        chosen &= Q(person=told["person"])
    if told.get("since"):
        try:
            chosen &= Q(day__gte=date.fromisoformat(told["since"]))
        except ValueError:
            raise Refused(400, f"since: found {shown(told['since'], 40)}; expected a date as 2026-01-31") from None
    return Taking.objects.filter(chosen), told


class _Echo:
    def write(self, text: str) -> str:
        return text


def _lines(found: QuerySet[Taking]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(HEAD)
    for row in found.iterator(chunk_size=1_000):
        yield writer.writerow([_cell(getattr(row, name)) for name in HEAD])


def _cell(value: Any) -> Any:
    """A cell that no program for tables takes for a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value
