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
_NODES = ("node_from", "node_to")


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


def _links(ledger: Any, meters: Any, rows: Any, label: str, rest: str, self_used: str) -> Any:
    """All links of each building in a month: what comes in, what goes out, and its uses by a label; none is negative."""
    flows = _flows(ledger, meters)
    behind = flows.filter(flows.node_from.isin((GENERATED, DISCHARGED)) | (flows.node_to == CHARGED))
    behind = behind.mutate(energy=ibis.ifelse(behind.node_to == CHARGED, -behind.energy, behind.energy))
    extra = behind.group_by("building", "carrier", "month").agg(**_sums(behind))
    uses = _uses(rows, label, rest, extra, self_used)
    below = uses.energy < 0
    uses = uses.mutate(
        node_from=ibis.ifelse(below, NEGATIVE, HERE),
        node_to=ibis.ifelse(below, HERE, uses.node),
        energy=ibis.ifelse(below, -uses.energy, uses.energy),
    )
    links = flows.mutate(node=ibis.literal("")).union(uses.select(*flows.columns, "node"), distinct=False)
    return links.filter(links.energy != 0)


def _placed(links: Any, name: Any) -> Any:
    """Links with the name of the place that they lead to or from."""
    return links.mutate(
        node_from=ibis.ifelse(links.node_from == HERE, name, links.node_from),
        node_to=ibis.ifelse(links.node_to == HERE, name, links.node_to),
    )


def _in_zones(links: Any, buildings: Any) -> Any:
    """Links of buildings as links of their zones, under the zone itself and under the whole."""
    of_zone = links.inner_join(buildings, "building")
    placed = _placed(of_zone, ibis.literal("zone:").concat(of_zone.zone))
    return placed.union(placed.mutate(zone=ibis.literal(WHOLE)), distinct=False)


_LEDGER = {
    "ledger": Read("energy.meter_monthly"),
    "meters": Read("energy.meter", columns=("meter", "carrier", "role"), key="meter"),
}
_ITEMS = Read("energy.sub_item_monthly", columns=("building", "carrier", "sub_item", "month", *_SUMMED))
_PARTS = Read("energy.part_monthly", columns=("building", "carrier", "enterprise", "month", *_SUMMED))
_BUILDINGS = Read("buildings.building", columns=("building", "zone"))


@derived(
    reads={**_LEDGER, "items": _ITEMS},
    columns=["building", "carrier", "month", *_NODES, *_LINK],
    grain=["building", "carrier", "month", *_NODES],
    period="year",
    time="month",
    title_zh="建筑逐月能量平衡",
    title_en="Balance of buildings by month",
)
def building_balance_monthly(ledger: Any, meters: Any, items: Any) -> Any:
    """Where the energy of a building came from in a month and where it went, as links between nodes.

    Into the building lead what it `bought`, `generated` and `discharged`; out of it what it `exported` and `charged`, and its
    sub-items with what is `unassigned` and `unattributed`. What comes from the roof and the battery and is used behind the
    main meter is unassigned unless a sub-item's meter counts it. A use below 0 (parts that show more than the whole, or more
    given back than taken) comes in from `negative_rest`. No link is negative, and as much comes in as goes out, to the last
    digit.
    """
    links = _links(ledger, meters, items, "sub_item", "unassigned", "unassigned")
    placed = _placed(links, ibis.literal("building:").concat(links.building))
    return covered(placed.group_by("building", "carrier", "month", *_NODES).agg(**_sums(placed)))


@derived(
    reads={**_LEDGER, "items": _ITEMS, "buildings": _BUILDINGS},
    columns=["zone", "carrier", "month", *_NODES, *_LINK],
    grain=["zone", "carrier", "month", *_NODES],
    period="year",
    time="month",
    title_zh="分区逐月能量平衡",
    title_en="Balance of zones by month",
)
def balance_monthly(ledger: Any, meters: Any, items: Any, buildings: Any) -> Any:
    """Where the energy of a zone's buildings came from in a month and where it went: the links of its buildings together.

    The zone `district` has all zones as nodes. As energy.building_balance_monthly; as much comes in as goes out at each zone.
    """
    both = _in_zones(_links(ledger, meters, items, "sub_item", "unassigned", "unassigned"), buildings)
    return covered(both.group_by("zone", "carrier", "month", *_NODES).agg(**_sums(both)))


@derived(
    reads={**_LEDGER, "parts": _PARTS, "buildings": _BUILDINGS},
    columns=["zone", "carrier", "enterprise", "month", *_NODES, *_LINK],
    grain=["zone", "carrier", "enterprise", "month", *_NODES],
    period="year",
    time="month",
    title_zh="分区逐月能量平衡（按企业）",
    title_en="Balance of zones by enterprise and month",
)
def enterprise_balance_monthly(ledger: Any, meters: Any, parts: Any, buildings: Any) -> Any:
    """Where the energy of a zone's buildings came from in a month and whose it was; as energy.balance_monthly.

    The uses are the enterprises, what is `common` and what is `unattributed`. What comes from roofs and batteries and is used
    behind the main meters is `self_used`. `enterprise` says whose a link is, none for what comes in and goes out.
    """
    both = _in_zones(_links(ledger, meters, parts, "enterprise", "common", SELF_USED), buildings)
    both = both.mutate(enterprise=both.node.replace("enterprise:", "").nullif(""))
    return covered(both.group_by("zone", "carrier", "enterprise", "month", *_NODES).agg(**_sums(both)))


def _yearly(monthly: Any, *keys: str) -> Any:
    rows = monthly.mutate(year=monthly.month.year().cast("int64"))
    return covered(rows.group_by(*keys, "year", *_NODES).agg(**_sums(rows)))


@derived(
    reads={"monthly": "energy.building_balance_monthly"},
    columns=["building", "carrier", "year", *_NODES, *_LINK],
    grain=["building", "carrier", "year", *_NODES],
    period="year",
    time="year",
    title_zh="建筑逐年能量平衡",
    title_en="Balance of buildings by year",
)
def building_balance_yearly(monthly: Any) -> Any:
    """Where the energy of a building came from in a year and where it went: the sum of the months' links."""
    return _yearly(monthly, "building", "carrier")


@derived(
    reads={"monthly": "energy.balance_monthly"},
    columns=["zone", "carrier", "year", *_NODES, *_LINK],
    grain=["zone", "carrier", "year", *_NODES],
    period="year",
    time="year",
    title_zh="分区逐年能量平衡",
    title_en="Balance of zones by year",
)
def balance_yearly(monthly: Any) -> Any:
    """Where the energy of a zone's buildings came from in a year and where it went: the sum of the months' links."""
    return _yearly(monthly, "zone", "carrier")


@derived(
    reads={"monthly": "energy.enterprise_balance_monthly"},
    columns=["zone", "carrier", "enterprise", "year", *_NODES, *_LINK],
    grain=["zone", "carrier", "enterprise", "year", *_NODES],
    period="year",
    time="year",
    title_zh="分区逐年能量平衡（按企业）",
    title_en="Balance of zones by enterprise and year",
)
def enterprise_balance_yearly(monthly: Any) -> Any:
    """Where the energy of a zone's buildings came from in a year and whose it was: the sum of the months' links."""
    return _yearly(monthly, "zone", "carrier", "enterprise")
