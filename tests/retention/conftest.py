"""A toy lake in which time passes: commits are stamped with the day on which a test has them happen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.retention.passing import Passing


@pytest.fixture
def passing(tmp_path: Path) -> Passing:
    return Passing(tmp_path / "lake")
