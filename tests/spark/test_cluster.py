"""The cluster: it stands when it is asked for, both workers work, nobody is let in without its secret, and it is gone after."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scicity.spark import cluster as module
from scicity.spark.cluster import Cluster, ClusterError, cluster


def test_both_workers_work(two_workers: Cluster, spark: Any) -> None:
    assert two_workers.workers() == ["ALIVE", "ALIVE"]

    def whose(batches: Any) -> Any:
        import os
        from pathlib import Path

        for _ in batches:
            yield pa.RecordBatch.from_pydict({"folder": [str(Path.cwd())], "here": [os.getpid()]})

    rows = spark.range(64, numPartitions=64).mapInArrow(whose, "folder string, here long").toArrow().to_pylist()
    executors = {Path(row["folder"]).name for row in rows}
    assert executors == {"0", "1"}
    assert os.getpid() not in {row["here"] for row in rows}


@pytest.mark.slow  # Spark's own patience is a minute
def test_nobody_is_let_in_without_the_secret(two_workers: Cluster, tmp_path: Path) -> None:
    program = "import sys; from scicity.spark.cluster import session\nwith session(sys.argv[1]): pass"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SPARK_LOCAL_IP": "127.0.0.1"}
    env |= {"SPARK_CONF_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program, two_workers.url], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "unresponsive" in done.stderr
    assert two_workers.workers() == ["ALIVE", "ALIVE"]
    assert (two_workers.settings.stat().st_mode & 0o077) == 0


def test_it_is_gone_when_its_block_ends() -> None:
    with pytest.raises(ZeroDivisionError), cluster(workers=1, memory="512m") as found:
        assert found.workers() == ["ALIVE"]
        raise ZeroDivisionError
    assert not found.settings.exists()
    host, _, port = found.url.removeprefix("spark://").rpartition(":")
    with socket.socket() as asking:
        assert asking.connect_ex((host, int(port))) != 0


def test_it_is_gone_when_whoever_began_it_is_killed() -> None:
    program = "import time\nfrom scicity.spark.cluster import cluster\nwith cluster(1, 1, '512m') as found:\n"
    program += "    print(found.url, found.settings.parent, flush=True)\n    time.sleep(600)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    asked = [sys.executable, "-c", program]
    with subprocess.Popen(asked, env=env, stdout=subprocess.PIPE, text=True) as begun:
        assert begun.stdout is not None
        url, folder = begun.stdout.readline().split()
        host, _, port = url.removeprefix("spark://").rpartition(":")
        with socket.create_connection((host, int(port))) as open_to_master:
            begun.kill()
            assert open_to_master.recv(1) == b""  # the master's end closes
    shutil.rmtree(folder)


def test_a_daemon_that_ends_says_why() -> None:
    with pytest.raises(ClusterError, match="Memory is below 1MB"), cluster(workers=1, memory="0m"):
        pass


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert "no Java 17" in module.missing()
    with pytest.raises(ClusterError, match="no Java 17"), cluster():
        pass
