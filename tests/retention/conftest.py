"""Toy lakes in which time passes; what takes long to come about is made once and copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.retention.passing import Passing


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Passing, Passing]:
    fresh = Passing(tmp_path_factory.mktemp("fresh") / "lake")
    stepped = fresh.copy(tmp_path_factory.mktemp("stepped") / "lake")
    stepped.steps(4)
    return fresh, stepped


@pytest.fixture
def passing(_made: tuple[Passing, Passing], tmp_path: Path) -> Passing:
    """A lake with a winter of readings."""
    return _made[0].copy(tmp_path / "lake")


@pytest.fixture
def stepped(_made: tuple[Passing, Passing], tmp_path: Path) -> Passing:
    """The same, after four days on each of which readings arrived three times."""
    return _made[1].copy(tmp_path / "lake")
