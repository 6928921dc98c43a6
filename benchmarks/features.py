"""OGC API - Features beside pygeoapi, in one run: boxes, attributes and both at once of 20,000 parcels, over HTTP, one worker
each.

    python benchmarks/features.py --pygeoapi /path/of/its/environment [--postgresql DSN] [--requests 60]

The environment of the peer holds pygeoapi, gunicorn, pyogrio, geopandas, fiona and, for PostGIS, psycopg2-binary and
geoalchemy2. The parcels are a file that this program writes; each provider of pygeoapi serves it: GeoJSON, SQLiteGPKG,
Parquet, OGR over a GeoPackage and, where a DSN is told (`host=… port=… dbname=… user=… password=…`), PostgreSQL with PostGIS,
each with the indices that its documentation asks for. Answers are held against each other: all must find the same features.
Times are medians of single requests, one behind the other, of the same questions in the same order; each is asked once before
it counts. SciCity notes each request in its ledger of exchange, checks who asks and hides rows by role meanwhile, as it
always does; no answer is kept.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

ROOT = Path(__file__).parents[1]
SIDE, STEP, WEST, SOUTH = 142, 0.0005, 116.35, 40.05  # 142 x 142 = 20,164 parcels
CLASSES = ("R2", "B1", "G1", "M1", "A3", "S1", "U1", "E1")
BAR_GEOJSON, BAR_FASTEST = 100, 2


def parcels(count: int) -> list[dict[str, Any]]:
    """Parcels with eleven corners and six attributes, in rows."""
    dice = np.random.default_rng(20)
    turn = np.linspace(0, 2 * np.pi, 12)[:-1]
    found = []
    for number in range(count):
        x, y = WEST + number % SIDE * STEP, SOUTH + number // SIDE * STEP
        reach = STEP * (0.42 + 0.05 * dice.random(11))
        ring = np.column_stack((x + reach * np.cos(turn), y + reach * np.sin(turn))).round(7).tolist()
        properties = {
            "name_en": f"Parcel {number}",
            "feature_class": CLASSES[int(dice.integers(len(CLASSES)))],
            "floors": int(dice.integers(1, 40)),
            "area": round(float(dice.random() * 5000), 1),
            "owner": f"Owner {int(dice.integers(500))}",
            "street": f"Street {number // SIDE}",
        }
        geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        found.append(
            {
                "type": "Feature",
                "id": f"p{number:06}",
                "geometry": geometry,
                "properties": {"pid": f"p{number:06}", **properties},
            }
        )
    return found


def questions(requests: int) -> dict[str, list[dict[str, str]]]:
    """Parameters of items, by what they try."""
    dice = np.random.default_rng(7)

    def box(side: int) -> str:
        x, y = (float(dice.random() * (SIDE - side)) * STEP for _ in range(2))
        return f"{WEST + x:.6f},{SOUTH + y:.6f},{WEST + x + side * STEP:.6f},{SOUTH + y + side * STEP:.6f}"

    classes = [CLASSES[int(n)] for n in dice.integers(len(CLASSES), size=requests)]
    return {
        "box of about 100": [{"bbox": box(10), "limit": "1000"} for _ in range(requests)],
        "box of about 1,000": [{"bbox": box(31), "limit": "2000"} for _ in range(requests)],
        "owner, about 40": [{"owner": f"Owner {int(n)}", "limit": "1000"} for n in dice.integers(500, size=requests)],
        "class, first 100 of 2,500": [{"feature_class": each, "limit": "100"} for each in classes],
        "class in a box": [{"bbox": box(31), "feature_class": each, "limit": "1000"} for each in classes],
    }


def ids(body: bytes) -> list[str]:
    """The parcels of an answer."""
    return sorted(each["properties"].get("pid") or str(each["id"]) for each in json.loads(body)["features"])


class Server:
    """A server of either side in a process of its own; `items` is the path of the parcels."""

    def __init__(self, name: str, command: list[str], told: dict[str, str], port: int, items: str, log: Path) -> None:
        self.name, self.items = name, items
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with log.open("wb") as file:
            self.process = subprocess.Popen(command, env=told, stdout=file, stderr=file, start_new_session=True)
        for _ in range(240):
            time.sleep(0.25)
            try:
                if self.ask({"limit": "1"})[0] == 200:
                    return
            except OSError:
                if self.process.poll() is not None:
                    break
        raise RuntimeError(f"{name} does not answer: {log.read_text(errors='replace')[-1500:]}")

    def ask(self, told: dict[str, str]) -> tuple[int, bytes, float]:
        """Status, body, and the time that it took [s]."""
        path = f"{self.items}?{urlencode({'f': 'json'} | told)}"
        for tries in range(2):  # one side ends a connection that was idle
            begun = time.perf_counter()
            try:
                self.connection.request("GET", path, headers={"Accept": "application/geo+json"})
                answer = self.connection.getresponse()
                return answer.status, answer.read(), time.perf_counter() - begun
            except (OSError, http.client.HTTPException):
                self.connection.close()
                if tries:
                    raise OSError(f"{self.name} does not answer {path}") from None
        raise AssertionError

    def stop(self) -> None:
        """Ends it and its workers."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as told:
        told.bind(("127.0.0.1", 0))
        return int(told.getsockname()[1])


def scicity(folder: Path) -> Server:
    """A district of parcels alone, loaded as any other, served by Granian with one worker."""
    district, state = folder / "district", folder / "state"
    (district / "layers").mkdir(parents=True)
    (district / "registers").mkdir()
    shutil.copy(folder / "parcels.geojson", district / "layers")
    (district / "district.toml").write_text(
        '[district]\nslug = "bench"\nname = { zh = "测", en = "Bench" }\ntimezone = "Asia/Shanghai"\n'
        'languages = ["en", "zh"]\n\n[[zone]]\nzone = "district"\nname_zh = "全区"\nname_en = "all"\narea = 1.0\n'
        'residents = 1.0\nsource = "made for a benchmark"\n',
        encoding="utf-8",
    )
    (district / "registers" / "layers.csv").write_text(
        "layer,theme,name_zh,name_en,layer_file,feature_from,origin\nparcels,planning,地块,Parcels,parcels.geojson,pid,stand-in\n",
        encoding="utf-8",
    )
    told = os.environ | {
        "SCICITY_DISTRICT": str(district),
        "SCICITY_STATE": str(state),
        "DJANGO_SETTINGS_MODULE": "scicity.cockpit.settings",
    }
    load = (
        "import sys, django; django.setup()\n"
        "from pathlib import Path\nfrom scicity.city import City\nfrom scicity.cockpit import roles\n"
        f"roles.prepare(); City(Path({str(district)!r}), Path({str(state / 'bench')!r})).load()"
    )
    subprocess.run([sys.executable, "-c", load], env=told, check=True)
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--port",
        str(port),
        "--workers",
        "1",
        "scicity.cockpit.wsgi:application",
    ]
    return Server("SciCity", command, told, port, "/ogc/collections/parcels/items", folder / "scicity.log")


def providers(folder: Path, python: Path, dsn: str) -> dict[str, dict[str, Any]]:
    """The providers of pygeoapi with the data that each reads."""
    file = folder / "parcels.geojson"
    make = f"""
import geopandas, sqlite3
data = geopandas.read_file({str(file)!r}, columns=None)
data.to_file({str(folder / "parcels.gpkg")!r}, layer="parcels", driver="GPKG")
with sqlite3.connect({str(folder / "parcels.gpkg")!r}) as made:
    for column in ("pid", "owner", "feature_class"):
        made.execute(f"CREATE INDEX parcels_{{column}} ON parcels ({{column}})")
bounds = data.bounds
data.to_parquet({str(folder / "parcels.parquet")!r}, write_covering_bbox=True, schema_version="1.1.0")
"""
    subprocess.run([python, "-c", make], check=True)
    found: dict[str, dict[str, Any]] = {
        "GeoJSON": {"type": "feature", "name": "GeoJSON", "data": str(file), "id_field": "pid"},
        "SQLiteGPKG": {
            "type": "feature",
            "name": "SQLiteGPKG",
            "data": str(folder / "parcels.gpkg"),
            "id_field": "pid",
            "table": "parcels",
        },
        "Parquet": {
            "type": "feature",
            "name": "Parquet",
            "data": {"source_type": "Parquet", "source": str(folder / "parcels.parquet")},
            "id_field": "pid",
        },
        "OGR": {
            "type": "feature",
            "name": "OGR",
            "data": {
                "source_type": "GPKG",
                "source": str(folder / "parcels.gpkg"),
                "source_capabilities": {"paging": True},
            },
            "id_field": "pid",
            "layer": "parcels",
        },
    }
    if dsn:
        told = dict(part.split("=", 1) for part in dsn.split())
        who = f"{told.get('user', '')}:{told.get('password', '')}"
        address = f"postgresql+psycopg2://{who}@{told.get('host', '')}:{told.get('port', '5432')}/{told['dbname']}"
        load = f"""
import geopandas, sqlalchemy
engine = sqlalchemy.create_engine({address!r})
geopandas.read_file({str(file)!r}).to_postgis("parcels", engine, if_exists="replace", index=False)
with engine.begin() as connection:
    connection.execute(sqlalchemy.text("ALTER TABLE parcels ADD PRIMARY KEY (pid)"))
    connection.execute(sqlalchemy.text("CREATE INDEX ON parcels (owner)"))
    connection.execute(sqlalchemy.text("CREATE INDEX ON parcels (feature_class)"))
with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
    connection.execute(sqlalchemy.text("VACUUM ANALYZE parcels"))
"""
        subprocess.run([python, "-c", load], check=True)
        found["PostgreSQL"] = {
            "type": "feature",
            "name": "PostgreSQL",
            "data": {k: told[k] for k in ("host", "port", "dbname", "user", "password") if k in told}
            | {"search_path": ["public"]},
            "id_field": "pid",
            "table": "parcels",
            "geom_field": "geometry",
        }
    return found


def pygeoapi(folder: Path, environment: Path, name: str, provider: dict[str, Any]) -> Server:
    """pygeoapi with one collection, served by gunicorn with one worker."""
    port = free_port()
    config = {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": f"http://127.0.0.1:{port}",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "language": "en-US",
            "gzip": False,
            "limits": {"default_items": 10, "max_items": 10_000},
            "map": {"url": "https://example.org/{z}/{x}/{y}", "attribution": ""},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "b",
                "description": "b",
                "keywords": ["b"],
                "keywords_type": "theme",
                "terms_of_service": "b",
                "url": "http://example.org",
            },
            "license": {"name": "b", "url": "http://example.org"},
            "provider": {"name": "b", "url": "http://example.org"},
            "contact": {"name": "b", "email": "b@example.org"},
        },
        "resources": {
            "parcels": {
                "type": "collection",
                "title": "parcels",
                "description": "parcels",
                "keywords": ["b"],
                "extents": {"spatial": {"bbox": [116, 40, 117, 41], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
                "links": [],
                "providers": [provider],
            }
        },
    }
    (folder / f"{name}.json").write_text(json.dumps(config))
    told = os.environ | {
        "PYGEOAPI_CONFIG": str(folder / f"{name}.json"),
        "PYGEOAPI_OPENAPI": str(folder / f"{name}.openapi.json"),
    }
    made = subprocess.run(
        [
            *(environment / "bin" / "pygeoapi", "openapi", "generate", str(folder / f"{name}.json")),
            *("--format", "json", "--output-file", told["PYGEOAPI_OPENAPI"]),
        ],
        env=told,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        raise RuntimeError(f"{name}: {(made.stderr or made.stdout)[-600:]}")
    command = [
        str(environment / "bin" / "gunicorn"),
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "1",
        "--timeout",
        "300",
        "pygeoapi.flask_app:APP",
    ]
    return Server(name, command, told, port, "/collections/parcels/items", folder / f"{name}.log")


def main() -> None:
    """Prints a table of medians and ratios, and whether the bars are met; ends with 1 where they are not."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--pygeoapi", type=Path, required=True, help="the environment of the peer (its folder)")
    reader.add_argument("--postgresql", default="", help="a DSN with PostGIS, where the table `parcels` may be made anew")
    reader.add_argument("--requests", type=int, default=60, help="of each kind; of the slow GeoJSON provider a tenth")
    told = reader.parse_args()
    asked = questions(told.requests)
    with tempfile.TemporaryDirectory(prefix="features-") as made:
        folder = Path(made)
        data = {"type": "FeatureCollection", "features": parcels(SIDE * SIDE)}
        (folder / "parcels.geojson").write_text(json.dumps(data), encoding="utf-8")
        servers: list[Server] = []
        failed: dict[str, str] = {}
        try:
            servers.append(scicity(folder))
            for name, provider in providers(folder, told.pygeoapi / "bin" / "python", told.postgresql).items():
                try:
                    servers.append(pygeoapi(folder, told.pygeoapi, name, provider))
                except (RuntimeError, subprocess.CalledProcessError) as error:
                    failed[name] = str(error).strip().splitlines()[-1][:200] if str(error) else "did not start"
                print(f"{name} {'fails' if name in failed else 'serves'}", file=sys.stderr, flush=True)
            report(servers, asked, failed)
        finally:
            for server in servers:
                server.stop()


def report(servers: list[Server], asked: dict[str, list[dict[str, str]]], failed: dict[str, str]) -> None:
    """Asks all servers, by turns, and prints."""
    met = True
    for name, why in failed.items():
        print(f"{name}: does not run here ({why})")
    for kind, each in asked.items():
        times: dict[str, list[float]] = {}
        expected: dict[int, list[str]] = {}
        for server in servers:
            some = each[: max(3, len(each) // 10)] if server.name == "GeoJSON" else each
            for _ in range(1 if server.name == "GeoJSON" else 2):  # what is slow at first is sorted beside the answers
                server.ask(some[0])
                time.sleep(0.5)
            for number, question in enumerate(some):
                status, body, took = server.ask(question)
                if status != 200:
                    failed[f"{server.name}, {kind}"] = body[:120].decode(errors="replace")
                    times.pop(server.name, None)
                    break
                times.setdefault(server.name, []).append(took)
                if kind.startswith("class, first"):
                    continue  # which of the many come first is each server's own
                found = ids(body)
                if expected.setdefault(number, found) != found:
                    failed[f"{server.name}, {kind}"] = (
                        f"finds {len(found)} where SciCity finds {len(expected[number])}: {quote(str(question))}"
                    )
                    times.pop(server.name, None)
                    break
        ours = median(times["SciCity"])
        print(f"\n{kind}")
        for name, took in times.items():
            late = quantiles(took, n=20)[-1] if len(took) > 2 else max(took)
            told = f"{median(took) * 1e3:9.1f} ms  (95 % {late * 1e3:9.1f} ms, {len(took)} requests)"
            print(f"  {name:<12} {told}  {median(took) / ours:8.1f} x")
        others = {name: median(took) for name, took in times.items() if name not in ("SciCity", "GeoJSON")}
        fastest = min(others, key=lambda name: others[name]) if others else ""
        slow = median(times["GeoJSON"]) / ours if "GeoJSON" in times else float("nan")
        against = others[fastest] / ours if fastest else float("nan")
        good = slow >= BAR_GEOJSON and against >= BAR_FASTEST
        met &= good
        said = f"GeoJSON {slow:.0f} x (bar {BAR_GEOJSON}), fastest {fastest} {against:.1f} x (bar {BAR_FASTEST})"
        print(f"  {'met' if good else 'NOT met'}: {said}")
    for name, why in failed.items():
        print(f"left out: {name}: {why}")
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
