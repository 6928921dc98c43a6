"""The way of a revision of an indicator system: proposed, consulted on, decided and dated. Days are local.

Source: rule of this project (S07: assessed, adjusted, decided).
"""

from __future__ import annotations

from datetime import date

STAGES = ("proposed", "consulted", "adopted", "rejected", "withdrawn")
NEXT = {"proposed": ("consulted", "withdrawn"), "consulted": ("adopted", "rejected", "withdrawn")}
DECIDED = ("adopted", "rejected")
CHANGES = ("target", "target_withdrawn", "withdrawn", "added", "definition")


def faults(
    before: str | None,
    stage: str,
    consulted_from: date | None,
    consulted_to: date | None,
    decided_on: date | None,
    valid_from: date | None,
    reason: str,
) -> dict[str, str]:
    """What forbids that a revision goes from one stage to another, by field; nothing where it may.

    It begins as proposed. It is consulted on from a day to a day; it is decided on not before the last of them, with a reason;
    an adopted one holds from a day that is not before the decision. What is decided or withdrawn is never changed.
    Source: as the module.
    """
    found: dict[str, str] = {}
    if before is None and stage != "proposed":
        found["stage"] = "proposed"
    elif before is not None and before != stage and stage not in NEXT.get(before, ()):
        found["stage"] = ", ".join(NEXT.get(before, ())) or "nothing"
    elif before is not None and before not in NEXT:
        found["stage"] = "nothing"
    if stage in ("consulted", *DECIDED):
        if consulted_from is None or consulted_to is None or consulted_to < consulted_from:
            found["consulted_to"] = "a day not before the first"
        elif stage in DECIDED and (decided_on is None or decided_on < consulted_to):
            found["decided_on"] = f"a day not before {consulted_to.isoformat()}"
    if stage in (*DECIDED, "withdrawn") and not reason.strip():
        found["reason"] = "a reason"
    if stage == "adopted" and (valid_from is None or (decided_on is not None and valid_from < decided_on)):
        found["valid_from"] = "a day not before the decision"
    return found
