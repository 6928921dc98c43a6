"""The rows of the tables as networks, snappings and searches again: what tables and pages compute from.

Lengths [m], costs [s], places [degrees WGS 84]. Source: the methods of this folder; nothing is worked out here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.circles.methods import network, rows
from scicity.domains.circles.methods.lengths import Floats, Ints
from scicity.domains.circles.methods.network import FORBIDDEN, Network
from scicity.domains.circles.methods.reaching import Doors, Pairs, Search
from scicity.domains.circles.methods.snapping import NOWHERE, Snapping


def network_of(edges: pa.Table) -> Network:
    """Rows of `circles.edge` of one day and mode as a network; edge n is row n. Source: the rows themselves."""
    ends = np.column_stack([rows.floats(edges.column(n)) for n in ("longitude", "latitude", "longitude_to", "latitude_to")])
    forward, backward = (
        np.nan_to_num(rows.floats(edges.column(n)), nan=FORBIDDEN) for n in ("passing_time", "passing_time_back")
    )
    return network.assembled(ends, rows.floats(edges.column("edge_length")), forward, backward, np.arange(len(edges)))


def of(table: pa.Table, day: Any, mode: str) -> pa.Table:
    """The rows of a day and a mode."""
    here = pc.and_(pc.equal(table.column("day"), pa.scalar(day, pa.date32())), pc.equal(table.column("travel_mode"), mode))
    return table.filter(here)


class Snappings:
    """Snapping to the edges of each day and mode; each network is put together once."""

    def __init__(self, edges: pa.Table) -> None:
        self.edges = edges
        self._known: dict[tuple[Any, str], tuple[pa.Table, Snapping]] = {}

    def snap(self, day: Any, mode: Mapping[str, Any], longitude: Floats, latitude: Floats) -> dict[str, pa.Array]:
        """The columns `edge`, `edge_share` and `snap_distance` [m] of points; null where no way is within the mode's limit."""
        key = day, mode["travel_mode"]
        if key not in self._known:
            mine = of(self.edges, *key)
            self._known[key] = mine, Snapping(network_of(mine), mode["least_island"])
        mine, snapping = self._known[key]
        found = snapping.snap(longitude, latitude, mode["snap_limit"])
        there = found.edge != NOWHERE
        edge = mine.column("edge").combine_chunks().take(pa.array(found.edge, mask=~there))
        share = pa.array(found.share, mask=~there)
        return {"edge": edge, "edge_share": share, "snap_distance": pa.array(found.metres, mask=~there)}


class Reach:
    """The network of a day and mode with everything snapped to it: `homes` and `doors` are rows of these tables."""

    def __init__(self, edges: pa.Table, homes: pa.Table, doors: pa.Table, speed: float) -> None:
        self.edges, self.homes, self.speed = edges, homes, speed
        self.doors = doors = doors.filter(doors.column("edge").is_valid())
        self.plain = network_of(edges)
        at = self._edges(doors), self._edges(homes)
        share = rows.floats(doors.column("edge_share")), np.nan_to_num(rows.floats(homes.column("edge_share")))
        there = at[1] >= 0
        self.network, nodes = network.split(self.plain, np.r_[at[0], at[1][there]], np.r_[share[0], share[1][there]])
        self.home = np.zeros(
            len(homes), dtype=np.int64
        )  # of who is off the network: any node, from which all is infinitely far
        self.home[there] = nodes[len(doors) :]
        self.door = nodes[: len(doors)]
        self.off = np.where(there, rows.floats(homes.column("snap_distance")), np.inf)
        names = pc.binary_join_element_wise(doors.column("facility_class"), doors.column("facility"), "\x1f")
        encoded = names.combine_chunks().dictionary_encode()
        self.facility = encoded.indices.to_numpy().astype(np.int64)
        first = np.unique(self.facility, return_index=True)[1]
        self.facilities = doors.select(["facility_class", "facility"]).take(pa.array(first))
        self.classes = rows.words(self.facilities.column("facility_class"))

    def _edges(self, table: pa.Table) -> Ints:
        found = pc.index_in(table.column("edge"), self.edges.column("edge").combine_chunks())
        return np.asarray(found.fill_null(NOWHERE), dtype=np.int64)

    def search(self, by: str) -> Search:
        """A search by seconds or metres; facility n is row n of `facilities`."""
        metres = rows.floats(self.doors.column("snap_distance"))
        cost = metres / (self.speed if by == "seconds" else 1.0)
        return Search(self.network, Doors(self.facility, self.door, cost), len(self.facilities), by)

    def before(self, by: str) -> Floats:
        """The cost of the way from each home to the network; infinite where it is off it."""
        return self.off / (self.speed if by == "seconds" else 1.0)

    def of_class(self, name: str) -> Ints:
        """The facilities of a class."""
        return np.flatnonzero(self.classes == name)

    def people(self, residents: pa.Table, day: Any, age_group: str) -> Floats:
        """The people of a group at each home on a day (rows of `circles.resident`); 0 where it is not known."""
        of_day = pc.equal(residents.column("day"), pa.scalar(day, pa.date32()))
        mine = residents.filter(pc.and_(of_day, pc.equal(residents.column("age_group"), age_group)))
        at = pc.index_in(self.homes.column("cell"), mine.column("cell").combine_chunks()).fill_null(-1)
        people = np.r_[np.nan_to_num(rows.floats(mine.column("people"))), 0.0]
        return np.asarray(people[at.to_numpy().astype(np.int64)], dtype=np.float64)

    def placed(self, snapped: Mapping[str, pa.Array]) -> tuple[Search, Ints]:
        """A search [s] of new places (the columns of `Snappings.snap`; place n is facility n), and the node of each home in
        it."""
        place = np.flatnonzero(snapped["edge"].is_valid().to_numpy(zero_copy_only=False))
        at = pc.index_in(snapped["edge"], self.edges.column("edge").combine_chunks()).fill_null(NOWHERE)
        edge = at.to_numpy(zero_copy_only=False).astype(np.int64)[place]
        share = rows.floats(snapped["edge_share"])[place]
        metres = rows.floats(snapped["snap_distance"])[place]
        home_edge = self._edges(self.homes)
        there = home_edge >= 0
        home_share = np.nan_to_num(rows.floats(self.homes.column("edge_share")))
        whole, nodes = network.split(self.plain, np.r_[edge, home_edge[there]], np.r_[share, home_share[there]])
        home = np.zeros(len(there), dtype=np.int64)
        home[there] = nodes[len(place) :]
        return Search(whole, Doors(place, nodes[: len(place)], metres / self.speed), len(snapped["edge"])), home

    def pairs_to(self, snapped: Mapping[str, pa.Array], limit: float) -> Pairs:
        """Homes and new places within a limit [s] of each other."""
        search, home = self.placed(snapped)
        return search.pairs(np.arange(search.count), home, self.before("seconds"), limit)
