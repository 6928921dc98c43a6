"""A building's year against its quota: which row holds, the area and the corrections, and what the comparison may say.

Intensities [kWh/m²]. A quota is taken only where exactly one row holds for the whole year; where two do (two climate zones, a
class that changed), the comparison is refused as ambiguous, and no row is preferred. A year that is not known whole is not
compared, and never extrapolated.

Source: rules of this project; the form of the corrections (a fixed and a varying share) is that of office buildings in
GB/T 51161-2016 as quoted in public code; the document was not seen (unverified).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GUIDE, WITHIN, ABOVE, UNKNOWN = "guide", "within", "above", "unknown"
NO_QUOTA, AMBIGUOUS, PARTLY, COVERAGE, NO_AREA, NO_ATTRIBUTE, NO_ENERGY = (
    "no quota", "ambiguous", "quota of a part", "coverage", "no floor area", "no attribute", "no energy"
)  # fmt: skip


@dataclass(frozen=True)
class Held:
    """What held of a building over some days of a year: days [first, end), and its attributes."""

    first: int
    end: int
    told: Mapping[str, Any]


def overlapping(rows: Iterable[Held], first: int, end: int) -> list[Held]:
    """The rows that hold on some day of [first, end), cut to it, in order."""
    cut = [Held(max(row.first, first), min(row.end, end), row.told) for row in rows if row.first < end and row.end > first]
    return sorted(cut, key=lambda row: row.first)


def mean_of(rows: Sequence[Held], column: str, first: int, end: int, otherwise: float | None) -> float | None:
    """The mean of an attribute over the days of a year; days of which no row tells it have the value `otherwise`.

    None where a day has neither.
    """
    total, days = 0.0, 0
    for row in rows:
        value = row.told.get(column)
        value = otherwise if value is None else value
        if value is None:
            return None
        total, days = total + float(value) * (row.end - row.first), days + row.end - row.first
    if days < end - first:
        if otherwise is None:
            return None
        total += otherwise * (end - first - days)
    return total / (end - first)


def matching(quotas: Iterable[Held], use: str | None, profiles: Sequence[Held], first: int, end: int) -> list[Held]:
    """The quotas that may hold for a building in a year, each once.

    A quota's climate zone and class, where it has any, must be those of the building. A building that does not tell its zone
    meets the quotas of all zones: then more than one is found, which is ambiguous.
    """
    found = []
    for quota in overlapping(quotas, first, end):
        if quota.told["use"] != use:
            continue
        during = overlapping(profiles, quota.first, quota.end)
        spans = sum(row.end - row.first for row in during)
        states = [row.told for row in during] + ([{}] if spans < quota.end - quota.first else [])
        if any(_agrees(quota.told, state) for state in states):
            found.append(quota)
    return found


def _agrees(quota: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    return all(
        quota.get(column) is None or state.get(column) is None or quota[column] == state[column]
        for column in ("climate_zone", "quota_class")
    )


def correction(form: str, fixed: float, varying: float, reference: float, value: float) -> float:
    """The factor on the measured intensity: fixed + varying x value / reference (direct), or reference / value (inverse).

    Raises ValueError for another form, or a value not above 0 where it divides.
    """
    if form == "direct":
        return fixed + varying * value / reference
    if form != "inverse":
        raise ValueError(f"form {form!r}; expected direct or inverse")
    if value <= 0:
        raise ValueError(f"value {value}; expected above 0")
    return fixed + varying * reference / value


def attributes(profiles: Sequence[Held], area: float | None, first: int, end: int) -> dict[str, float | None]:
    """What corrections may ask of a building in a year: hours of use [h], and floor area per person [m²]."""
    people = mean_of(profiles, "occupants", first, end, None)
    return {
        "hours_of_use": mean_of(profiles, "hours_of_use", first, end, None),
        "area_per_person": area / people if area and people else None,
    }


@dataclass(frozen=True)
class Compared:
    """A year against its quota. `factor` is the product of the corrections; the reason says why the status is unknown."""

    quota: Mapping[str, Any] | None
    area: float | None
    area_changed: bool
    intensity: float | None
    factor: float | None
    corrected: float | None
    status: str
    reason: str | None


def compared(
    energy: float | None,
    coverage: float | None,
    found: Sequence[Held],
    profiles: Sequence[Held],
    registered_area: float | None,
    corrections: Sequence[Mapping[str, Any]],
    year: tuple[int, int],
    fewest: float,
) -> Compared:
    """Holds a year's energy [kWh] against the quotas found for it; `fewest` is the least coverage."""
    first, end = year
    during = overlapping(profiles, first, end)
    area = mean_of(during, "floor_area", first, end, registered_area)
    areas = {row.told.get("floor_area") or registered_area for row in during}
    told = sum(row.end - row.first for row in during)
    areas |= {registered_area} if told < end - first and during else set()
    changed = len(areas) > 1
    quota = found[0].told if len(found) == 1 else None
    whole = len(found) == 1 and found[0].first <= first and found[0].end >= end
    intensity = energy / area if energy is not None and area else None

    def unknown(reason: str, shown: float | None = None, factor: float | None = None) -> Compared:
        return Compared(quota, area, changed, shown, factor, None, UNKNOWN, reason)

    if not found:
        return unknown(NO_QUOTA, intensity if (coverage or 0) >= fewest else None)
    if len(found) > 1:
        return unknown(AMBIGUOUS)
    if not whole:
        return unknown(PARTLY)
    if energy is None:
        return unknown(NO_ENERGY)
    if coverage is None or coverage < fewest:
        return unknown(COVERAGE)
    if intensity is None:
        return unknown(NO_AREA)
    factor, values = 1.0, attributes(during, area, first, end)
    for row in corrections:
        value = values[row["attribute"]]
        if not value:
            return unknown(f"{NO_ATTRIBUTE}: {row['attribute']}", intensity)
        factor *= correction(row["form"], row["fixed_share"], row["varying_share"], row["reference_value"], value)
    corrected = intensity * factor
    assert quota is not None  # noqa: S101  (found has one row)
    guide = quota.get("guide_intensity")
    status = (
        GUIDE if guide is not None and corrected <= guide else WITHIN if corrected <= quota["constraint_intensity"] else ABOVE
    )
    return Compared(quota, area, changed, intensity, factor, corrected, status, None)
