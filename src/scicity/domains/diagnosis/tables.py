"""The tables of diagnosis, found here by name: sources, weather, baselines, comparisons, anomalies, measures."""

from scicity.domains.diagnosis.anomalous import anomaly, measure_ranked
from scicity.domains.diagnosis.baselines import (
    baseline,
    baseline_part,
    expected_daily,
    expected_monthly,
    limit,
    normalised_yearly,
)
from scicity.domains.diagnosis.comparing import intensity_peers, intensity_place, quota_yearly
from scicity.domains.diagnosis.finding import load_daily, shape_daily, warm_heat_daily
from scicity.domains.diagnosis.saved import measure_daily, saving, saving_monthly, saving_yearly
from scicity.domains.diagnosis.sources import (
    KIND,
    MEASURE,
    PROFILE,
    QUOTA,
    QUOTA_CORRECTION,
    REST_DAY,
    RULE,
    RULE_CHOICE,
    WEATHER_CHOICE,
)
from scicity.domains.diagnosis.weather import weather_hourly, weather_typical

__all__ = [
    "KIND", "MEASURE", "PROFILE", "QUOTA", "QUOTA_CORRECTION", "REST_DAY", "RULE", "RULE_CHOICE", "WEATHER_CHOICE",
    "anomaly", "baseline", "baseline_part", "expected_daily", "expected_monthly",
    "intensity_peers", "intensity_place", "limit", "load_daily",
    "measure_daily", "measure_ranked", "normalised_yearly", "quota_yearly", "saving", "saving_monthly", "saving_yearly",
    "shape_daily", "warm_heat_daily", "weather_hourly", "weather_typical",
]  # fmt: skip
