"""A Spark standalone cluster on this machine's loopback: a master and workers as child processes, and a session on it.

For tests, benchmarks and trying out; a cluster of several machines is begun by its own means (docs/how-to/run-on-spark.md).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, TimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import scicity

LOOPBACK = "127.0.0.1"
PATIENCE = 60  # [s] until a daemon must have said that it is ready
LAST_LINES = 30  # of a daemon's log that an error shows
# Runs a daemon until its own input ends: when we close it, and also when we are killed before we can.
KEEPER = '"$@" & daemon=$!; exec >/dev/null 2>&1; cat; kill "$daemon"; wait "$daemon"'


class ClusterError(Exception):
    """The cluster cannot be begun, or one of its daemons ended; with the end of what it logged."""


@dataclass(frozen=True)
class Cluster:
    """Where the master listens, its page, and the folder of settings that whoever talks to it needs (SPARK_CONF_DIR)."""

    url: str
    page: str
    settings: Path

    def workers(self) -> list[str]:
        """The state of each worker as the master tells it; `ALIVE` is what it should be."""
        with urllib.request.urlopen(f"{self.page}/json/", timeout=PATIENCE) as answer:  # noqa: S310  (http of our own)
            return [worker["state"] for worker in json.load(answer)["workers"]]


def missing() -> str:
    """Why Spark cannot run here, in words; empty where it can."""
    try:
        import pyspark
    except ImportError:
        return "pyspark is not installed: the extra scicity[spark] brings it"
    if java() is None:
        return f"pyspark {pyspark.__version__} is there, but no Java 17 or later: neither JAVA_HOME nor PATH leads to one"
    return ""


def java() -> str | None:
    """The Java that Spark's scripts take."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin") if home else None)


@contextmanager
def cluster(workers: int = 2, cores: int = 1, memory: str = "1g", scratch: Path | None = None) -> Iterator[Cluster]:
    """A master and workers on free ports of the loopback while the block runs; ready when it begins, gone when it ends.

    `cores` and `memory` are each worker's; what they sort lies below `scratch`, or where temporary files lie. Who does not
    know the cluster's secret is not let in. Raises ClusterError.
    """
    why = missing()
    if why:
        raise ClusterError(why)
    with tempfile.TemporaryDirectory(prefix="scicity-spark-", dir=scratch) as folder:
        settings = Path(folder) / "conf"
        _write_settings(settings)
        daemons: list[_Daemon] = []
        try:
            heard = {"url": " Starting Spark master at ", "page": "'MasterUI' on port ", "": " New state: ALIVE"}
            master = _Daemon("master.Master", settings, heard)
            daemons.append(master)
            url, page = master.told("url"), f"http://{LOOPBACK}:{master.told('page').rstrip('.')}"
            master.told("")
            asked = ["--cores", str(cores), "--memory", memory, "--work-dir", str(Path(folder) / "work"), url]
            daemons += [
                _Daemon("worker.Worker", settings, {"": " Successfully registered with "}, asked) for _ in range(workers)
            ]
            for worker in daemons[1:]:
                worker.told("")
            found = Cluster(url, page, settings)
            if found.workers() != ["ALIVE"] * workers:
                raise ClusterError(f"of {workers} workers, the master tells {found.workers()}")
            yield found
        finally:
            for daemon in reversed(daemons):  # workers first: they end their executors
                daemon.end()


@contextmanager
def session(url: str, settings: Path | None = None, options: Mapping[str, str] | None = None) -> Iterator[Any]:
    """A Spark session with the master at `url` while the block runs; one a process. `settings`: its SPARK_CONF_DIR."""
    from pyspark.sql import SparkSession

    before = dict(os.environ)
    os.environ["PYSPARK_PYTHON"] = os.environ.get("PYSPARK_PYTHON", sys.executable)
    if settings is not None:
        os.environ |= {"SPARK_CONF_DIR": str(settings), "SPARK_LOCAL_IP": LOOPBACK}
    builder = SparkSession.builder.master(url).appName("scicity")
    asked = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",  # what overflows or cannot be cast is an error, as in DuckDB
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.executorEnv.PYTHONPATH": str(Path(scicity.__file__).parents[1]),
        **(options or {}),
    }
    for name, value in asked.items():
        builder = builder.config(name, value)
    found = None
    try:
        found = builder.getOrCreate()
        yield found
    finally:
        if found is not None:
            gateway = found.sparkContext._gateway
            found.stop()
            _end_driver(gateway)
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ |= before


def _end_driver(gateway: Any) -> None:
    """Ends the driver's Java process, which a stopped session leaves behind: the next one begins with settings of its own."""
    from pyspark import SparkContext

    gateway.shutdown()
    process = getattr(gateway, "proc", None)
    if process is not None:
        process.stdin.close()  # it ends when nobody can ask it anything
        process.wait(PATIENCE)
    SparkContext._gateway = SparkContext._jvm = None


def _write_settings(folder: Path) -> None:
    """Settings that master, workers and driver read; nobody else can, because of the secret."""
    folder.mkdir(mode=0o700)
    lines = {
        "spark.authenticate": "true",
        "spark.authenticate.secret": secrets.token_hex(32),
        "spark.master.rest.enabled": "false",
        "spark.driver.host": LOOPBACK,
        "spark.driver.bindAddress": LOOPBACK,
    }
    (folder / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in lines.items()))


class _Daemon:
    """A master or worker as a child process; `heard` names the words behind (or at) which it says what is waited for."""

    def __init__(self, name: str, settings: Path, heard: Mapping[str, str], asked: list[str] | None = None) -> None:
        import pyspark

        home = Path(pyspark.__file__).parent
        self.name, self._lines = name, list[str]()
        self._told: dict[str, Future[str]] = {what: Future() for what in heard}
        ours = ["--host", LOOPBACK, "--port", "0", "--webui-port", "0"]
        script = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", *ours, *(asked or [])]
        self._process = subprocess.Popen(  # noqa: S603  (Spark's own script, our words)
            ["/bin/sh", "-c", KEEPER, "keeper", *script],
            env={**os.environ, "SPARK_HOME": str(home), "SPARK_CONF_DIR": str(settings), "SPARK_LOCAL_IP": LOOPBACK}
            | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_DIRS": str(settings.with_name("sorted"))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for us, who end it in order
        )
        self._listening = threading.Thread(target=self._listen, args=(dict(heard),), daemon=True)
        self._listening.start()

    def told(self, what: str) -> str:
        """What it said; waits for it. Raises ClusterError where it ends without, or takes too long."""
        try:
            return self._told[what].result(PATIENCE)
        except TimeoutError:
            raise ClusterError(f"{self.name} is not ready after {PATIENCE} s:\n" + "\n".join(self._lines)) from None

    def end(self) -> None:
        """Ends it, and waits until it is gone."""
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._listening.join()

    def _listen(self, heard: dict[str, str]) -> None:
        assert self._process.stdout is not None  # noqa: S101
        for line in self._process.stdout:
            self._lines = [*self._lines[1 - LAST_LINES :], line.rstrip()]
            for what, words in heard.items():
                if words in line and not self._told[what].done():
                    self._told[what].set_result(line.partition(words)[2].strip())
        ended = ClusterError(f"{self.name} ended:\n" + "\n".join(self._lines))
        for promise in self._told.values():
            if not promise.done():
                promise.set_exception(ended)
