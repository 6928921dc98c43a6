"""A process that ends in the middle of an act leaves all of it, or nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_an_act_is_kept_whole_or_not_at_all_wherever_its_process_ends(tmp_path):
    script = Path(__file__).with_name("killed_in_an_act.py")
    path = os.pathsep.join([str(Path(__file__).parents[2] / "src"), str(Path(__file__).parents[2])])
    outside = {key: value for key, value in os.environ.items() if not key.startswith(("SCICITY_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "city")],
        env=outside | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("integrity") == "ok"
    assert set(found) == {"submit", "assign", "opinion", "return"} and min(found.values()) >= 4, found
