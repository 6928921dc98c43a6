"""A cluster of PostgreSQL, as the tests of the inbox have it, and a district's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.access.conftest import postgres
from tests.operation.running import district

__all__ = ["postgres"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A district's folder."""
    return district(tmp_path_factory.mktemp("district"), 9)
