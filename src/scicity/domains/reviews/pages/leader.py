"""What the reviews put on the leader's screen."""

from __future__ import annotations

from typing import Any


def cards(city: Any) -> list[dict[str, Any]]:
    """How many of the decided cases the authority kept to its days in."""
    rows = city.rows("reviews.timeliness", where={"zone": "district"})
    if not rows:
        return []
    return [
        {
            "zh": "项目评审按期办结率",
            "en": "Reviews decided in time",
            "figure": rows[0].figure("in_time_share"),
            "period": "",
            "note": (
                "审批方各步骤均未逾期的已办结案件",
                "decided cases none of whose steps of the authority ended behind its day",
            ),
            "page": "/reviews/",
        }
    ]
