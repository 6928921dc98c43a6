from datetime import timedelta

import pytest

from tests.kernel.toy import FIRST, METERS, Toy


@pytest.fixture
def toy(tmp_path):
    return with_first(Toy(tmp_path / "lake"))


def with_first(toy):
    """The toy with a first batch of readings, computed."""
    toy.tariffs([(FIRST, None, "0.5")])
    rows = [(f"{m}.e", FIRST + timedelta(hours=6 * k), 1.0 + k % 4, 0) for m in METERS for k in range(1, 4 * 75)]
    toy.read("first", rows)
    toy.computing.bring_up_to_date()
    return toy
