"""The tables of evidence, found here by name."""

from __future__ import annotations

from typing import Any

from scicity.domains.evidence import finding as found
from scicity.domains.evidence.sources import (  # noqa: F401
    CHECK,
    CUE,
    MEASURE,
    OWN_MEASURE,
    OWN_PART,
    OWN_RATIO,
    PART,
    PRINTED_UNIT,
    RATIO,
)
from scicity.kernel.tables import Table, recorded

SETTLEMENT = recorded(
    "evidence.settlement",
    columns=["finding", "claims_digest", "settlement", "note"],
    grain=["finding", "claims_digest"],
    title_zh="核查结论",
    title_en="Settlements",
    doc="What was decided of a finding while its statements were as their digest says.",
)


def tables_of(_: Any) -> list[Table]:
    """The findings: they stand beside the values of the indicators, which each district has of its own."""
    return [found.finding_claim, found.finding, found.finding_standing]
