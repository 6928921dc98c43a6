"""The lake has one writer at a time, among all processes."""

import fcntl
from pathlib import Path

import pytest

from scicity.kernel.lake import Lake


def test_nobody_else_writes_while_one_does(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    with lake.alone(), (lake.root / "lock").open("ab") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (lake.root / "lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
