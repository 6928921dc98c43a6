"""The operator's page: lag and rates, processes, what is held, disk and tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.access.storage import StorageRefused
from scicity.cockpit.arriving import BACKUP, COLLECTOR, COMPACTION, MOVER, NOTICES, RETENTION, trouble
from scicity.cockpit.condition import BEATING, Condition, Pulse, condition
from scicity.cockpit.digits import UNKNOWN, written
from scicity.cockpit.roles import keeps_data
from scicity.cockpit.templatetags.words import title_of

EVERY = 30  # [s] between two looks of a screen on the wall
NAMES = {
    MOVER: ("读数入湖与重算", "readings to the lake, figures healed"),
    COLLECTOR: ("设备采集", "devices asked and listened to"),
    COMPACTION: ("小文件合并", "small files merged"),
    BACKUP: ("备份", "back-up"),
    NOTICES: ("通知与提醒", "notices and reminders"),
    RETENTION: ("旧版本与旧读数清退", "what is old let go of"),
}


@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The condition of the district, for those who keep its data; with `?every` it is asked for again by itself."""
    if not keeps_data(request):
        raise PermissionDenied
    now, language = datetime.now(UTC), "zh" if request.LANGUAGE_CODE.startswith("zh") else "en"
    context: dict[str, Any] = {"now": now, "trouble": trouble(request.city, now), "by_itself": "every" in request.GET}
    try:
        context |= _shown(request.city, condition(request.city, now), now, language)
    except StorageRefused:  # which `trouble` tells of
        context["refused"] = True
    answer = render(request, "cockpit/operation.html", context)
    if context["by_itself"]:
        answer.headers["Refresh"] = str(EVERY)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _shown(city: Any, found: Condition, now: datetime, language: str) -> dict[str, Any]:
    mover = found.pulses[MOVER].told if MOVER in found.pulses else {}
    return {
        "found": found,
        "lag": duration(now - found.oldest, language) if found.oldest else duration(timedelta(0), language),
        "rates": [(minutes, rate(mover.get(f"per_second_{60 * minutes}"), language)) for minutes in (1, 5)],
        "step": written(float(mover["step_seconds"]), language) if "step_seconds" in mover else UNKNOWN,
        "parts": [_part(pulse, now, language) for pulse in found.pulses.values() if pulse.part in BEATING],
        "works": [_part(pulse, now, language) for pulse in found.pulses.values() if pulse.part not in BEATING],
        "letters": letters(),
        "silent_parts": [NAMES[part] for part in (MOVER, NOTICES, BACKUP) if part not in found.pulses],
        "inbox": amount(found.inbox_bytes, language),
        "logs": UNKNOWN if found.log_files is None else written(found.log_files, language),
        "doomed": UNKNOWN if found.doomed_files is None else written(found.doomed_files, language),
        "lake": UNKNOWN if found.lake_bytes is None else amount(found.lake_bytes, language),
        "free": amount(found.disk_free, language),
        "total": amount(found.disk_total, language),
        "scarce": found.disk_free < found.disk_total / 10,
        "tables": [
            (size, title_of(city.figures.catalog[size.table]), amount(size.bytes, language)) for size in found.sizes or ()
        ],
    }


def _part(pulse: Pulse, now: datetime, language: str) -> dict[str, Any]:
    gone = pulse.told if pulse.part == RETENTION and "versions" in pulse.told else None
    merged = [pulse.told.get("files_before"), pulse.told.get("files_after")]
    return {
        "name": NAMES.get(pulse.part, (pulse.part, pulse.part)),
        "pulse": pulse,
        "ago": duration(now - pulse.at, language),
        "merged": [str(each) for each in merged] if all(isinstance(each, int) for each in merged) else None,
        "gone": None if gone is None else _gone(gone, language),
    }


def letters() -> list[tuple[tuple[str, str], int]]:
    """How many letters of notices wait, wait since a try that failed, and will not be tried again."""
    from scicity.notices.models import Notice

    waiting = Notice.objects.filter(state="waiting")
    return [
        (("待发送的通知邮件", "Letters waiting"), waiting.filter(failure="").count()),
        (("待重发", "To be tried again"), waiting.exclude(failure="").count()),
        (("未送达", "Not delivered"), Notice.objects.filter(state="failed").count()),
    ]


def _gone(told: Mapping[str, Any], language: str) -> str:
    """What retention let go of, in words."""
    words = {"versions": ("个版本", "versions"), "deleted": ("个文件", "files"), "readings": ("条读数", "readings")}
    which = 0 if language == "zh" else 1
    found = [f"{written(told[name], language)} {word[which]}" for name, word in words.items() if told.get(name)]
    found += [amount(told["deleted_bytes"], language)] if told.get("deleted_bytes") else []
    return ("、" if language == "zh" else ", ").join(found)


def amount(size: int, language: str) -> str:
    """Bytes in the decimal unit that people read them in."""
    for unit, divisor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= divisor:
            return f"{written(size / divisor, language, significant=3)} {unit}"
    return f"{size} B"


def duration(time: timedelta, language: str) -> str:
    """How long, in the two largest units that it has."""
    seconds = max(0, round(time.total_seconds()))
    units = ((86_400, " 天", " d"), (3_600, " 小时", " h"), (60, " 分", " min"), (1, " 秒", " s"))
    parts = []
    for size, zh, en in units:
        if seconds >= size or (size == 1 and not parts):
            parts.append(f"{seconds // size}{zh if language == 'zh' else en}")
            seconds %= size
    return " ".join(parts[:2])


def rate(per_second: Any, language: str) -> str:
    """Readings per second; unknown where the mover did not tell."""
    return written(float(per_second), language) if isinstance(per_second, int | float) else UNKNOWN
