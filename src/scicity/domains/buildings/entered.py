"""What data sheets say of their items: the register's entries, and before them those that people entered."""

from __future__ import annotations

from typing import Any

from scicity.kernel.tables import Read, derived, recorded

_TOLD = ["sheet", "score_item", "met", "points", "document"]
_KEY = {"sheet": "sheet", "score_item": "score_item"}

SHEET_ENTERED = recorded(
    "buildings.sheet_entered",
    columns=_TOLD,
    grain=["sheet", "score_item"],
    title_zh="页面填报的评分表",
    title_en="Entries of data sheets made on the page",
    doc="What somebody entered of an item of a data sheet, with its document; who and when is in the audit trail.",
)


@derived(
    reads={
        "register": Read("buildings.sheet_entry", trace=_KEY),
        "entered": Read("buildings.sheet_entered", trace=_KEY),
    },
    columns=[*_TOLD, "note", "origin"],
    grain=["sheet", "score_item"],
    title_zh="评分表各条文",
    title_en="What data sheets say of their items",
)
def sheet_stated(register: Any, entered: Any) -> Any:
    """What is said of each item of a data sheet: what somebody entered goes before what the register says."""
    import ibis

    mine = entered.select(*_TOLD).mutate(note=ibis.null("string"), origin=ibis.literal("manual"))
    rest = register.anti_join(entered, ["sheet", "score_item"]).select(*_TOLD, "note", "origin")
    return rest.union(mine.select(*_TOLD, "note", "origin"))
