"""Object stores for the tests: a small server beside these, or any that SCICITY_TEST_S3 names (`http://127.0.0.1:9000`)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow.fs import S3FileSystem

from scicity.stores import Objects
from tests.kernel.conftest import with_first
from tests.kernel.toy import Toy
from tests.stores.server import Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of objects that the environment names, and that can be told to fail."""
    made = Server(tmp_path_factory.mktemp("server"))
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    made.stop()


@pytest.fixture
def objects_at(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A place in an object store where nothing lies yet: of the server that SCICITY_TEST_S3 names, with AWS_*, or of ours."""
    elsewhere = os.environ.get("SCICITY_TEST_S3", "")
    if not elsewhere or "server" in request.fixturenames:  # a test that lets it fail
        return f"s3://{request.getfixturevalue('server').bucket}/{uuid.uuid4().hex}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", elsewhere)
    S3FileSystem(endpoint_override=elsewhere, region="us-east-1", allow_bucket_creation=True).create_dir("scicity-tests")
    return f"s3://scicity-tests/{uuid.uuid4().hex}"


@pytest.fixture
def store(objects_at: str, tmp_path: Path) -> Objects:
    """An object store, and a folder of copies."""
    return Objects(objects_at, tmp_path / "cache")


@pytest.fixture
def toy(store: Objects, tmp_path: Path) -> Toy:
    """The kernel's toy, its lake in an object store."""
    return with_first(Toy(tmp_path / "lake", store=store))
