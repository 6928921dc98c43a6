"""Run by the peer's own Python: pandana on a network handed over in an archive.

    PYTHON benchmarks/access_peer.py IN.npz OUT.npz

In: x, y of nodes, arcs start, end, metres, the nodes of each class and the limit. Out: seconds to build (with contraction), to
set the classes and find the nearest within the limit (medians), and the distances. Searches run from nodes to facilities on
arcs that are told one-way. Its searches are made for short limits: without one they had not ended after five minutes.
"""

import statistics
import sys
import time

import numpy as np
import pandana
import pandas as pd


def main():
    given = dict(np.load(sys.argv[1]))
    runs, limit = int(given["runs"]), float(given["limit"])
    x, y = pd.Series(given["x"]), pd.Series(given["y"])
    began = time.perf_counter()
    network = pandana.Network(
        x, y, pd.Series(given["start"]), pd.Series(given["end"]), pd.DataFrame({"metres": given["metres"]}), twoway=False
    )
    built = time.perf_counter() - began
    classes = sorted((name for name in given if name.startswith("class")), key=lambda name: int(name[5:]))

    set_up, asked, found = [], [], None
    for _ in range(runs):
        began = time.perf_counter()
        for name in classes:
            network.set_pois(name, limit, 1, x.iloc[given[name]], y.iloc[given[name]])
        set_up.append(time.perf_counter() - began)
        began = time.perf_counter()
        found = np.array([network.nearest_pois(limit, name, num_pois=1)[1].to_numpy() for name in classes])
        asked.append(time.perf_counter() - began)
    costs = np.where(found >= limit, np.inf, found)
    seconds = {"set": statistics.median(set_up), "near": statistics.median(asked)}
    np.savez(sys.argv[2], built=built, costs=costs, version=pandana.__version__, **seconds)


if __name__ == "__main__":
    main()
