"""Values whose day comes near: those who enter values for the body that owes them, once for all that are due on a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.contrib.auth import get_user_model

from scicity.domains.indicators.models import WHOLE, DutyHolder
from scicity.notices.reminding import Reminder, day_in

SHOWN = 20  # values that a letter names


def due(city: Any, today: date, until: date) -> Iterator[Reminder]:
    """A reminder for each body and day from `today` to `until` on which it owes values that are not there."""
    holders = defaultdict(list)
    for each in DutyHolder.objects.all():
        holders[each.responsible_zh].append(each.who)
    if not holders:
        return
    zones = {row["zone"]: row for row in city.rows("district.zone")}
    names = {row["indicator"]: row for row in city.rows("indicators.indicator")}
    owed = defaultdict(list)
    for row in city.rows("indicators.duty", where={"delivered": False}, order=["due_on", "indicator", "zone", "duty_period"]):
        if today <= row["due_on"] <= until and row["responsible_zh"] in holders:
            owed[row["responsible_zh"], row["due_on"]].append(row)
    for (body, day), rows in owed.items():
        people = get_user_model().objects.filter(username__in=holders[body], is_active=True)
        zh = [f"{body}：{len(rows)} 项指标值应于{day_in(day, 'zh')}前报送"]
        en = [f"{rows[0]['responsible_en'] or body}: {_counted(len(rows))} due on {day_in(day, 'en')}"]
        for row in rows[:SHOWN]:
            about = names[row["indicator"]]
            place = zones.get(row["zone"]) if row["zone"] != WHOLE else None
            zh.append(f"{about['name_zh']}（{place['name_zh'] + '，' if place else ''}{row['duty_period']}）")
            en.append(f"{about['name_en']} ({place['name_en'] + ', ' if place else ''}{row['duty_period']})")
        if len(rows) > SHOWN:
            zh.append(f"另有 {len(rows) - SHOWN} 项")
            en.append(f"and {len(rows) - SHOWN} more")
        subject = f"indicators.duty:{day}"
        yield Reminder(people, subject, "\n".join(zh), "\n".join(en), "/indicators/duties/", f"{subject}:{body}")


def _counted(number: int) -> str:
    return "1 value of an indicator is" if number == 1 else f"{number} values of indicators are"
