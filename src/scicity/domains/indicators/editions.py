"""Editions: what each framework says of each indicator, what was revised since, and which edition holds when."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

import pyarrow as pa

from scicity.domains.indicators.framework import parser_of
from scicity.domains.indicators.methods import edition as rules
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived, recorded, source
from scicity.vocabulary import term

FILES = "frameworks/*.yaml"

MEMBERSHIP = source(
    "indicators.membership",
    path=FILES,
    columns=[
        *("framework", "indicator", "dimension_zh", "dimension_en", "definition_zh", "definition_en", "denominator_zh"),
        *("denominator_en", "data_source_zh", "data_source_en", "responsible_zh", "responsible_en", "frequency", "due_after"),
        *("duty_from", "duty_origin", "breakdowns", "base_from", "natural_limit", "source"),
    ],
    optional=(
        *("definition_zh", "definition_en", "denominator_zh", "denominator_en", "data_source_zh", "data_source_en"),
        *("responsible_zh", "responsible_en", "frequency", "due_after", "duty_from", "duty_origin", "breakdowns"),
        *("base_from", "natural_limit"),
    ),
    grain=["framework", "indicator"],
    references={"indicator": "indicators.indicator.indicator"},
    parse=parser_of("membership"),
    title_zh="指标在各体系中的位置",
    title_en="Indicators in frameworks",
    doc="An indicator in a framework: its definition there, who owes its values and how often. One value may stand in several.",
)

PROMISED = source(
    "indicators.promised",
    path=FILES,
    columns=["framework", "indicator", "zone", "year", "value", "value_high", "document", "review", "source"],
    optional=("value_high", "source"),
    grain=["framework", "indicator", "zone", "year"],
    references={"zone": "district.zone.zone", "indicator": "indicators.indicator.indicator"},
    parse=parser_of("promised"),
    title_zh="各体系的目标值",
    title_en="Targets by framework",
    doc="What each framework promises of an indicator in a year; `indicators.target` has those of its own framework.",
)

CROSSWALK = source(
    "indicators.crosswalk",
    path=FILES,
    columns=[
        *("framework", "indicator", "crosswalk_scheme", "crosswalk_code", "iso37101_purpose", "iso37101_issue", "review"),
        "source",
    ],
    optional=("iso37101_purpose", "iso37101_issue"),
    grain=["framework", "indicator", "crosswalk_scheme", "crosswalk_code"],
    references={"indicator": "indicators.indicator.indicator"},
    parse=parser_of("crosswalk"),
    title_zh="指标对照",
    title_en="Cross-walks",
    doc="Which target of the SDGs, purpose and issue of ISO 37101, or code of another scheme an indicator answers.",
)

_REVISION = ["proposal", "proposal_title", "framework", "edition", "revision_stage", "consulted_from", "consulted_to"]
_REVISION += ["decided_on", "effective_on", "document", "reason"]

revision = recorded(
    "indicators.revision",
    columns=_REVISION,
    grain=["proposal"],
    title_zh="修订案",
    title_en="Revisions",
    doc="A revision of a framework, its stage, days and reason; who proposed and decided is in the audit trail.",
)

_CHANGE = ["proposal", "indicator", "zone", "year", "revision_change", "value", "value_high", "revision_words"]

revision_item = recorded(
    "indicators.revision_item",
    columns=_CHANGE,
    grain=["proposal", "indicator", "zone", "year"],
    title_zh="修订内容",
    title_en="Changes of revisions",
    doc="One change that a revision asks for: a target set or taken back, an indicator added, withdrawn or defined anew.",
)

_EDITION = [
    "framework",
    "edition",
    "indicator_system",
    "valid_from",
    "valid_to",
    "predecessor",
    "document",
    "review",
    "proposal",
]


def _adopted(revisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [row for row in revisions if row["revision_stage"] == "adopted" and row["effective_on"] is not None]
    return sorted(found, key=lambda row: (row["effective_on"], row["proposal"]))


@derived(
    reads={
        "framework": Read(
            "indicators.framework",
            columns=("framework", "indicator_system", "edition", "valid_from", "valid_to", "predecessor", "document", "review"),
        ),
        "revision": Read("indicators.revision", trace={"framework": "framework", "proposal": "proposal"}),
    },
    columns=_EDITION,
    grain=["framework", "edition"],
    by_partition=True,
    title_zh="指标体系版本",
    title_en="Editions of indicator systems",
)
def edition(slot: Slot, framework: pa.Table, revision: pa.Table) -> pa.Table:
    """The editions of each system with the time that each is in force: those of the files, and those that a revision made.

    An edition without an end ends where the next one of its system begins. Land and projects keep the edition of their day:
    the one whose `valid_from` is at or before that day and whose `valid_to` is not.
    """
    rows = []
    system = {}
    for row in framework.to_pylist():
        name = row["framework"]
        system[name] = row["indicator_system"] or name
        begins, ends = (_day(row[column], slot) for column in ("valid_from", "valid_to"))
        rows.append({**row, "edition": row["edition"] or name, "begins": begins, "ends": ends, "proposal": None})
    for row in _adopted(revision.to_pylist()):
        if row["framework"] in system:
            told = {name: row[name] for name in ("framework", "edition", "document", "proposal")}
            before = {"predecessor": row["framework"], "review": "verified"}
            rows.append({**told, **before, "begins": row["effective_on"], "ends": None})
    ends_of = {}
    for name in set(system.values()):
        mine = [row for row in rows if system[row["framework"]] == name]
        editions = [rules.Edition(name, row["framework"], row["edition"], row["begins"], row["ends"]) for row in mine]
        ends_of.update({(each.framework, each.edition): each.ends for each in rules.chained(editions)})
    found: dict[str, list[Any]] = {column: [] for column in _EDITION}
    for row in rows:
        told = row | {
            "indicator_system": system[row["framework"]],
            "valid_from": _begin(row["begins"], slot),
            "valid_to": _begin(ends_of[row["framework"], row["edition"]], slot),
        }
        for column in _EDITION:
            found[column].append(told[column])
    return pa.table({column: pa.array(values, term(column).arrow) for column, values in found.items()})


def _day(moment: Any, slot: Slot) -> date | None:
    return None if moment is None else moment.astimezone(slot.calendar.tz).date()


def _begin(day: date | None, slot: Slot) -> int | None:
    return None if day is None else slot.calendar.instant(day)


_TARGET = ["framework", "edition", "indicator", "zone", "year", "value", "value_high", "document", "review", "edition_change"]


@derived(
    reads={
        "framework": Read("indicators.framework", columns=("framework", "edition")),
        "promised": Read("indicators.promised"),
        "revision": Read("indicators.revision", trace={"framework": "framework", "edition": "edition"}),
        "item": Read("indicators.revision_item", trace={"indicator": "indicator", "zone": "zone", "year": "year"}),
    },
    columns=_TARGET,
    grain=["framework", "edition", "indicator", "zone", "year"],
    by_partition=True,
    title_zh="各版本的目标值",
    title_en="Targets by edition",
)
def edition_target(_: Slot, framework: pa.Table, promised: pa.Table, revision: pa.Table, item: pa.Table) -> pa.Table:
    """What each edition promises: the file's targets, and after each adopted revision those as it changed them."""
    items = defaultdict(list)
    for row in item.to_pylist():
        items[row["proposal"]].append(row)
    now: dict[str, dict[Any, dict[str, Any]]] = defaultdict(dict)
    for row in promised.to_pylist():
        now[row["framework"]][row["indicator"], row["zone"], row["year"]] = {**row, "edition_change": "kept"}
    first = {row["framework"]: row["edition"] or row["framework"] for row in framework.to_pylist()}
    rows = [{**row, "edition": first[name]} for name, mine in now.items() for row in mine.values()]
    for each in _adopted(revision.to_pylist()):
        mine = {key: {**row, "edition_change": "kept"} for key, row in now[each["framework"]].items()}
        for change in items[each["proposal"]]:
            _change(mine, change, each)
        now[each["framework"]] = mine
        rows += [{**row, "framework": each["framework"], "edition": each["edition"]} for row in mine.values()]
    return pa.table({column: pa.array([row[column] for row in rows], term(column).arrow) for column in _TARGET})


def _change(mine: dict[Any, dict[str, Any]], change: dict[str, Any], each: dict[str, Any]) -> None:
    key = (change["indicator"], change["zone"], change["year"])
    if change["revision_change"] == "target":
        told = {name: change[name] for name in ("indicator", "zone", "year", "value", "value_high")}
        kind = "changed" if key in mine else "added"
        mine[key] = {**told, "document": each["document"], "review": "verified", "edition_change": kind}
    elif change["revision_change"] == "target_withdrawn":
        mine.pop(key, None)
    elif change["revision_change"] == "withdrawn":
        for other in [other for other in mine if other[0] == change["indicator"]]:
            del mine[other]


_MEMBER = [
    "framework",
    "edition",
    "indicator",
    "edition_change",
    "dimension_zh",
    "dimension_en",
    "definition_zh",
    "definition_en",
]
_MEMBER += ["denominator_zh", "denominator_en", "frequency", "responsible_zh", "responsible_en", "revision_words"]


@derived(
    reads={
        "framework": Read("indicators.framework", columns=("framework", "edition")),
        "membership": Read("indicators.membership"),
        "revision": Read("indicators.revision", trace={"framework": "framework", "edition": "edition"}),
        "item": Read("indicators.revision_item", trace={"indicator": "indicator"}),
    },
    columns=_MEMBER,
    grain=["framework", "edition", "indicator"],
    by_partition=True,
    title_zh="各版本的指标",
    title_en="Indicators by edition",
)
def edition_indicator(_: Slot, framework: pa.Table, membership: pa.Table, revision: pa.Table, item: pa.Table) -> pa.Table:
    """The indicators of each edition with their definitions there: the file's, and as each adopted revision changed them."""
    items = defaultdict(list)
    for row in item.to_pylist():
        items[row["proposal"]].append(row)
    now: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in membership.to_pylist():
        now[row["framework"]][row["indicator"]] = {**row, "edition_change": "kept", "revision_words": None}
    first = {row["framework"]: row["edition"] or row["framework"] for row in framework.to_pylist()}
    rows = [{**row, "edition": first[name]} for name, mine in now.items() for row in mine.values()]
    for each in _adopted(revision.to_pylist()):
        mine = {key: {**row, "edition_change": "kept"} for key, row in now[each["framework"]].items()}
        for change in items[each["proposal"]]:
            name = change["indicator"]
            if change["revision_change"] == "withdrawn":
                mine.pop(name, None)
            elif change["revision_change"] in ("added", "definition"):
                told = {"edition_change": "changed" if name in mine else "added", "revision_words": change["revision_words"]}
                mine[name] = {**dict.fromkeys(_MEMBER), **mine.get(name, {}), "indicator": name, **told}
        now[each["framework"]] = mine
        rows += [{**row, "framework": each["framework"], "edition": each["edition"]} for row in mine.values()]
    return pa.table({column: pa.array([row[column] for row in rows], term(column).arrow) for column in _MEMBER})
