"""The nearest of 10 classes of facilities for every node of a network of some 83,000 nodes, beside pandana in the same run.

    nice -n 10 .venv/bin/python benchmarks/access.py [--peer PYTHON] [--osm FILE.osm.pbf]

The network is a stand-in: a grid of streets of 288 by 288 crossings, bent at random, a fifth of the streets missing, a tenth of
them one-way, as one island; or the walkable lines of an extract of OpenStreetMap. Figures are the median of five runs. `--peer`
names a Python in an environment of its own that has pandana (AGPL: a peer to measure against, not a part of this program); it
runs `access_peer.py`, which gets the same nodes, arcs and facilities, and its distances are compared with ours.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from scicity.domains.circles.methods.network import FORBIDDEN, Network, Pace, build
from scicity.domains.circles.methods.reaching import Doors, Search

SIDE = 288
CLASSES = (8, 15, 25, 40, 60, 90, 130, 200, 300, 500)  # how many facilities each class has
LIMIT = 1000.0  # [m]
RUNS = 5


def grid(side: int) -> Network:
    """Streets of 60 to 140 m between crossings, seeded."""
    rng = np.random.default_rng(20)
    across, up = np.meshgrid(np.arange(side), np.arange(side))
    places = np.stack([116.4 + across * 1.17e-3, 40.1 + up * 0.9e-3], axis=-1) + rng.normal(0, 1.5e-4, (side, side, 2))
    streets = np.concatenate(
        [
            np.stack([places[:, :-1], places[:, 1:]], -2).reshape(-1, 2, 2),
            np.stack([places[:-1], places[1:]], -2).reshape(-1, 2, 2),
        ]
    )
    streets = streets[rng.random(len(streets)) < 0.8]
    forward = np.ones(len(streets))
    backward = np.where(rng.random(len(streets)) < 0.1, FORBIDDEN, 1.0)
    return build(shapely.linestrings(streets), Pace(forward, backward, np.zeros(len(streets))))


def extract(file: str) -> Network:
    """Everything that is a highway, both ways."""
    import pyogrio

    _, lines = pyogrio.read_arrow(file, layer="lines", where="highway IS NOT NULL", columns=["highway"])
    shapes = shapely.from_wkb(lines.column("wkb_geometry").to_numpy(zero_copy_only=False))
    return build(shapes, Pace(np.ones(len(shapes)), np.ones(len(shapes)), np.zeros(len(shapes))))


def took(function: Callable[[], Any]) -> tuple[float, Any]:
    """The median seconds of a call, and what it gave."""
    seconds, found = [], None
    for _ in range(RUNS):
        began = time.perf_counter()
        found = function()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), found


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--peer")
    asked.add_argument("--osm")
    given = asked.parse_args()
    began = time.perf_counter()
    network = extract(given.osm) if given.osm else grid(SIDE)
    print(f"network: {network.nodes:,} nodes, {len(network.start):,} edges, built in {time.perf_counter() - began:.2f} s")
    rng = np.random.default_rng(21)
    place = [rng.choice(network.nodes, min(count, network.nodes // 2), replace=False) for count in CLASSES]
    facility = np.split(np.arange(sum(map(len, place))), np.cumsum([len(each) for each in place])[:-1])
    nodes = np.concatenate(place)

    def search() -> Search:
        found = Search(network, Doors(np.arange(len(nodes)), nodes, np.zeros(len(nodes))), len(nodes), "metres")
        _ = found.graph  # made at the first asking
        return found

    prepared, ready = took(search)
    print(f"ours: matrix of the network with its facilities {prepared:.3f} s")
    far, _ = took(lambda: [ready.nearest(each).cost for each in facility])
    print(f"ours: nearest of {len(facility)} classes, however far: {far:.3f} s")
    near, costs = took(lambda: np.array([ready.nearest(each, LIMIT).cost for each in facility]))
    print(f"ours: nearest of {len(facility)} classes within {LIMIT:,.0f} m: {near:.3f} s")
    if given.peer:
        beside(given.peer, network, place, costs)


def beside(peer: str, network: Network, place: list[Any], costs: Any) -> None:
    """The same by the peer, and how its distances differ."""
    start, end, metres = network.arcs("metres")
    with tempfile.TemporaryDirectory() as folder:
        handed, back = Path(folder) / "in.npz", Path(folder) / "out.npz"
        told = {f"class{number}": nodes for number, nodes in enumerate(place)}
        xy = {"x": network.longitude, "y": network.latitude}
        np.savez(handed, start=start, end=end, metres=metres, limit=LIMIT, runs=RUNS, **xy, **told)
        subprocess.run([peer, str(Path(__file__).with_name("access_peer.py")), handed, back], check=True, stdout=sys.stderr)
        found = dict(np.load(back))
    print(f"pandana {found['version']}: contraction {found['built']:.3f} s (once a network)")
    print(f"pandana: sets {len(place)} classes {found['set']:.3f} s")
    print(f"pandana: nearest of {len(place)} classes within {LIMIT:,.0f} m: {found['near']:.3f} s")
    both = np.isfinite(costs) & np.isfinite(found["costs"])
    print(f"distances: {both.sum():,} compared, largest difference {np.abs(costs - found['costs'])[both].max():.6f} m; ")
    ours, theirs = (np.isfinite(costs) & ~both).sum(), (np.isfinite(found["costs"]) & ~both).sum()
    print(f"reached by us alone {ours:,}, by pandana alone {theirs:,}")


if __name__ == "__main__":
    main()
