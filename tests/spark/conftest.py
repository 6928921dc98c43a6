"""One cluster (a master, two workers on loopback) and one session for all tests here; without pyspark or Java they say so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scicity.city import City
from scicity.spark.cluster import Cluster, cluster, missing, session

DEMO = Path(__file__).parents[2] / "districts" / "demo"


def pytest_configure(config: pytest.Config) -> None:
    """Tells pytest of the mark."""
    config.addinivalue_line("markers", "spark: runs on a Spark cluster on loopback")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of this folder `spark`; skips them, and says why, where Spark cannot run."""
    why = missing()
    for item in items:
        if __package__ and item.path.parent.name == "spark" and "tests" in item.path.parts:
            item.add_marker("spark")
            if why:
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="package")
def two_workers() -> Iterator[Cluster]:
    """A cluster of two workers of one core each."""
    with cluster(workers=2, cores=1, memory="1g") as found:
        yield found


@pytest.fixture(scope="package")
def spark(two_workers: Cluster) -> Iterator[Any]:
    """A session on that cluster."""
    options = {"spark.driver.memory": "1g", "spark.executor.memory": "1g", "spark.sql.shuffle.partitions": "2"}
    options |= {f"spark.{who}.extraJavaOptions": "-XX:TieredStopAtLevel=1" for who in ("driver", "executor")}
    with session(two_workers.url, two_workers.settings, options) as found:
        yield found


def done(city: City) -> dict[str, Any]:
    """Computes, and tells of each table which partitions were computed and which of them changed, and how many rows came."""
    return {each.table: (each.computed, each.changed, each.rows) for each in city.compute()}


@pytest.fixture(scope="package")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of the demo district, loaded; whoever computes copies it."""
    state = tmp_path_factory.mktemp("loaded") / "state"
    City(DEMO, state).load()
    return state


@pytest.fixture(scope="package")
def computed(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[City, dict[str, Any]]:
    """The demo district, computed by DuckDB, and what was done."""
    city = City(DEMO, Path(shutil.copytree(loaded, tmp_path_factory.mktemp("duckdb") / "state")))
    return city, done(city)


@pytest.fixture(scope="package")
def demo(computed: tuple[City, dict[str, Any]]) -> City:
    """The demo district, computed by DuckDB."""
    return computed[0]
