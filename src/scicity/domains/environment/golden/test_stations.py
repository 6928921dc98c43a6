"""The published means of the Changping and Dingling stations, 2013-2016, out of their hourly readings."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import numpy as np
import pytest

from scicity.domains.environment.methods import daily, exact

SAMPLE = Path(__file__).parents[5] / "districts" / "future-science-city" / "readings"
# A folder with air_quality/beijing_hourly_2013_2017.parquet (UCI dataset 501), for those who have it at hand.
ORIGINALS = Path(os.environ.get("SCICITY_ORIGINALS", "originals")) / "air_quality" / "beijing_hourly_2013_2017.parquet"

PUBLISHED = {
    ("changping", 2013): 72.6, ("changping", 2014): 79.4, ("changping", 2015): 69.6, ("changping", 2016): 61.7,
    ("dingling", 2013): 64.8, ("dingling", 2014): 74.2, ("dingling", 2015): 64.6, ("dingling", 2016): 59.8,
}  # fmt: skip
# The standards' means: of the days with 20 hours or more. They are not what is published.
OF_VALID_DAYS = {
    ("changping", 2013): (72.6, 305), ("changping", 2014): (78.4, 349), ("changping", 2015): (69.7, 345),
    ("changping", 2016): (61.8, 363), ("dingling", 2013): (64.7, 299), ("dingling", 2014): (73.4, 352),
    ("dingling", 2015): (64.8, 358), ("dingling", 2016): (60.3, 351),
}  # fmt: skip


def hourly(station: str, year: int) -> tuple[np.ndarray, np.ndarray]:
    """Local day [days since 1970] and PM2.5 [µg/m³, NaN where unknown] of each hour of a year."""
    if SAMPLE.exists() and list(SAMPLE.glob("air*.parquet")):
        query = f"""SELECT (time AT TIME ZONE 'Asia/Shanghai')::DATE - DATE '1970-01-01' AS day, value
            FROM '{SAMPLE}/air*.parquet' WHERE datastream ILIKE '{station}%pm25'
            AND year(time AT TIME ZONE 'Asia/Shanghai') = {year} ORDER BY time"""
    elif ORIGINALS.exists():
        query = f"""SELECT make_date(year, month, day) - DATE '1970-01-01' AS day, "PM2.5" AS value FROM '{ORIGINALS}'
            WHERE lower(station) = '{station}' AND year = {year} ORDER BY month, day, hour"""
    else:
        pytest.skip("neither the sample district's readings nor the originals (SCICITY_ORIGINALS) are at hand")
    found = duckdb.sql(query).fetchnumpy()
    return np.asarray(found["day"], dtype=np.int32), np.ma.filled(found["value"].astype(float), np.nan)


@pytest.mark.parametrize(("station", "year"), PUBLISHED)
def test_published_station_means(station: str, year: int) -> None:
    day, measured = hourly(station, year)
    values, known = exact.in_millionths(measured)
    total, count = exact.sums(values, known, np.zeros(len(values), dtype=np.int64), 1)
    assert exact.means(total, count, 100_000)[0] / exact.MILLIONTHS == pytest.approx(PUBLISHED[station, year])

    starts, _ = daily.day_starts(day)
    days = daily.daily_means(values[None, :], known[None, :], starts, 20)
    mean = exact.means(days.value.sum(axis=1), days.known.sum(axis=1), 100_000)[0] / exact.MILLIONTHS
    assert (round(mean, 1), int(days.known.sum())) == OF_VALID_DAYS[station, year]
