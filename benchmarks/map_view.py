"""The first view of the map in a browser whose cache is empty, beside bare MapLibre with the same tiles.

    SCICITY_STATE=FOLDER python benchmarks/map_view.py [--district FOLDER] [--times 7] [--width 1440]

The district was brought up before; its state folder is copied. The cockpit is served by `scicity serve` and asked once before,
so that the server is warm; each view is a new browser context (no cache, no cookie) of one Chromium whose WebGL is drawn by
software, as there is no graphics card to count on. Told are, of the map and of the peer by turns, the median and the worst time
from the request to the first complete render, the requests and the bytes that came. The peer is a page of the same server with
MapLibre's own scripts, the layers that the map shows at first and one plain style for each: what it takes is the browser's, not
ours. The bar: the map below 2 s.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent.parent
SAMPLE = HOME / "districts" / "future-science-city"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--disable-background-networking"]
BAR = 2.0  # [s]
PROPS = re.compile(r'data-island="onemap"[^>]*><script type="application/json">(.*?)</script>', re.S)
LIBRARY = HOME / "src/scicity/cockpit/frontend/node_modules/maplibre-gl/dist"
PEER = """<!doctype html><html><head><meta charset="utf-8"><link rel="stylesheet" href="/peer/maplibre-gl.css"></head>
<body style="margin: 0"><div id="map" style="height: 100vh"></div><script type="module">
import { Map, setWorkerUrl } from "/peer/maplibre-gl.mjs";
setWorkerUrl("/peer/maplibre-gl-worker.mjs");
const props = PROPS;
const styles = { area: ["fill", { "fill-color": "#7fc2a8", "fill-opacity": 0.5 }], line: ["line", {}], point: ["circle", {}] };
const sources = {}, layers = [];
for (const layer of props.layers.filter((each) => props.shown.includes(each.name) && each.tiles)) {
  const tiles = [location.origin + layer.tiles];
  sources[layer.name] = { type: "vector", tiles, maxzoom: 16, bounds: layer.bounds ?? undefined };
  for (const kind of layer.kinds) {
    const [type, paint] = styles[kind];
    layers.push({ id: layer.name + kind, type, paint, source: layer.name, "source-layer": layer.name });
  }
}
const map = new Map({ container: "map", style: { version: 8, sources, layers }, bounds: props.home, fadeDuration: 0 });
map.once("idle", () => (document.body.dataset.idle = "true"));
</script></body></html>"""


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def served(district: Path, state: Path, port: int) -> subprocess.Popen[bytes]:
    """The cockpit, once it answers."""
    environment = {**os.environ, "SCICITY_STATE": str(state), "PYTHONPATH": str(HOME / "src")}
    words = [sys.executable, "-m", "scicity", "serve", str(district), "--port", str(port)]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"):
                return process
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the cockpit does not answer")


def viewed(browser: Any, address: str, ready: str, width: int, peer: str) -> tuple[float, float, int, int]:
    """One view by a browser that was never here: seconds to the whole, seconds to the first paint, requests, bytes."""
    context = browser.new_context(locale="zh-CN", viewport={"width": width, "height": 900})
    context.route("**/peer.html", lambda route: route.fulfill(body=peer, content_type="text/html"))
    context.route("**/peer/*", lambda route: route.fulfill(path=LIBRARY / route.request.url.rsplit("/", 1)[-1]))
    page = context.new_page()
    page.set_default_timeout(120_000)
    came: list[Any] = []
    page.on("requestfinished", lambda request: came.append(request))
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(ready)
    took = time.perf_counter() - began
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime / 1000 || 0")
    told = (took, painted, len(came), sum(each.sizes()["responseBodySize"] for each in came))
    context.close()
    return told


def main() -> None:
    """Serves, looks, tells."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--district", type=Path, default=SAMPLE)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--width", type=int, default=1440)
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="scicity-map-view-"))
    ignored = shutil.ignore_patterns("*.turn", "in-use.lock")
    shutil.copytree(Path(os.environ["SCICITY_STATE"]), root / "state", ignore=ignored)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    server = served(asked.district, root / "state", port)
    try:
        with urllib.request.urlopen(f"{base}/map/") as answer:  # the server is warm from here on
            peer = PEER.replace("PROPS", PROPS.search(answer.read().decode())[1])
        pages = {"map": (f"{base}/map/", ".onemap[data-idle]"), "bare MapLibre": (f"{base}/peer.html", "body[data-idle]")}
        found: dict[str, list[tuple[float, float, int, int]]] = {name: [] for name in pages}
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
            for number in range(asked.times + 1):
                for name, (address, ready) in pages.items():
                    told = viewed(browser, address, ready, asked.width, peer)
                    found[name] += [told] if number else []  # the first one warms the tiles and Chromium
            browser.close()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
        shutil.rmtree(root, ignore_errors=True)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}; {asked.times} views each, server warm, browser cold")
    for name, views in found.items():
        whole, painted = [each[0] for each in views], statistics.median(each[1] for each in views)
        print(
            f"{name}: {statistics.median(whole):.2f} s (worst {max(whole):.2f}, best {min(whole):.2f}), "
            f"first paint {painted:.2f} s, {views[-1][2]} requests, {views[-1][3]:,} bytes"
        )
    print(f"bar: {BAR} s")


if __name__ == "__main__":
    main()
