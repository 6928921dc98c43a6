"""Accounts of land, of green space and water, and of the strategic reserve, by zone and day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from scicity.domains.planning.compared import COLUMNS, STAND_IN, zone_names
from scicity.domains.planning.methods import uses
from scicity.domains.planning.methods.accounts import Account, account, blue_and_green, holding, reserved
from scicity.domains.planning.methods.partition import in_turn
from scicity.domains.planning.sources import RESERVE
from scicity.kernel.calendar import micros
from scicity.kernel.computing import Slot
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.tables import Read, derived
from scicity.space.ground import Ground, ground_of

_READ = COLUMNS
_DAYS = Read("planning.account_day", columns=("day",), trace={"day": "day"})
_ZONES = Read("layer.zones", columns=_READ, trace={"zone": "feature"})
_LAND = {
    "days": _DAYS,
    "zones": _ZONES,
    "parcels": Read("layer.parcels", columns=_READ, trace={}),
    "land_uses": Read("planning.land_use", columns=("land_use", "use_group"), trace={"land_use": "land_use"}),
    "words": Read("planning.land_use_word", columns=("written_class", "land_use"), trace={}),
}
MOST_KEPT = 16  # accounts: two tables are made of each, one after the other
_RESERVE = {**_LAND, "kept": Read("layer.strategic-reserve", columns=_READ, trace={})}


_kept: dict[bytes, Account] = {}


class Land:
    """Zones and parcels on the ground, with the land use of each parcel; `codes` are those that any parcel has, unknown
    last."""

    def __init__(self, slot: Slot, tables: dict[str, pa.Table]) -> None:
        self.slot, self.tables = slot, tables
        self.ground = ground_of(tables["zones"], tables["parcels"])
        groups = {row["land_use"]: row["use_group"] for row in tables["land_uses"].to_pylist()}
        words = {row["written_class"]: row["land_use"] for row in tables["words"].to_pylist()}
        written = tables["parcels"].column("feature_class").to_numpy(zero_copy_only=False)
        land_use = uses.land_uses(written, set(groups), words)
        self.codes: list[str | None] = [*sorted({each for each in land_use.tolist() if each}), None]
        place = {code: at for at, code in enumerate(self.codes)}
        self.number = np.array([place[each] for each in land_use.tolist()], dtype=np.int64)
        self.shapes = _shapes(self.ground, tables["parcels"])
        kept = [bool(code) and groups.get(code) == RESERVE for code in self.codes]
        self.is_reserve = np.array(kept, dtype=bool)[self.number] if len(self.number) else np.zeros(0, dtype=bool)

    def each_day(self) -> Iterator[tuple[date, Any, list[str], Any, int]]:
        """Each day of the accounts with the zones that hold on it, their names, which parcels do, and its instant [µs]."""
        for day in self.tables["days"].column("day").to_pylist():
            moment = self.slot.calendar.instant(day)
            shapes, names = zones_on(self.ground, self.tables["zones"], moment)
            yield day, shapes, names, on(self.tables["parcels"], moment), moment

    def accounted(self, zones: Any, there: Any) -> Account:
        """The account of these zones and parcels; the one that the other table of it just had is not overlaid again."""
        shapes, number = self.shapes[there], self.number[there]
        told = hashlib.sha256(repr((len(zones), len(shapes), len(self.codes))).encode())
        for each in (*shapely.to_wkb(zones), *shapely.to_wkb(shapes)):
            told.update(each or b"-")
        key = told.digest() + hashlib.sha256(number.tobytes()).digest()
        found = _kept.get(key)
        if found is None:
            found = account(zones, shapes, number, len(self.codes))
            if len(_kept) >= MOST_KEPT:
                _kept.clear()
            _kept[key] = found
        return found

    @property
    def stand_in(self) -> bool:
        """Whether anything of it is not the district's own."""
        return any(stands_in(self.tables[name]) for name in ("zones", "parcels", "kept") if name in self.tables)


@derived(
    reads=_LAND,
    columns=["day", "zone", "land_use", "land_area", "land_share", "stand_in"],
    grain=["day", "zone", "land_use"],
    by_partition=True,
    title_zh="用地台账",
    title_en="Account of land use",
)
def land_use_account(slot: Slot, **tables: pa.Table) -> pa.Table:
    """The area of each land use by zone on the days of the accounts; `district` is the sum of its zones.

    Where two parcels lie over each other, or two zones, the earlier has the place. What no parcel covers, or one of unknown
    class, is told in `account_balance`. Method: `methods/accounts.py`.
    """
    land, rows = Land(slot, tables), []
    for day, zones, names, there, _ in land.each_day():
        found = land.accounted(zones, there)
        for zone, whole, area in with_whole(names, found.zone, found.area):
            rows += [
                {"day": day, "zone": zone, "land_use": code, "land_area": float(of), "land_share": _share(of, whole)}
                for code, of in zip(land.codes, area, strict=True)
                if code is not None and of > 0
            ]
    return _told(rows, land.stand_in, land_use_account.schema)


@derived(
    reads=_LAND,
    columns=[
        *("day", "zone", "zone_area", "accounted_area", "unclassified_area", "gap_area", "overlap_area", "outside_area"),
        *("unaccounted_area", "stand_in"),
    ],
    grain=["day", "zone"],
    by_partition=True,
    title_zh="用地台账平衡",
    title_en="Balance of the account of land",
)
def account_balance(slot: Slot, **tables: pa.Table) -> pa.Table:
    """What makes the account of land whole: zone = accounted + unclassified + gap + unaccounted.

    What two parcels claim is counted once and told as `overlap_area`; what lies in no zone, as `outside_area` of the district.
    """
    land, rows = Land(slot, tables), []
    for day, zones, names, there, _ in land.each_day():
        found = land.accounted(zones, there)
        columns = np.column_stack(
            [found.area[:, :-1].sum(axis=1), found.area[:, -1], found.gap, found.overlap, found.unaccounted]
        )
        for zone, whole, (accounted, unknown, gap, overlap, rest) in with_whole(names, found.zone, columns):
            rows.append(
                {"day": day, "zone": zone, "zone_area": whole, "accounted_area": accounted, "unclassified_area": unknown}
                | {"gap_area": gap, "overlap_area": overlap, "unaccounted_area": rest}
                | {"outside_area": float(found.outside.sum()) if zone == ROOT_ZONE else None}
            )
    return _told(rows, land.stand_in, account_balance.schema)


@derived(
    reads=_RESERVE,
    columns=[
        *("day", "zone", "reserve_area", "reserve_kept_area", "reserve_used_area", "reserve_unknown_area"),
        *("reserve_used_share", "stand_in"),
    ],
    grain=["day", "zone"],
    by_partition=True,
    title_zh="战略留白台账",
    title_en="Account of the strategic reserve",
)
def reserve_account(slot: Slot, **tables: pa.Table) -> pa.Table:
    """How much land was held in reserve until a day, how much of it still is, and how much was put to use.

    The reserve is what the layer strategic-reserve tells and told until that day; without such a layer, the parcels whose use
    is reserve. What is released and of whose use no parcel tells is unknown, neither kept nor used.
    """
    land, rows = Land(slot, tables), []
    for day, names, held, became in _reserves(land):
        kept, used = became[:, 0], became[:, 1:-1].sum(axis=1)
        columns = np.column_stack([kept, used, np.maximum(held - kept - used, 0.0)])
        for zone, whole, (still, put, unknown) in with_whole(names, held, columns):
            rows.append(
                {"day": day, "zone": zone, "reserve_area": whole, "reserve_kept_area": still, "reserve_used_area": put}
                | {"reserve_unknown_area": unknown, "reserve_used_share": _share(put, whole)}
            )
    return _told(rows, land.stand_in, reserve_account.schema)


@derived(
    reads=_RESERVE,
    columns=["day", "zone", "land_use", "reserve_used_area", "stand_in"],
    grain=["day", "zone", "land_use"],
    by_partition=True,
    title_zh="留白启用去向",
    title_en="What the reserve was used for",
)
def reserve_use(slot: Slot, **tables: pa.Table) -> pa.Table:
    """The land uses that land of the strategic reserve has on a day."""
    land, rows = Land(slot, tables), []
    for day, names, held, became in _reserves(land):
        for zone, _, area in with_whole(names, held, became):
            rows += [
                {"day": day, "zone": zone, "land_use": code, "reserve_used_area": float(of)}
                for code, of in zip(land.codes, area[1:], strict=True)
                if code is not None and of > 0
            ]
    return _told(rows, land.stand_in, reserve_use.schema)


@derived(
    reads={
        "days": _DAYS,
        "zones": _ZONES,
        "parks": Read("layer.parks", columns=_READ, trace={}),
        "green": Read("layer.green-space", columns=_READ, trace={}),
        "water": Read("layer.water", columns=_READ, trace={}),
    },
    columns=[
        *(
            "day",
            "zone",
            "zone_area",
            "green_area",
            "water_area",
            "both_area",
            "blue_green_area",
            "blue_green_share",
            "stand_in",
        ),
    ],
    grain=["day", "zone"],
    by_partition=True,
    title_zh="蓝绿空间台账",
    title_en="Account of blue-green space",
)
def blue_green_account(
    slot: Slot, days: pa.Table, zones: pa.Table, parks: pa.Table, green: pa.Table, water: pa.Table
) -> pa.Table:
    """Green space (parks too) and water by zone, each place counted once, and their share of the zone as drawn.

    Water within green space is water; `both_area` tells how much of it there is. Where a district has no layer of green
    space, of parks or of water there is no account: unknown is not 0.
    """
    rows: list[dict[str, Any]] = []
    if not (parks.num_rows or green.num_rows) or not water.num_rows:
        return _told(rows, False, blue_green_account.schema)
    ground = ground_of(zones, parks, green, water)
    leaves, blue = (np.concatenate([_shapes(ground, each) for each in some]) for some in ((parks, green), (water,)))
    for day in days.column("day").to_pylist():
        moment = slot.calendar.instant(day)
        shapes, names = zones_on(ground, zones, moment)
        now_green = np.concatenate([on(parks, moment), on(green, moment)])
        dry, wet, both = blue_and_green(shapes, leaves[now_green], blue[on(water, moment)])
        whole = np.nan_to_num(shapely.area(shapes))
        for zone, area, (g, b, shared) in with_whole(names, whole, np.column_stack([dry, wet, both])):
            rows.append(
                {"day": day, "zone": zone, "zone_area": area, "green_area": g, "water_area": b, "both_area": shared}
                | {"blue_green_area": g + b, "blue_green_share": _share(g + b, area)}
            )
    return _told(rows, any(stands_in(each) for each in (zones, parks, green, water)), blue_green_account.schema)


def _reserves(land: Land) -> Iterator[tuple[date, list[str], Any, Any]]:
    """Each day with its zones, the reserve until then, and what became of it: what is kept, then the classes of
    `land.codes`."""
    layer, parcels = land.tables["kept"], land.tables["parcels"]
    told = bool(layer.num_rows)
    ever = _shapes(land.ground, layer) if told else land.shapes[land.is_reserve]
    begins = _moments(layer.column("valid_from")) if told else _moments(parcels.column("valid_from"))[land.is_reserve]
    for day, zones, names, there, moment in land.each_day():
        until = begins <= moment
        if until.any():
            now = ever[on(layer, moment)] if told else land.shapes[land.is_reserve & there]
            other = there & ~land.is_reserve
            shapes = np.concatenate([now, land.shapes[other]])
            number = np.concatenate([np.zeros(len(now), np.int64), land.number[other] + 1])
            yield day, names, *reserved(zones, ever[until], shapes, number, len(land.codes) + 1)


def zones_on(ground: Ground, zones: pa.Table, moment: int) -> tuple[Any, list[str]]:
    """The zones that hold at a moment [µs] and their names; the district as a whole is no zone where there are others."""
    names, there = zone_names(zones), on(zones, moment)
    if (names != ROOT_ZONE).any():
        there &= names != ROOT_ZONE
    shapes, names = _shapes(ground, zones)[there], names[there]
    own, *_ = in_turn(shapes, np.zeros(len(shapes), dtype=np.int64))
    return own, names.tolist()


def with_whole(names: list[str], whole: Any, columns: Any) -> Iterator[tuple[str, float, Any]]:
    """The rows of zones (a zone that several features make is one), then their sum as the district's where it is none of
    them."""
    of = sorted(set(names))
    for zone in of:
        mine = np.array([name == zone for name in names])
        yield zone, float(whole[mine].sum()), columns[mine].sum(axis=0).tolist()
    if of and ROOT_ZONE not in of:
        yield ROOT_ZONE, float(whole.sum()), columns.sum(axis=0).tolist()


def on(layer: pa.Table, moment: int) -> Any:
    """Which features of a layer hold at a moment [µs]."""
    return holding(_moments(layer.column("valid_from")), _moments(layer.column("valid_to")), moment)


def stands_in(layer: pa.Table) -> bool:
    """Whether a feature of a layer is a stand-in."""
    return STAND_IN in layer.column("origin").to_pylist()


def _moments(column: Any) -> Any:
    """Instants [µs], the least whole number where there is none."""
    return micros(column.fill_null(pa.scalar(-(2**63), pa.int64()).cast(column.type))) if column.null_count else micros(column)


def _shapes(ground: Ground, layer: pa.Table) -> Any:
    return ground.shapes(layer.column("geometry")) if layer.num_rows else np.empty(0, dtype=object)


def _share(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole > 0 else None


def _told(rows: list[dict[str, Any]], stand_in: bool, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([row | {"stand_in": stand_in} for row in rows], schema=schema)
