"""Words of planning in both languages, and the colour of a badge where it has one."""

from __future__ import annotations

STATUSES = {
    "drafting": ("编制中", "being drafted", ""),
    "adopted": ("已批准", "adopted", ""),
    "in_force": ("施行", "in force", "good"),
    "superseded": ("已被取代", "superseded", "old"),
    "withdrawn": ("已废止", "withdrawn", "old"),
}
LEVELS = {
    "nation": ("国家", "nation"),
    "city": ("市级", "city"),
    "district": ("区级", "district"),
    "area": ("片区", "area"),
    "plot": ("地块", "plot"),
}
BINDINGS = {"binding": ("约束性", "binding"), "guiding": ("指导性", "guiding"), "study": ("研究", "study")}
STATES = {
    "open": ("待处置", "open", "bad"),
    "proposed": ("已提议", "proposed", "estimated"),
    "agreed": ("已同意", "agreed", "good"),
    "dismissed": ("不予处置", "dismissed", "old"),
}
ACTS = {
    "proposed": ("提议处置", "propose a resolution"),
    "agreed": ("同意", "agree"),
    "dismissed": ("不予处置", "dismiss"),
    "reopened": ("重新打开", "reopen"),
}
PIECES = {"conflict": ("冲突", "conflict"), "sliver": ("碎屑", "sliver")}
PREVAILS = {
    "this": ("本规划优先", "this plan"),
    "other": ("对方优先", "the other"),
    "open": ("次序相同，待协商", "equal: to be agreed"),
}
CONTROL = {"forbids": ("禁止其内", "forbids inside"), "confines": ("限于其内", "confines to its inside")}
LATE = {
    "met": ("已达到", "met", "good"),
    "late": ("逾期未达", "late", "bad"),
    "silent": ("监测逾期", "report overdue", "estimated"),
    "unseen": ("尚无监测", "never observed", "old"),
    "running": ("进行中", "under way", ""),
}


def word(words: dict[str, tuple[str, ...]], key: str | None) -> tuple[str, ...]:
    """The words of a key; the key itself where it has none."""
    return words.get(key or "", (key or "", key or "", ""))
