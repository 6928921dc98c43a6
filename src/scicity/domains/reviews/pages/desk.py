"""What an act needs to know of the district: its local days, its kinds of days, its parcels, forms and processes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

from scicity.domains.reviews import bpmn, soundness
from scicity.domains.reviews.bpmn import Process
from scicity.domains.reviews.methods import clock
from scicity.domains.reviews.models import ProcessVersion, Project
from scicity.kernel.files import plain_files, text_of
from scicity.kernel.problems import Problems


class NotDone(ValueError):  # noqa: N818  (reads as what happened)
    """An act that was refused: why, in Chinese and English, with what was found and what is expected; and the field, if one."""

    def __init__(self, zh: str, en: str, field: str = "") -> None:
        super().__init__(f"{zh} · {en}")
        self.zh, self.en, self.field = zh, en, field


@dataclass(frozen=True)
class Desk:
    """The district as acts see it."""

    tz: tzinfo
    kinds: Mapping[date, str] = field(default_factory=dict)
    forms: Mapping[str, list[Any]] = field(default_factory=dict)
    parcels: Mapping[str, Any] = field(default_factory=dict)
    projects: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def of(cls, city: Any) -> Desk:
        """The desk of the served city."""
        forms: dict[str, list[Any]] = {}
        for row in city.rows("reviews.form_field", order=["field_order"]):
            forms.setdefault(row["review_form"], []).append(row)
        return cls(
            city.district.calendar.tz,
            {row["day"]: row["day_kind"] for row in city.rows("energy.day_kind", ["day", "day_kind"])},
            forms,
            {row["parcel"]: row for row in city.rows("reviews.parcel")},
            _projects(city),
            city.district.folder,
        )

    def today(self, at: datetime) -> date:
        """The local day of an instant."""
        return at.astimezone(self.tz).date()

    def due(self, entered_on: date, days: int) -> date | None:
        """The local day by which a step ends that has so many days."""
        return clock.due_on(entered_on, days, clock.working_days(self.kinds)) if days else None

    def processes(self) -> dict[str, tuple[Process, str]]:
        """The processes of the district's folder that can run, each with the text of its file."""
        return {} if self.folder is None else _processes(str(self.folder), _stamp(self.folder))


def _projects(city: Any) -> dict[str, Any]:
    """The projects of the register, and those that were entered, also the ones that the lake does not have yet."""
    columns = ["project", "parcel", "building", "name_zh", "name_en", "use", "floor_area"]
    entered = {row["project"]: row for row in Project.objects.values(*columns)}
    return entered | {row["project"]: row for row in city.rows("reviews.project_register", columns)}


def version_of(process: str, text: str, at: datetime) -> ProcessVersion:
    """The version that a text is of its process; kept as a new one where no earlier one has the same text."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    found = ProcessVersion.objects.filter(process=process, digest=digest).first()
    if found is None:
        newest = ProcessVersion.objects.filter(process=process).order_by("-version").values_list("version", flat=True).first()
        found = ProcessVersion(process=process, version=(newest or 0) + 1, digest=digest, text=text, taken_at=at)
        found.save()
    return found


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    files = sorted((folder / "processes").glob("*.bpmn"))
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.is_file())


@lru_cache(maxsize=8)
def _processes(folder: str, stamp: tuple[tuple[str, int, int], ...]) -> dict[str, tuple[Process, str]]:
    found: dict[str, tuple[Process, str]] = {}
    for file, place in plain_files(Path(folder), "processes/*.bpmn", Problems(), bpmn.markup.LARGEST):
        problems = Problems()
        text = text_of(file.read_bytes(), place, problems)
        process = None if text is None else bpmn.read(text, place, problems)
        if process is not None:
            soundness.check(process, place, problems)
        if process is not None and text is not None and not len(problems):
            found.setdefault(process.process, (process, text))
    return found
