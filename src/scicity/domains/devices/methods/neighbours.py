"""Where the things that send are, and which datastreams of a property are neighbours.

Places are degrees of longitude and latitude [°], distances [km]. Source: own rules; distances on a sphere of 6371.0088 km, the
mean radius of WGS 84 (Moritz 2000, as quoted).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.devices.methods.coming import Floats

RADIUS = 6371.0088  # [km]
MOST = 8  # neighbours of one datastream, the nearest: more make its middle no better
AT_ONCE = 512  # datastreams whose distances are looked at together

NEIGHBOURS = pa.schema(
    [("datastream", pa.string()), ("neighbour", pa.string()), ("near", pa.string()), ("neighbour_distance", pa.float64())]
)


@dataclass(frozen=True)
class Place:
    """Where a thing is, as far as the registers tell: building, zone, longitude and latitude [°]."""

    building: str | None = None
    zone: str | None = None
    longitude: float | None = None
    latitude: float | None = None


def places(
    things: Iterable[str | None],
    stations: Iterable[Mapping[str, Any]],
    buildings: Iterable[Mapping[str, Any]],
    installations: Iterable[Mapping[str, Any]],
) -> dict[str, Place]:
    """Places of things [°]: a station its own, a meter that of the building in which it was installed last, a building its own.

    Things that no register places have an empty one. Source: the registers of the district.
    """
    of_building = {
        row["building"]: Place(row["building"], row.get("zone"), row.get("longitude"), row.get("latitude")) for row in buildings
    }
    newest: dict[str, Mapping[str, Any]] = {}
    for row in installations:
        known = newest.get(row["meter"])
        if row["building"] and (
            known is None or (row["valid_from"], row["building"]) > (known["valid_from"], known["building"])
        ):
            newest[row["meter"]] = row
    found = {thing: of_building[thing] for thing in things if thing in of_building}
    found |= {meter: of_building.get(row["building"], Place(row["building"])) for meter, row in newest.items()}
    found |= {row["station"]: Place(None, row.get("zone"), row.get("longitude"), row.get("latitude")) for row in stations}
    return {thing: found.get(thing, Place()) for thing in things if thing is not None}


def distances(from_: tuple[Floats, Floats], to: tuple[Floats, Floats]) -> Floats:
    """Great-circle distances [km] of places from others (longitudes, latitudes [°]): one row for each of the first.

    NaN where a place is not known. Source: the haversine formula.
    """
    (x, y), (u, v) = ([np.radians(each) for each in pair] for pair in (from_, to))
    x, y = x[:, None], y[:, None]
    half = np.sin((v - y) / 2) ** 2 + np.cos(y) * np.cos(v) * np.sin((u - x) / 2) ** 2
    found: Floats = 2 * RADIUS * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return found


def neighbours(streams: Iterable[Mapping[str, Any]], reach: Mapping[str, float], at: Mapping[str, Place]) -> pa.Table:
    """The neighbours of datastreams whose property is compared (`reach` [km] by property): the eight nearest of other things.

    Neighbours are in the same building, or within the reach of each other; where a place is not known, in the same zone.
    Source: own rule; the reach is data (`standards/behaviours.csv`).
    """
    by_property: dict[str, list[Mapping[str, Any]]] = {}
    for row in streams:
        if row["property"] in reach and row["thing"] is not None:
            by_property.setdefault(row["property"], []).append(row)
    found: list[tuple[str, str, str, float | None]] = []
    for observed, rows in sorted(by_property.items()):
        found += _of_one_property(sorted(rows, key=lambda row: str(row["datastream"])), float(reach[observed]), at)
    columns = [list(column) for column in zip(*found, strict=True)] if found else [[], [], [], []]
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, NEIGHBOURS, strict=True)], NEIGHBOURS)


def _of_one_property(
    rows: list[Mapping[str, Any]], reach: float, at: Mapping[str, Place]
) -> list[tuple[str, str, str, float | None]]:
    where = [at.get(row["thing"], Place()) for row in rows]
    thing, building, zone = (
        np.unique([value or "" for value in each], return_inverse=True)[1]
        for each in ([row["thing"] for row in rows], [place.building for place in where], [place.zone for place in where])
    )
    indoors, zoned = (
        np.array([bool(value) for value in each]) for each in ([p.building for p in where], [p.zone for p in where])
    )
    degrees = [
        np.array([np.nan if v is None else v for v in each], dtype=float) for each in zip(*map(_degrees, where), strict=True)
    ]
    found = []
    for low in range(0, len(rows), AT_ONCE):
        some = slice(low, low + AT_ONCE)
        far = distances((degrees[0][some], degrees[1][some]), (degrees[0], degrees[1]))
        together = (building[some, None] == building) & indoors[some, None]
        beside = (zone[some, None] == zone) & zoned[some, None] & np.isnan(far)
        near = np.select([together, far <= reach, beside], [0.0, far, 2 * reach], np.inf)
        near[thing[some, None] == thing] = np.inf
        chosen = np.argsort(near, axis=1, kind="stable")[:, :MOST]
        for row, column in np.argwhere(np.isfinite(np.take_along_axis(near, chosen, axis=1))).tolist():
            other = int(chosen[row, column])
            how = "building" if together[row, other] else "place" if far[row, other] <= reach else "zone"
            distance = None if np.isnan(far[row, other]) else round(float(far[row, other]), 3)
            found.append((str(rows[low + row]["datastream"]), str(rows[other]["datastream"]), how, distance))
    return found


def _degrees(place: Place) -> tuple[float | None, float | None]:
    return place.longitude, place.latitude
