"""Tables that compare buildings: with their quotas, and with their peers."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.diagnosis.baselines import LIMITS, days_of, limits_of
from scicity.domains.diagnosis.methods import frames, peers, quotas
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

NEVER = 2**31  # a day that does not come
_YEARLY = Read("energy.consumption_yearly", columns=("building", "carrier", "year", "energy", "coverage", "stand_in"))
_BUILDINGS = Read("buildings.building", columns=("building", "use", "floor_area", "origin"))


def _held(slot: Slot, rows: pa.Table) -> list[quotas.Held]:
    """Rows with their validity in local days."""

    def day(instant: Any, otherwise: int) -> int:
        return otherwise if instant is None else int(slot.calendar.days(np.array([int(instant.timestamp()) * 1_000_000]))[0])

    return [quotas.Held(day(row["valid_from"], -NEVER), day(row["valid_to"], NEVER), row) for row in rows.to_pylist()]


@derived(
    reads={
        "yearly": _YEARLY,
        "buildings": _BUILDINGS,
        "profiles": Read("diagnosis.profile", trace={"building": "building"}),
        "quota_rows": Read("diagnosis.quota", trace={"quota": "quota"}),
        "corrections": Read("diagnosis.quota_correction", trace={"quota": "quota"}),
        "limits": LIMITS,
    },
    columns=[
        *("building", "year", "use", "quota", "energy", "floor_area", "area_changed", "energy_intensity"),
        *("correction_factor", "corrected_intensity", "constraint_intensity", "guide_intensity", "quota_status"),
        *("reason", "document", "review", "coverage", "stand_in"),
    ],
    grain=["building", "year"],
    period="year",
    time="year",
    by_partition=True,
    title_zh="能耗对标",
    title_en="Use against quotas",
)
def quota_yearly(
    slot: Slot,
    yearly: pa.Table,
    buildings: pa.Table,
    profiles: pa.Table,
    quota_rows: pa.Table,
    corrections: pa.Table,
    limits: pa.Table,
) -> pa.Table:
    """Each building's energy per floor area in a year against the quota that holds for its use, climate zone and class.

    The energy is that of the quota's carriers, one kilowatt-hour of each counted as one; a carrier for which the building has
    no meter counts as not used. The area is the mean over the days of the year. Unknown, with the reason, are years of too
    little coverage (never extrapolated), buildings for which two rows may hold (never chosen between), and those whose
    correction cannot be made. A district without quotas has no rows.
    """
    if not len(quota_rows):
        return quota_yearly.schema.empty_table()
    first, length = days_of(slot)
    span, least = (first, first + length), limits_of(limits)["quota_coverage"]
    rows_of: dict[str, list[quotas.Held]] = defaultdict(list)
    for held in _held(slot, profiles):
        rows_of[held.told["building"]].append(held)
    changes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in corrections.to_pylist():
        changes[row["quota"]].append(row)
    used: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in yearly.to_pylist():
        used[row["building"]][row["carrier"]] = row
    known, offered = {row["building"]: row for row in buildings.to_pylist()}, _held(slot, quota_rows)
    rows = []
    for building, carriers in used.items():
        about = known.get(building, {})
        found = quotas.matching(offered, about.get("use"), rows_of[building], *span)
        quota = found[0].told if len(found) == 1 else {}
        counted = [carriers[name] for name in (quota.get("carriers") or "").split() if name in carriers]
        parts = [row["energy"] for row in counted]
        energy = sum(parts) if parts and None not in parts else None
        coverage = min((row["coverage"] or 0.0 for row in counted), default=None)
        told = quotas.compared(
            None if energy is None else float(energy), coverage, found, rows_of[building], about.get("floor_area"),
            changes[quota.get("quota", "")], span, least,
        )  # fmt: skip
        stands_in = any(row["stand_in"] for row in counted) or "stand-in" in {
            quota.get("origin"), about.get("origin"), *(held.told["origin"] for held in rows_of[building])
        }  # fmt: skip
        rows.append(
            {
                "building": building,
                "year": frames.year_of(first),
                "use": about.get("use"),
                **{
                    name: quota.get(name) for name in ("quota", "constraint_intensity", "guide_intensity", "document", "review")
                },
                "energy": energy,
                "floor_area": told.area,
                "area_changed": told.area_changed,
                "energy_intensity": told.intensity,
                "correction_factor": told.factor,
                "corrected_intensity": told.corrected,
                "quota_status": told.status,
                "reason": told.reason,
                "coverage": coverage,
                "stand_in": stands_in,
            }
        )
    return pa.Table.from_pylist(rows, schema=quota_yearly.schema)


_INTENSITY = Read(
    "energy.consumption_yearly", columns=("building", "carrier", "year", "energy_intensity", "coverage", "stand_in")
)
_OF_PEERS = {"yearly": _INTENSITY, "buildings": _BUILDINGS, "limits": LIMITS}


def _peers(yearly: pa.Table, buildings: pa.Table, least: float) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The buildings of each use and carrier whose year is known, with their intensities."""
    uses = {row["building"]: row["use"] for row in buildings.to_pylist()}
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in yearly.to_pylist():
        use = uses.get(row["building"])
        if use and row["energy_intensity"] is not None and (row["coverage"] or 0) >= least:
            found[use, row["carrier"]].append(row)
    return found


@derived(
    reads=_OF_PEERS,
    columns=[
        *("use", "carrier", "year", "peers", "intensity_p10", "intensity_p25", "intensity_median", "intensity_p75"),
        *("intensity_p90", "stand_in"),
    ],
    grain=["use", "carrier", "year"],
    period="year",
    time="year",
    by_partition=True,
    title_zh="同类建筑能耗强度分布",
    title_en="Intensities of peers",
)
def intensity_peers(slot: Slot, yearly: pa.Table, buildings: pa.Table, limits: pa.Table) -> pa.Table:
    """How the energy per floor area of buildings of one use spreads in a year; of too few peers the number alone."""
    rule = limits_of(limits)
    rows = []
    for (use, carrier), members in _peers(yearly, buildings, rule["quota_coverage"]).items():
        values = np.array([row["energy_intensity"] for row in members])
        count, told = peers.distribution(values, round(rule["peers"]))
        names = ("intensity_p10", "intensity_p25", "intensity_median", "intensity_p75", "intensity_p90")
        row = {"use": use, "carrier": carrier, "year": frames.year_of(days_of(slot)[0]), "peers": count}
        rows.append({**row, **dict(zip(names, told, strict=True)), "stand_in": any(m["stand_in"] for m in members)})
    return pa.Table.from_pylist(rows, schema=intensity_peers.schema)


@derived(
    reads=_OF_PEERS,
    columns=[
        *("building", "carrier", "year", "use", "energy_intensity", "peers", "intensity_place", "share_below"),
        *("coverage", "stand_in"),
    ],
    grain=["building", "carrier", "year"],
    period="year",
    time="year",
    by_partition=True,
    title_zh="建筑在同类中的位置",
    title_en="Where a building stands",
)
def intensity_place(slot: Slot, yearly: pa.Table, buildings: pa.Table, limits: pa.Table) -> pa.Table:
    """The place of each building among its peers of a year, 1 being the least intensity, and the share of the others below it.

    Buildings whose year is not known have no place and are no peers.
    """
    rule = limits_of(limits)
    rows = []
    for (use, carrier), members in _peers(yearly, buildings, rule["quota_coverage"]).items():
        place, share = peers.places(np.array([row["energy_intensity"] for row in members]))
        enough = len(members) >= rule["peers"]
        for row, mine, below in zip(members, place.tolist(), share.tolist(), strict=True):
            rows.append(
                {
                    **{name: row[name] for name in ("building", "year", "energy_intensity", "coverage", "stand_in")},
                    "use": use,
                    "carrier": carrier,
                    "peers": len(members),
                    "intensity_place": mine if enough else None,
                    "share_below": below * 100 if enough else None,
                }
            )
    return pa.Table.from_pylist(rows, schema=intensity_place.schema)
