"""Who owes which value by when: the periods of a frequency, the day on which each is due, and where it stands.

Days are local; `due_after` [d] counts from the end of the period. Source: rule of this project.
"""

from __future__ import annotations

from datetime import date, timedelta

PERIODS = {"yearly": 1, "half-yearly": 2, "quarterly": 4, "monthly": 12}
STATES = ("overdue", "due", "ahead", "delivered")
SOON = 60  # days before the due day from which a value counts as due


def periods(frequency: str, year: int) -> list[tuple[str, date]]:
    """The periods of a year, each with its first day behind: 2024; 2024-H1; 2024-Q3; 2024-05. Raises KeyError for no frequency.

    Source: as the module; ISO 8601 for years and months.
    """
    number = PERIODS[frequency]
    length = 12 // number
    mark = {1: "{y}", 2: "{y}-H{n}", 4: "{y}-Q{n}", 12: "{y}-{n:02d}"}[number]
    ends = [(year * 12 + length * n) for n in range(1, number + 1)]
    return [(mark.format(y=year, n=n), date(end // 12, end % 12 + 1, 1)) for n, end in enumerate(ends, start=1)]


def due_on(ends: date, due_after: int) -> date:
    """The last day on which a value is in time, so many days behind its period; `ends` is the first day behind it.

    Source: as the module.
    """
    return ends - timedelta(days=1) + timedelta(days=due_after)


def state(due: date, delivered: bool, today: date) -> str:
    """Where a duty stands on a day: delivered, overdue from the day behind the due day on, due within 60 days, else ahead.

    Source: as the module.
    """
    if delivered:
        return "delivered"
    return "overdue" if today > due else "due" if (due - today).days <= SOON else "ahead"
