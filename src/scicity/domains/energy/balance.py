"""Where the energy of zones comes from and where it goes: links that add up at every node."""

from __future__ import annotations

from typing import Any

import ibis

from scicity.domains.energy.methods.accounts import EXACT, covered
from scicity.kernel.tables import Read, derived

WHOLE = "district"
HERE = "@"  # the building that a link leads to or from
BOUGHT, GENERATED, DISCHARGED, EXPORTED, CHARGED = "bought", "generated", "discharged", "exported", "charged"
NEGATIVE, SELF_USED = "negative_rest", "self_used"
KINDS = {  # of a role and flow: from where, to where
    ("main", "forward"): (BOUGHT, HERE),
    ("main", "reverse"): (HERE, EXPORTED),
    ("generation", "forward"): (GENERATED, HERE),
    ("storage", "forward"): (HERE, CHARGED),
    ("storage", "reverse"): (DISCHARGED, HERE),
}
_LINK = ["energy", "known_seconds", "expected_seconds", "coverage", "stand_in"]
_SUMMED = ("energy", "known_seconds", "expected_seconds", "stand_in")
_GRAIN = ("zone", "carrier", "breakdown", "node_from", "node_to")


def _sums(rows: Any) -> dict[str, Any]:
    return {
        "energy": rows.energy.sum().cast(EXACT),
        "known_seconds": rows.known_seconds.sum(),
        "expected_seconds": rows.expected_seconds.sum(),
        "stand_in": rows.stand_in.max(),
    }


def _flows(ledger: Any, meters: Any) -> Any:
    """What passed the borders of each building in a month, and what its roof gave and its battery took, as links."""
    rows = ledger.inner_join(meters, "meter")
    found = []
    for (role, flow), (node_from, node_to) in KINDS.items():
        of_kind = rows.filter((rows.role == role) & (rows.flow == flow) & rows.energy.notnull())
        sums = of_kind.group_by("building", "carrier", "month").agg(**_sums(of_kind))
        found.append(sums.mutate(node_from=ibis.literal(node_from), node_to=ibis.literal(node_to)))
    return ibis.union(*found, distinct=False)


def _uses(rows: Any, label: str, rest: str, extra: Any, self_used: str) -> Any:
    """What each label of a building used; what is generated and stored behind the main meter comes on top of `self_used`."""
    known = rows.filter(rows.energy.notnull())
    node = ibis.ifelse(known[label].isin((rest, "unattributed")), known[label], ibis.literal(f"{label}:").concat(known[label]))
    keys = ("building", "carrier", "month", "node", *_SUMMED)
    both = known.mutate(node=node, energy=known.energy.cast(EXACT)).select(keys)
    both = both.union(extra.mutate(node=ibis.literal(self_used)).select(keys), distinct=False)
    return both.group_by("building", "carrier", "month", "node").agg(**_sums(both))


@derived(
    reads={
        "ledger": "energy.meter_monthly",
        "meters": Read("energy.meter", columns=("meter", "carrier", "role"), key="meter"),
        "items": Read("energy.sub_item_monthly", columns=("building", "carrier", "sub_item", "month", *_SUMMED)),
        "parts": Read("energy.part_monthly", columns=("building", "carrier", "enterprise", "month", *_SUMMED)),
        "buildings": Read("buildings.building", columns=("building", "zone")),
    },
    columns=["zone", "carrier", "breakdown", "month", "node_from", "node_to", *_LINK],
    grain=["zone", "carrier", "breakdown", "month", "node_from", "node_to"],
    period="year",
    time="month",
    title_zh="分区逐月能量平衡",
    title_en="Balance of zones by month",
)
def balance_monthly(ledger: Any, meters: Any, items: Any, parts: Any, buildings: Any) -> Any:
    """Where the energy of a zone's buildings came from in a month and where it went, as links between nodes.

    Into each building (of the zone `district`: into each zone) lead what it `bought`, `generated` and `discharged`; out of it
    what it `exported` and `charged`, and its uses, by the `breakdown` either sub-items or enterprises, with what is
    unassigned or common and what is `unattributed`. What comes from the roof and the battery and is used behind the main
    meter is `self_used` among enterprises, and unassigned among sub-items. A use below 0 (parts that show more than the
    whole, or more given back than taken) comes in from `negative_rest`. No link is negative, and each building and zone has
    as much in as out, to the last digit.
    """
    flows = _flows(ledger, meters)
    behind = flows.filter(flows.node_from.isin((GENERATED, DISCHARGED)) | (flows.node_to == CHARGED))
    behind = behind.mutate(energy=ibis.ifelse(behind.node_to == CHARGED, -behind.energy, behind.energy))
    extra = behind.group_by("building", "carrier", "month").agg(**_sums(behind))
    found = []
    for breakdown, rows, rest, self_used in (
        ("sub_item", items, "unassigned", "unassigned"),
        ("enterprise", parts, "common", SELF_USED),
    ):
        uses = _uses(rows, breakdown, rest, extra, self_used)
        below = uses.energy < 0
        uses = uses.mutate(
            node_from=ibis.ifelse(below, NEGATIVE, HERE),
            node_to=ibis.ifelse(below, HERE, uses.node),
            energy=ibis.ifelse(below, -uses.energy, uses.energy),
        )
        links = flows.union(uses.select(flows.columns), distinct=False)
        found.append(links.filter(links.energy != 0).mutate(breakdown=ibis.literal(breakdown)))
    links = ibis.union(*found, distinct=False).inner_join(buildings, "building")
    whole = _placed(links, ibis.literal("zone:").concat(links.zone)).mutate(zone=ibis.literal(WHOLE))
    both = _placed(links, ibis.literal("building:").concat(links.building))
    both = both.union(whole.select(both.columns), distinct=False)
    return covered(both.group_by(*_GRAIN, "month").agg(**_sums(both)))


def _placed(links: Any, name: Any) -> Any:
    return links.mutate(
        node_from=ibis.ifelse(links.node_from == HERE, name, links.node_from),
        node_to=ibis.ifelse(links.node_to == HERE, name, links.node_to),
    ).drop("building")


@derived(
    reads={"monthly": "energy.balance_monthly"},
    columns=["zone", "carrier", "breakdown", "year", "node_from", "node_to", *_LINK],
    grain=["zone", "carrier", "breakdown", "year", "node_from", "node_to"],
    period="year",
    time="year",
    title_zh="分区逐年能量平衡",
    title_en="Balance of zones by year",
)
def balance_yearly(monthly: Any) -> Any:
    """Where the energy of a zone's buildings came from in a year and where it went: the sum of the months' links."""
    rows = monthly.mutate(year=monthly.month.year().cast("int64"))
    return covered(rows.group_by(*_GRAIN, "year").agg(**_sums(rows)))
