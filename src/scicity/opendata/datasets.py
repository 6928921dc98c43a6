"""The datasets that a district offers: each a table of the lake, told one number a line with all that belongs to it.

Who asks is a stranger: the rows are those that somebody without an account may see, and a domain that the district keeps for
people with an account has no dataset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from scicity.cockpit import digits
from scicity.kernel.lineage import Figure, Row
from scicity.reports.content import address_of
from scicity.reports.words import Names, is_number, marks_of
from scicity.vocabulary import terms

MOST_ROWS = 200_000  # of a dataset
THEMES = "http://publications.europa.eu/resource/authority/data-theme/"


@dataclass(frozen=True)
class Dataset:
    """A dataset: its name and titles, the table it is taken from, the keys of its lines and the columns that are measures.

    `said` are further columns that tell about a line (words, not numbers). `theme` is a code of the EU's data themes.
    """

    name: str
    zh: str
    en: str
    about: tuple[str, str]
    table: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    said: tuple[str, ...] = ()
    theme: str = "ENVI"

    @property
    def time(self) -> str:
        """The key that is the time."""
        return next(name for name in ("year", "month", "day") if name in self.keys)


_ENERGY = ("energy", "estimated_energy")
_EMITTED = ("emission", "direct_emission", "indirect_emission")
DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "indicators",
        "指标",
        "Indicators",
        (
            "各指标体系的指标值、目标、距目标与进展，按分区与年份；报告所述与由数据算得者分列。",
            "Values, targets, distances and progress of the indicators by zone and year; what reports state and what is "
            "computed from data stand apart.",
        ),
        "indicators.status",
        ("indicator", "zone", "year", "origin"),
        ("value", "value_high", "target", "target_high", "distance", "baseline"),
        ("comparator", "kind", "progress", "target_year", "target_document"),
        "GOVE",
    ),
    Dataset(
        "energy-yearly",
        "分区逐年用能",
        "Energy by zone and year",
        ("各分区逐年、分品种的用能与单位面积用能。", "Energy and energy per floor area of the zones by carrier and year."),
        "energy.zone_yearly",
        ("zone", "carrier", "year"),
        (*_ENERGY, "energy_intensity"),
        theme="ENER",
    ),
    Dataset(
        "energy-monthly",
        "分区逐月用能",
        "Energy by zone and month",
        ("各分区逐月、分品种的用能。", "Energy of the zones by carrier and month."),
        "energy.zone_monthly",
        ("zone", "carrier", "month"),
        _ENERGY,
        theme="ENER",
    ),
    Dataset(
        "standard-coal",
        "综合能耗（标准煤）",
        "Energy as standard coal",
        ("各分区逐年综合能耗，当量值与等价值。", "Energy of the zones by year as standard coal, by both conventions."),
        "carbon.standard_coal_total",
        ("zone", "purpose", "year"),
        ("energy", "standard_coal"),
        theme="ENER",
    ),
    Dataset(
        "emissions-yearly",
        "分区逐年碳排放",
        "Emissions by zone and year",
        ("各分区逐年建筑碳排放：范围一与基于位置的范围二。", "Emissions of the buildings of the zones by year: scope 1 and "
         "location-based scope 2."),
        "carbon.zone_total_yearly",
        ("zone", "year"),
        (*_EMITTED, "emission_intensity"),
    ),
    Dataset(
        "emissions-monthly",
        "分区逐月碳排放",
        "Emissions by zone and month",
        ("各分区逐月建筑碳排放。", "Emissions of the buildings of the zones by month."),
        "carbon.zone_total_monthly",
        ("zone", "month"),
        _EMITTED,
    ),
    Dataset(
        "inventory",
        "区域温室气体清单（GPC）",
        "Greenhouse-gas inventory (GPC)",
        ("按 GPC 部门与范围的逐年清单；没有数据的部门给出注记键。", "The inventory by sector and scope of GPC; one without "
         "data has a notation key."),
        "carbon.inventory_gpc",
        ("gpc_sector", "emission_scope", "year"),
        ("emission",),
        ("notation",),
    ),
    Dataset(
        "air-monthly",
        "空气质量月均值",
        "Air by month",
        ("各监测站各污染物的月均浓度。", "Monthly means of the pollutants at the stations."),
        "environment.air_monthly",
        ("station", "pollutant", "month"),
        ("concentration",),
    ),
)  # fmt: skip
# What stands on every line behind the keys.
LINE = (*("measure", "value", "unit", "origin", "coverage", "stand_in", "review", "closed", "lineage"),)


def offered(city: Any, domains: Collection[str] | None = None) -> list[Dataset]:
    """The datasets of a district: those whose table it has, with rows, of the domains that are open (all of them if None)."""
    found = []
    for dataset in DATASETS:
        table = city.figures.catalog.tables.get(dataset.table)
        if table is None or (domains is not None and dataset.table.partition(".")[0] not in domains):
            continue
        if not {*dataset.keys, *dataset.measures[:1]} <= set(table.columns):
            continue
        if city.figures.lake.snapshot(dataset.table).version >= 0 and city.figures.rows(dataset.table, limit=1):
            found.append(dataset)
    return found


def named(city: Any, name: str, domains: Collection[str] | None = None) -> Dataset | None:
    """The dataset of a name among those that are offered."""
    return next((dataset for dataset in offered(city, domains) if dataset.name == name), None)


def state_of(city: Any, dataset: Dataset) -> tuple[str, datetime]:
    """What a dataset stands on: a short text that differs whenever it can differ, and when its table was last written."""
    lake = city.figures.lake
    reads = [dataset.table, *(name for name in REVIEWS if name in city.figures.catalog.tables and dataset.name == "indicators")]
    versions = [(name, lake.snapshot(name).version) for name in reads]
    commit = next(iter(lake.newest_first(dataset.table, versions[0][1])), None)
    at = datetime.fromtimestamp((commit.at if commit else 0) // 1000, UTC)
    acts = city.closings.acts()
    if acts:
        at = max(at, acts[-1].at.replace(microsecond=0))
    told = repr(
        (str(lake.root), versions, acts[-1].digest if acts else "", city.figures.limit(city.figures.catalog[dataset.table]))
    )
    return hashlib.sha256(told.encode()).hexdigest()[:20], at


def columns_of(dataset: Dataset) -> list[str]:
    """The columns of a dataset's lines, in their order."""
    return [*dataset.keys, *(name for name in LINE if name not in dataset.keys), *dataset.said]


def lines(city: Any, dataset: Dataset) -> Iterator[dict[str, Any]]:
    """One line for each number: keys, the measure, its value as exact text (empty where unknown), what tells about it."""
    for line, _ in lines_with_figures(city, dataset):
        yield line


def lines_with_figures(city: Any, dataset: Dataset) -> Iterator[tuple[dict[str, Any], Figure]]:
    """The same, each with its figure."""
    table = city.figures.catalog[dataset.table]
    measures = [name for name in dataset.measures if name in table.columns]
    said = [name for name in dataset.said if name in table.columns]
    reviewed = _reviews(city) if dataset.name == "indicators" else None
    order = [name for name in dataset.keys if name in table.grain]
    order += [name for name in table.grain if name not in order]
    for row in city.figures.rows(dataset.table, order=order, limit=MOST_ROWS):
        for measure in measures:
            if row[measure] is None and measure != measures[0]:
                continue  # an unknown first measure is told as unknown; the others would only repeat that
            figure = row.figure(measure)
            line = {name: plain(row[name], name) for name in dataset.keys}
            line |= {
                "measure": measure,
                "value": exact(figure.value),
                "unit": unit_of(figure),
                "origin": origin_of(figure),
                "coverage": exact(figure.coverage),
                "stand_in": "true" if figure.stand_in or figure.origin == "stand-in" else "false",
                "review": reviewed(row, measure) if reviewed else str(row.get("review") or ""),
                "closed": figure.closed,
                "lineage": address_of(figure),
            }
            words = {name: plain(row[name], name) for name in said}
            if "comparator" in words:
                words["comparator"] = COMPARATORS.get(words["comparator"], words["comparator"])
            yield line | dict.fromkeys(dataset.said, "") | words, figure


# Comparators as words, so that no spreadsheet takes one for a formula.
COMPARATORS = {"=": "eq", ">=": "ge", "<=": "le", ">": "gt", "<": "lt", "over": "gt", "~": "about"}
REVIEWS = ("indicators.indicator", "indicators.framework", "indicators.edition_target")
_PROMISE = ("framework", "edition", "indicator", "zone")


def _reviews(city: Any) -> Any:
    """What tells whether somebody has seen the document of an indicator's value or target."""
    asked = {name: city.figures.rows(name) if name in city.figures.catalog.tables else [] for name in REVIEWS}
    frameworks = {row["framework"]: row.get("review") or "" for row in asked["indicators.framework"]}
    of_indicator = {row["indicator"]: frameworks.get(row["framework"], "") for row in asked["indicators.indicator"]}
    targets = {(*(row[name] for name in _PROMISE), row["year"]): row["review"] for row in asked["indicators.edition_target"]}

    def review(row: Row, measure: str) -> str:
        if measure in ("target", "target_high", "distance"):
            return str(targets.get((*(row[name] for name in _PROMISE), row["target_year"]), ""))
        return str(of_indicator.get(row["indicator"], "")) if row["origin"] == "reported" else ""

    return review


def exact(value: Any) -> str:
    """A number digit by digit, with a point; empty where it is unknown."""
    return digits.plain(digits.exact(value)).replace(",", "") if is_number(value) else ""


def unit_of(figure: Figure) -> str:
    """The unit of a number in the notation of the vocabulary's symbols; `1` for a pure number."""
    return figure.symbol or "1"


def origin_of(figure: Figure) -> str:
    """Where a number comes from: measured unless said otherwise."""
    marks = [mark for mark in marks_of(figure) if mark not in ("coverage", "closed", "stand-in")]
    if figure.origin == "stand-in" or (figure.stand_in and not marks):
        return "stand-in"
    return marks[0] if marks else figure.origin or "measured"


def plain(value: Any, column: str = "") -> str:
    """A key or word of a line as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return f"{value:%Y-%m}" if column == "month" else value.isoformat()
    return str(value)


def spans(city: Any, dataset: Dataset) -> tuple[str, str]:
    """The first and the last local day of a dataset, as ISO dates; empty where it has none."""
    first, last = (city.figures.rows(dataset.table, [dataset.time], order=[order], limit=1) for order in
                   (dataset.time, f"-{dataset.time}"))  # fmt: skip
    if not first:
        return "", ""
    begin, end = first[0][dataset.time], last[0][dataset.time]
    if dataset.time == "year":
        return f"{begin}-01-01", f"{end}-12-31"
    if dataset.time == "month":
        following = date(end.year + end.month // 12, end.month % 12 + 1, 1)
        return begin.isoformat(), date.fromordinal(following.toordinal() - 1).isoformat()
    return begin.isoformat(), end.isoformat()


def word(column: str) -> tuple[str, str]:
    """A column in Chinese and English."""
    own = {
        "measure": ("指标项", "measure"),
        "lineage": ("由来地址", "address that opens the value"),
        "stand_in": ("替代数据", "stand-in"),
        "closed": ("关账期", "closed period"),
    }
    if column in own:
        return own[column]
    known = terms().get(column)
    return (known.zh, known.en) if known else (column, column)


def names_of(names: Names, city: Any) -> Mapping[str, Mapping[str, tuple[str, str]]]:
    """Names in zh and en of keys of the datasets: those of the registers, indicators and stations beside them."""
    found = {column: dict(pairs) for column, pairs in names.of.items()}
    for column, table in (("indicator", "indicators.indicator"), ("station", "environment.station")):
        if table in city.figures.catalog.tables and "name_zh" in city.figures.catalog[table].columns:
            rows = city.figures.rows(table, [column, "name_zh", "name_en"])
            found[column] = {row[column]: (row["name_zh"] or row[column], row["name_en"] or row[column]) for row in rows}
    return found


def said_of(names: Names, city: Any, column: str, values: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The names of the values of a key."""
    known = names_of(names, city).get(column, {})
    return {value: known.get(value) or names.pair(column, value) for value in values}
