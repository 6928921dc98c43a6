"""The tables of the reviews, found here by name."""

from __future__ import annotations

from scicity.domains.reviews.followed import (  # noqa: F401
    act,
    case,
    clock,
    project,
    project_entered,
    promise,
    stage,
    stage_clock,
    timeliness,
)
from scicity.domains.reviews.sources import CONDITION, FORM, PARCEL, PROCESS, PROJECT  # noqa: F401
