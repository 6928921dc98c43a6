"""Which building keeps and which breaks the heights around sites and in view corridors, by how many metres, and since when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from scicity.domains.heritage.methods import corridors, heights
from scicity.domains.heritage.methods.rights import narrowed, together
from scicity.domains.heritage.sources import NEW, NONE, band_of
from scicity.kernel.calendar import micros
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived
from scicity.space.ground import Ground, ground_of, word_of

Array = np.ndarray[Any, Any]
STAND_IN = "stand-in"
KEEPS, BREAKS, UNKNOWN = "keeps", "breaks", "unknown"
BY_DISTANCE, BY_RANGE, BY_VIEW = "distance", "range", "corridor"
ALWAYS = np.iinfo(np.int64).min
_FEATURE = ("feature", "feature_class", "valid_from", "valid_to", "restricted_to", "details", "geometry", "origin", "digest")
_BUILT = (*_FEATURE, "elevation", "height")
_CHECK = [
    *("feature", "check_kind", "height_rule", "site", "site_distance", "height", "permitted_height", "excess_height"),
    *("height_verdict", "ground_assumed", "valid_from", "valid_to", "zone", "longitude", "latitude", "review", "restricted_to"),
    *("stand_in", "geometry"),
]
_READS = {
    "buildings": Read("layer.buildings", columns=_BUILT, trace={"feature": "feature"}),
    "sites": Read("layer.heritage-sites", columns=_FEATURE, trace={"site": "feature"}),
    "ranges": Read("layer.protection-ranges", columns=_FEATURE, trace={}),
    "lines": Read("layer.view-corridors", columns=_FEATURE, trace={"height_rule": "feature"}),
    "zones": Read("layer.zones", columns=_FEATURE, trace={}),
    "rules": Read("heritage.height_rule", trace={"height_rule": "height_rule"}),
    "views": Read("heritage.view_corridor", trace={"height_rule": "corridor"}),
    "layers": Read("district.layer", columns=("layer", "visible_to"), trace={}),
}


@derived(
    reads=_READS,
    columns=_CHECK,
    grain=["feature", "check_kind", "height_rule", "site"],
    by_partition=True,
    title_zh="建筑高度核查",
    title_en="Heights checked",
)
def height_check(slot: Slot, **tables: pa.Table) -> pa.Table:
    """Each building and each rule that concerns it: what is permitted, how high it is, and by how many metres it breaks the
    rule.

    A rule concerns a building while both hold (`valid_from` to `valid_to`); one for new buildings those that came when it
    held. A height that is not known is no breach and no keeping. Methods: `methods/heights.py`, `methods/corridors.py`.
    """
    return Check(tables).table()


class Check:
    """The buildings, sites, ranges and views of a district on its ground, and the rows that they lead to."""

    def __init__(self, tables: dict[str, pa.Table]) -> None:
        self.tables = tables
        built = tables["buildings"]
        self.ground = ground_of(tables["zones"], built, tables["sites"])
        self.shapes = _shapes(self.ground, built)
        self.height, self.base = _real(built, "height"), _real(built, "elevation")
        self.begins, self.ends = _moments(built, "valid_from"), _moments(built, "valid_to")
        self.feature = _words(built, "feature")
        self.visible = {row["layer"]: row["visible_to"] for row in tables["layers"].to_pylist()}
        self.of_building = _words(built, "restricted_to")
        self.stand_in = any(STAND_IN in tables[name].column("origin").to_pylist() for name in ("buildings", "sites"))

    def table(self) -> pa.Table:
        """All rows."""
        parts = [part for part in (*self._by_distance(), *self._by_range(), *self._by_view()) if part.num_rows]
        return pa.concat_tables(parts) if parts else height_check.schema.empty_table()

    def _by_distance(self) -> list[pa.Table]:
        rules = [row for row in self.tables["rules"].to_pylist() if row["distance_from"] is not None]
        sites = self.tables["sites"]
        shapes, names, roles = _shapes(self.ground, sites), _words(sites, "feature"), _words(sites, "restricted_to")
        if not rules or not len(shapes):
            return []
        bands = [band_of(row) for row in rules]
        i, j, distance = heights.near(shapes, self.shapes, heights.reach_of(bands))
        found = []
        for row, band in zip(rules, bands, strict=True):
            limit = np.zeros(len(i)) if row["rule_form"] == NONE else heights.permitted(distance, band)
            inside = (distance >= band.begins) & (distance < band.ends)
            chosen = inside & self._concerned(row, j)
            if band.site is not None:
                chosen &= names[i] == band.site
            found.append(
                self._rows(
                    BY_DISTANCE,
                    row,
                    j[chosen],
                    names[i[chosen]],
                    distance[chosen],
                    limit[chosen],
                    roles[i[chosen]],
                    "heritage-sites",
                )
            )
        return found

    def _by_range(self) -> list[pa.Table]:
        rules = [row for row in self.tables["rules"].to_pylist() if row["range_class"]]
        ranges = self.tables["ranges"]
        shapes, kinds, roles = _shapes(self.ground, ranges), _words(ranges, "feature_class"), _words(ranges, "restricted_to")
        if not rules or not len(shapes):
            return []
        told, own = word_of(ranges.column("details"), "site"), _words(ranges, "feature")
        sites = np.array([a or b for a, b in zip(told, own, strict=True)], dtype=object)
        i, j = heights.within(shapes, self.shapes)
        begins, ends = _moments(ranges, "valid_from"), _moments(ranges, "valid_to")
        i, j = _first_of(i, j, sites, kinds)
        found = []
        for row in rules:
            chosen = (
                (kinds[i] == row["range_class"])
                & self._concerned(row, j)
                & _meet(begins[i], ends[i], self.begins[j], self.ends[j])
            )
            if row["site"]:
                chosen &= sites[i] == row["site"]
            limit = np.full(int(chosen.sum()), row["permitted_height"] or 0.0)
            away = np.zeros(int(chosen.sum()))
            found.append(
                self._rows(BY_RANGE, row, j[chosen], sites[i[chosen]], away, limit, roles[i[chosen]], "protection-ranges")
            )
        return found

    def _by_view(self) -> list[pa.Table]:
        lines = self.tables["lines"]
        there = dict(zip(_words(lines, "feature"), range(lines.num_rows), strict=True))
        views = [row for row in self.tables["views"].to_pylist() if row["corridor"] in there]
        if not views:
            return []
        shapes = self.ground.shapes(lines.column("geometry"), dimension=1)
        known = [row for row in views if shapes[there[row["corridor"]]] is not None]
        at = [there[row["corridor"]] for row in known]
        if not known:
            return []
        corner = [shapely.get_coordinates(shapes[each]) for each in at]
        deep = [shapely.get_coordinates(each, include_z=True) for each in shapely.from_wkb(_words(lines, "geometry")[at])]
        eye_ground, target_ground = (
            np.array([_first(row[name], each[end, 2] - row[above]) for row, each in zip(known, deep, strict=True)])
            for name, above, end in (("eye_ground", "eye_height", 0), ("target_ground", "target_height", -1))
        )
        usable = ~np.isnan(eye_ground) & ~np.isnan(target_ground)  # without either there is no sight line
        known, corner = ([each for each, ok in zip(some, usable, strict=True) if ok] for some in (known, corner))
        eye_ground, target_ground, at = eye_ground[usable], target_ground[usable], np.array(at)[usable]
        if not known:
            return []
        columns = {
            name: np.array([row[name] for row in known], float)
            for name in ("eye_height", "target_height", "eye_width", "target_width")
        }
        strips = corridors.Corridors(
            eye=np.array([each[0] for each in corner]),
            target=np.array([each[-1] for each in corner]),
            eye_elevation=eye_ground + columns["eye_height"],
            target_elevation=target_ground + columns["target_height"],
            eye_ground=eye_ground,
            target_ground=target_ground,
            eye_width=columns["eye_width"],
            target_width=columns["target_width"],
        )
        i, j, away, limit, assumed = corridors.sight(strips, self.shapes, self.base)
        roles, found = _words(lines, "restricted_to"), []
        for number, row in enumerate(known):
            chosen = (i == number) & self._concerned(row | {"applies_to": None}, j)
            about = row | {"height_rule": row["corridor"]}
            size = int(chosen.sum())
            site, of = (
                np.full(size, row["site"] or row["corridor"], dtype=object),
                np.full(size, roles[at[number]], dtype=object),
            )
            found.append(
                self._rows(BY_VIEW, about, j[chosen], site, away[chosen], limit[chosen], of, "view-corridors", assumed[chosen])
            )
        return found

    def _concerned(self, row: dict[str, Any], j: Array) -> Array:
        """Whether a rule holds at a time at which each building is there; of one for new ones, whether it came when it held."""
        begins, ends = _micros(row["valid_from"]), _micros(row["valid_to"])
        both = _meet(np.full(len(j), begins), np.full(len(j), ends), self.begins[j], self.ends[j])
        return both & (self.begins[j] >= begins) if row["applies_to"] == NEW else both

    def _rows(
        self,
        kind: str,
        row: dict[str, Any],
        j: Array,
        site: Array,
        away: Array,
        limit: Array,
        roles: Array,
        layer: str,
        assumed: Array | None = None,
    ) -> pa.Table:
        """The rows of one rule."""
        size = len(j)
        limit = np.maximum(limit, 0.0)
        over = heights.excess(self.height[j], limit)
        verdict = np.where(np.isnan(over), UNKNOWN, np.where(over > 0, BREAKS, KEEPS)).astype(object)
        inside = shapely.point_on_surface(self.shapes[j])
        places = self.ground.lonlat(inside)
        begins = np.maximum(self.begins[j], _micros(row["valid_from"]))
        ends = _earlier(self.ends[j], _micros(row["valid_to"]))
        seen = narrowed(self.visible.get("buildings"), self.visible.get(layer))
        columns = {
            "feature": self.feature[j],
            "check_kind": [kind] * size,
            "height_rule": [row["height_rule"]] * size,
            "site": site,
            "site_distance": away,
            "height": _nullable(self.height[j]),
            "permitted_height": limit,
            "excess_height": _nullable(over),
            "height_verdict": verdict,
            "ground_assumed": np.zeros(size, bool) if assumed is None else assumed,
            "valid_from": _instants(begins),
            "valid_to": _instants(ends),
            "zone": self._zones_of(inside),
            "longitude": shapely.get_x(places),
            "latitude": shapely.get_y(places),
            "review": [row["review"]] * size,
            "restricted_to": together(self.of_building[j].tolist(), roles.tolist(), seen),
            "stand_in": [self.stand_in or row["origin"] == STAND_IN] * size,
            "geometry": self.ground.wkb(self.shapes[j]) if size else pa.array([], pa.binary()),
        }
        schema = height_check.schema
        return pa.table([_array(columns[name], schema.field(name).type) for name in _CHECK], schema=schema)

    def _zones_of(self, points: Array) -> Array:
        """The zone in which each point lies; None where there is none."""
        found, zones = np.full(len(points), None, dtype=object), self.tables["zones"]
        if zones.num_rows and len(points):
            told, own = word_of(zones.column("details"), "zone"), _words(zones, "feature")
            names = np.array([a or b for a, b in zip(told, own, strict=True)], dtype=object)
            at, which = shapely.STRtree(_shapes(self.ground, zones)).query(points, predicate="intersects")
            found[at[::-1]] = names[which[::-1]]
        return found


def _first_of(i: Array, j: Array, sites: Array, kinds: Array) -> tuple[Array, Array]:
    """Of several ranges of one site and class in which a building stands, the first: one row each."""
    keys = [f"{site}\0{kind}\0{building}" for site, kind, building in zip(sites[i], kinds[i], j, strict=True)]
    _, first = np.unique(np.array(keys, dtype=str), return_index=True) if keys else (None, np.empty(0, np.int64))
    return i[np.sort(first)], j[np.sort(first)]


def _meet(begins: Array, ends: Array, from_: Array, to: Array) -> Array:
    """Whether two stretches of time share any [µs]; the least whole number is no limit."""
    one = (ends == ALWAYS) | (from_ < ends)
    return one & ((to == ALWAYS) | (begins < to))


def _earlier(ends: Array, other: int) -> Array:
    """The earlier of two ends [µs], of which the least whole number is none."""
    if other == ALWAYS:
        return ends
    return np.where(ends == ALWAYS, other, np.minimum(ends, other))


def _first(told: float | None, drawn: float) -> float:
    return float(drawn) if told is None else told


def _shapes(ground: Ground, layer: pa.Table) -> Array:
    return ground.shapes(layer.column("geometry")) if layer.num_rows else np.empty(0, dtype=object)


def _words(layer: pa.Table, name: str) -> Array:
    return layer.column(name).to_numpy(zero_copy_only=False)


def _real(layer: pa.Table, name: str) -> Array:
    return pc.fill_null(layer.column(name), float("nan")).to_numpy(zero_copy_only=False).astype(float)


def _moments(layer: pa.Table, name: str) -> Array:
    column = layer.column(name)
    return micros(column.fill_null(pa.scalar(ALWAYS, pa.int64()).cast(column.type)) if column.null_count else column)


def _micros(moment: Any) -> int:
    return int(ALWAYS) if moment is None else round(moment.timestamp() * 1_000_000)


def _instants(moments: Array) -> pa.Array:
    return pa.array(moments, mask=moments == ALWAYS).cast(pa.timestamp("us", tz="UTC"))


def _nullable(values: Array) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)
