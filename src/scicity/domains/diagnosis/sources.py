"""The sources of diagnosis: what the district says of its buildings, quotas, weather and measures, and the limits in use.

No quota comes with the program. A district brings them with the document, clause and page that they stand in.
"""

from __future__ import annotations

import pyarrow as pa

from scicity.kernel.problems import Problems
from scicity.kernel.tables import source

REVIEW = ("verified", "unverified")
CARRIERS = ("electricity", "natural_gas", "heat")
FORMS = ("direct", "inverse")
ATTRIBUTES = ("hours_of_use", "area_per_person")
PERIOD = ("valid_from", "valid_to")


def _check_weather(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """The weather of a zone is an air temperature."""
    observed = {row["datastream"]: row["property"] for row in tables["district.datastream"].to_pylist()}
    for row in table.to_pylist():
        if observed.get(row["datastream"], "air_temperature") != "air_temperature":
            where = (row["source_file"], row["source_row"], "datastream")
            problems.add("property", *where, found=observed[row["datastream"]], expected="a datastream of air_temperature")


def _check_quotas(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    """The guide value is the stricter one; the carriers are those of meters, heat not among them where heating is apart."""
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        constraint, guide = row["constraint_intensity"], row["guide_intensity"]
        if constraint is not None and guide is not None and guide > constraint:
            problems.add("range", *where, "guide_intensity", found=guide, expected=f"at most the constraint, {constraint}")
        for carrier in (row["carriers"] or "").split():
            if carrier not in CARRIERS:
                problems.add("choice", *where, "carriers", found=carrier, expected="some of " + " ".join(CARRIERS))
            elif carrier == "heat" and row["heating_apart"]:
                problems.add("choice", *where, "carriers", found=carrier, expected="no heat, as heating is apart")


WEATHER_CHOICE = source(
    "diagnosis.weather_choice",
    path="registers/weather_choices.csv",
    columns=["zone", "datastream", "source"],
    grain=["zone"],
    references={"zone": "district.zone.zone", "datastream": "district.datastream.datastream"},
    check=_check_weather,
    title_zh="所用气象数据",
    title_en="Weather in use",
    doc="Which air temperature stands for the buildings of a zone; that of the zone `district` for all others.",
)

REST_DAY = source(
    "diagnosis.rest_day",
    path="registers/rest_days.csv",
    columns=["day", "rest", "name_zh", "name_en", "source"],
    grain=["day"],
    title_zh="休息日",
    title_en="Rest days",
    doc="Holidays, and weekend days that are worked; all other Saturdays and Sundays are rest days.",
)

RULE = source(
    "diagnosis.rule",
    packaged=__file__,
    path="standards/rules.csv",
    columns=["rule", "threshold", "unit", "name_zh", "name_en", "reason_zh", "reason_en"],
    grain=["rule"],
    title_zh="诊断阈值",
    title_en="Limits of diagnosis",
    doc="From when on a finding is one: conservative, our own, and no standard's.",
)

RULE_CHOICE = source(
    "diagnosis.rule_choice",
    path="registers/diagnosis_rules.csv",
    columns=["rule", "threshold", "source"],
    grain=["rule"],
    references={"rule": "diagnosis.rule.rule"},
    title_zh="本区的诊断阈值",
    title_en="The district's own limits",
    doc="Limits of diagnosis that the district sets for itself.",
)

KIND = source(
    "diagnosis.anomaly_kind",
    packaged=__file__,
    path="standards/kinds.csv",
    columns=["anomaly_kind", "name_zh", "name_en", "advice_zh", "advice_en"],
    grain=["anomaly_kind"],
    title_zh="异常类别",
    title_en="Kinds of anomalies",
    doc="What diagnosis looks for, and what may be done about it.",
)

QUOTA = source(
    "diagnosis.quota",
    path="registers/quotas.csv",
    columns=[
        *("quota", "use", "climate_zone", "quota_class", "carriers", "heating_apart", "constraint_intensity"),
        *("guide_intensity", "document", "clause", "page", "review", *PERIOD, "origin", "note"),
    ],
    optional=("climate_zone", "quota_class", "guide_intensity", "valid_to", "note"),
    grain=["quota"],
    key_of_period=("use", "climate_zone", "quota_class"),
    during=PERIOD,
    choices={"review": REVIEW},
    ranges={"constraint_intensity": (0.1, 10_000), "guide_intensity": (0.1, 10_000)},
    check=_check_quotas,
    title_zh="能耗定额",
    title_en="Energy quotas",
    doc="Yearly energy per floor area that a kind of building may use: the constraint, and the guide value to strive for.",
)

QUOTA_CORRECTION = source(
    "diagnosis.quota_correction",
    path="registers/quota_corrections.csv",
    columns=[
        *("quota", "attribute", "form", "fixed_share", "varying_share", "reference_value"),
        *("document", "clause", "page", "review"),
    ],
    grain=["quota", "attribute"],
    references={"quota": "diagnosis.quota.quota"},
    choices={"attribute": ATTRIBUTES, "form": FORMS, "review": REVIEW},
    ranges={"fixed_share": (0, 1), "varying_share": (0, 1), "reference_value": (0.000001, 1_000_000)},
    title_zh="定额修正",
    title_en="Corrections of quotas",
    doc=(
        "How the measured intensity is corrected for the use of a building before it is held against its quota: times "
        "fixed + varying x value / reference (direct), or fixed + varying x reference / value (inverse)."
    ),
)

PROFILE = source(
    "diagnosis.profile",
    path="registers/building_profiles.csv",
    columns=[
        *("building", *PERIOD, "climate_zone", "quota_class", "floor_area", "occupants", "hours_of_use"),
        *("origin", "source"),
    ],
    optional=("valid_to", "climate_zone", "quota_class", "floor_area", "occupants", "hours_of_use"),
    grain=["building", "valid_from"],
    key_of_period=("building",),
    during=PERIOD,
    references={"building": "buildings.building.building"},
    ranges={"floor_area": (1, 10_000_000), "occupants": (0, 1_000_000), "hours_of_use": (1, 8784)},
    title_zh="建筑用能属性",
    title_en="Profiles of buildings",
    doc="What a quota asks of a building, since when: climate zone, class, floor area, people and hours of use in a year.",
)


def _check_measures(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    """A measure ends when it began or later, and names the carrier that is to be saved where it names a building."""
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        if row["first_day"] and row["last_day"] and row["last_day"] < row["first_day"]:
            problems.add("period", *where, "last_day", found=row["last_day"], expected=f"not before {row['first_day']}")
        if row["building"] and not row["carrier"]:
            problems.add("value-missing", *where, "carrier", expected="the carrier that the measure is to save")
        if row["building"] and not row["first_day"]:
            problems.add("value-missing", *where, "first_day", expected="the day on which the work began")


MEASURE = source(
    "diagnosis.measure",
    path="registers/measures.csv",
    columns=[
        *("measure", "building", "carrier", "name_zh", "name_en", "measure_kind", "first_day", "last_day"),
        *("promised_saving", "promised_emission", "investment", "origin", "source"),
    ],
    optional=(
        *("building", "carrier", "measure_kind", "first_day", "last_day"),
        *("promised_saving", "promised_emission", "investment"),
    ),
    grain=["measure"],
    references={"building": "buildings.building.building"},
    choices={"carrier": CARRIERS},
    ranges={"promised_saving": (0, 100), "promised_emission": (0, 1e9), "investment": (0, 1e11)},
    check=_check_measures,
    title_zh="节能措施",
    title_en="Measures",
    doc="What was done to save energy, where and when, and what was promised of it.",
)
