"""Local time is what the zone tells of each half hour, however few of them are asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from scicity.kernel.calendar import HALF_HOUR, Calendar

ZONES = ("Asia/Shanghai", "Europe/Helsinki", "Africa/Casablanca", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia")
STARTS = tuple(int(datetime(*day, 7, 30, tzinfo=UTC).timestamp()) for day in ((1986, 3, 20), (2011, 12, 20), (2022, 9, 20)))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("count", [1, 2, 12, 13, 14, 4_000])
def test_each_half_hour_has_the_offset_of_its_zone(zone: str, start: int, count: int) -> None:
    instants = start * 1_000_000 + HALF_HOUR * np.arange(count)
    tz = ZoneInfo(zone)
    offsets = [datetime.fromtimestamp(at // 1_000_000, tz).utcoffset().total_seconds() for at in instants.tolist()]
    assert ((Calendar(zone).local(instants) - instants) // 1_000_000).tolist() == offsets
