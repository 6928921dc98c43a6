"""The environment's sources: the stations of the district, and what the standards say (files that come with the domain)."""

from __future__ import annotations

import pyarrow as pa

from scicity.kernel.problems import Problems
from scicity.kernel.tables import source

POLLUTANT = ("pm25", "pm10", "so2", "no2", "co", "o3")
AVERAGING = ("year", "day", "max_8h", "hour")
REVIEW = ("verified", "unverified")


def _check_stations(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """What sends an air pollutant is a station."""
    stations = set(table.column("station").to_pylist())
    for stream in tables["district.datastream"].to_pylist():
        if stream["property"] in POLLUTANT and stream["thing"] not in {*stations, None}:
            where = (stream["source_file"], stream["source_row"], "thing")
            problems.add("reference", *where, found=stream["thing"], expected="a station of environment.station")


STATION = source(
    "environment.station",
    path="registers/stations.csv",
    columns=["station", "zone", "name_zh", "name_en", "longitude", "latitude", "origin", "source"],
    optional=("zone", "longitude", "latitude", "source"),
    grain=["station"],
    references={"zone": "district.zone.zone"},
    ranges={"longitude": (-180, 180), "latitude": (-90, 90)},
    check=_check_stations,
    title_zh="监测站点",
    title_en="Stations",
    doc="Where the air is measured.",
)

EDITION = source(
    "environment.edition",
    packaged=__file__,
    path="standards/editions.csv",
    columns=[
        *("edition", "name_zh", "name_en", "valid_from", "valid_to"),
        *("quality_document", "index_document", "assessment_document", "review", "note"),
    ],
    optional=("valid_to", "note"),
    grain=["edition"],
    choices={"review": REVIEW},
    title_zh="空气质量标准版本",
    title_en="Editions of the air-quality standards",
    doc="Which documents hold from when until when.",
)

LIMIT = source(
    "environment.air_limit",
    packaged=__file__,
    path="standards/limits.csv",
    columns=[
        *("edition", "pollutant", "averaging", "limit_grade", "printed_limit", "unit"),
        *("document", "clause", "review", "note"),
    ],
    optional=("clause", "note"),
    grain=["edition", "pollutant", "averaging", "limit_grade"],
    references={"edition": "environment.edition.edition"},
    choices={"pollutant": POLLUTANT, "averaging": AVERAGING, "review": REVIEW},
    title_zh="空气污染物浓度限值",
    title_en="Limits of air pollutants",
    doc="Concentration limits of each edition by grade, as printed.",
)

BREAKPOINT = source(
    "environment.aqi_breakpoint",
    packaged=__file__,
    path="standards/breakpoints.csv",
    columns=[
        *("document", "pollutant", "averaging", "sub_index", "printed_cut", "unit"),
        *("clause", "review", "note"),
    ],
    optional=("clause", "note"),
    grain=["document", "pollutant", "averaging", "sub_index"],
    choices={"pollutant": POLLUTANT, "averaging": AVERAGING, "review": REVIEW},
    title_zh="空气质量分指数的浓度分段",
    title_en="Concentrations at which the sub-index bends",
    doc="Concentrations by sub-index (IAQI), as printed.",
)

BEYOND = source(
    "environment.aqi_beyond",
    packaged=__file__,
    path="standards/beyond.csv",
    columns=["document", "pollutant", "averaging", "sub_index", "clause", "review", "note"],
    optional=("sub_index", "clause", "note"),
    grain=["document", "pollutant", "averaging"],
    choices={"pollutant": POLLUTANT, "averaging": AVERAGING, "review": REVIEW},
    title_zh="超出分段上限时的分指数",
    title_en="Sub-indices beyond the last cut",
    doc="The sub-index above the last cut; empty where the document computes none.",
)

LEVEL = source(
    "environment.aqi_level",
    packaged=__file__,
    path="standards/levels.csv",
    columns=[
        *("document", "aqi_level", "aqi_from", "aqi_to", "name_zh", "name_en", "colour", "attains"),
        *("clause", "review", "note"),
    ],
    optional=("aqi_to", "clause", "note"),
    grain=["document", "aqi_level"],
    choices={"review": REVIEW},
    title_zh="空气质量级别",
    title_en="Levels of the AQI",
    doc="Names and colours of the six levels, and which of them make a good day.",
)

CAPTURE = source(
    "environment.capture_minimum",
    packaged=__file__,
    path="standards/capture.csv",
    columns=["edition", "rule", "minimum", "document", "clause", "review", "note"],
    optional=("clause", "note"),
    grain=["edition", "rule"],
    references={"edition": "environment.edition.edition"},
    choices={"review": REVIEW},
    title_zh="数据有效性的最低要求",
    title_en="How much data a statistic needs",
    doc="Minima of valid data, by edition.",
)

ROUNDING = source(
    "environment.rounding",
    packaged=__file__,
    path="standards/rounding.csv",
    columns=["edition", "pollutant", "averaging", "decimals", "unit", "document", "clause", "review", "note"],
    optional=("clause", "note"),
    grain=["edition", "pollutant", "averaging"],
    references={"edition": "environment.edition.edition"},
    choices={"pollutant": POLLUTANT, "averaging": AVERAGING, "review": REVIEW},
    title_zh="浓度修约",
    title_en="Rounding of concentrations",
    doc="To how many decimals a concentration is rounded before it is judged.",
)

PERCENTILE = source(
    "environment.percentile",
    packaged=__file__,
    path="standards/percentiles.csv",
    columns=["edition", "pollutant", "averaging", "percentile", "document", "clause", "review", "note"],
    optional=("clause", "note"),
    grain=["edition", "pollutant", "averaging"],
    references={"edition": "environment.edition.edition"},
    choices={"pollutant": POLLUTANT, "averaging": AVERAGING, "review": REVIEW},
    ranges={"percentile": (0, 100)},
    title_zh="日评价值的百分位数",
    title_en="Percentiles of daily values",
    doc="Which percentile of a year's daily values is held against the daily limit.",
)

SPOKEN = source(
    "environment.spoken",
    path="standards/spoken.csv",
    packaged=__file__,
    columns=["pollutant", "subject_en", "change_measure", "level_measure"],
    grain=["pollutant"],
    title_zh="陈述中的污染物",
    title_en="Pollutants in statements",
    doc="By which subject and measures the statements of reports speak of a pollutant: its level, and the change of it.",
)
