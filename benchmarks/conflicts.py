"""Conflicts of two plans of 20,000 parcels each, beside geopandas.overlay on the same parcels in the same run.

    python -m benchmarks.conflicts [--parcels 20000] [--rounds 3]

Three pairs of plans: the same but for some parcels that were drawn anew (as of a revision: some 30,000 pieces), two drafts
whose corners all differ, and two that share no corner. Ours finds each place of one parcel, what both cover, what only one
covers, slivers, agreement and ids; the peer finds the pieces. Figures are the best of the rounds, and whether areas agree.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Callable
from typing import Any

import geopandas
import numpy as np
import shapely

from scicity.domains.planning.methods.conflicts import Limits, between, sheets

USES = np.array(["07", "08", "09", "12", "14"], dtype=object)


def parcels(count: int, seed: int, noise: float, shift: float = 0.0, moved: float = 1.0) -> Any:
    """Quadrilaterals of some 40 m that share their corners, of which a share was moved by noise."""
    side = math.ceil(math.sqrt(count))
    xs, ys = np.meshgrid(np.arange(side + 1) * 40.0, np.arange(side + 1) * 40.0)
    corners = np.stack([xs, ys], -1) + np.random.default_rng(7).uniform(-4, 4, (side + 1, side + 1, 2)) + shift
    r = np.random.default_rng(seed)
    corners += r.uniform(-noise, noise, corners.shape) * (r.random(corners.shape[:2]) < moved)[..., None]
    rings = np.stack([corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]], 2).reshape(-1, 4, 2)
    return shapely.polygons(rings[:count])


def best(action: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """The least seconds of some rounds, and the last result."""
    seconds, found = [], None
    for _ in range(rounds):
        began = time.perf_counter()
        found = action()
        seconds.append(time.perf_counter() - began)
    return min(seconds), found


def main() -> None:
    """Prints a row for each pair of plans."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--parcels", type=int, default=20_000)
    reader.add_argument("--rounds", type=int, default=3)
    chosen = reader.parse_args()
    warnings.simplefilter("ignore")
    count = chosen.parcels
    names = np.array([f"p{at}" for at in range(count)], dtype=object)
    uses = [np.random.default_rng(seed).choice(USES, count) for seed in (1, 2)]
    plain = parcels(count, 1, 0.0)
    pairs = {
        "a revision": (plain, parcels(count, 2, 6.0, moved=0.035)),
        "two drafts": (plain, parcels(count, 2, 2.0)),
        "no corner shared": (plain, parcels(count, 2, 2.0, shift=13.7)),
    }
    print(f"{'pair':<18}{'pieces':>9}{'ours s':>9}{'geopandas s':>13}{'ratio':>7}{'areas differ':>14}{'unaccounted':>13}")
    for name, (left, right) in pairs.items():

        def ours(left: Any = left, right: Any = right) -> Any:
            one, two = sheets(
                (plan, names, use, use, shapes) for plan, use, shapes in zip("pq", uses, (left, right), strict=True)
            )
            return between(one, two, Limits(10.0, 1.0))

        def peer(left: Any = left, right: Any = right) -> Any:
            frames = [
                geopandas.GeoDataFrame({"feature": names, "use": use}, geometry=shapes, crs="EPSG:4548")
                for use, shapes in zip(uses, (left, right), strict=True)
            ]
            return geopandas.overlay(*frames, how="intersection", keep_geom_type=True)

        mine, found = best(ours, chosen.rounds)
        theirs, pieces = best(peer, chosen.rounds)
        totals = found.totals
        shared = totals["agreed_area"] + totals["conflict_area"] + totals["sliver_area"]
        off = abs(shared - pieces.area.sum()) / totals["whole_area"]
        rest = abs(totals["unaccounted_area"]) / totals["whole_area"]
        print(f"{name:<18}{len(pieces):>9,}{mine:>9.2f}{theirs:>13.2f}{mine / theirs:>7.2f}{off:>14.1e}{rest:>13.1e}")


if __name__ == "__main__":
    main()
