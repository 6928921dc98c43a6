"""PV against documented values and the series of renewables.ninja; wind by hand."""

import csv
from pathlib import Path

import numpy as np
import pytest

from scicity.domains.optimisation.methods import sun, wind
from scicity.domains.optimisation.methods.matrix import Floats

HOUR = 3_600_000_000
NINJA = Path(__file__).parent / "solar_generation.csv"  # renewables.ninja by way of the Cambridge estates archive, MIT
FLAT = sun.Panel(100.0, 0.0, 180.0, -0.004, 0.0)


def at(text: str, hours: int = 1) -> np.ndarray:
    return int(np.datetime64(text, "us").astype(np.int64)) + np.arange(hours) * HOUR


def test_the_sun_stands_where_the_solar_position_algorithm_says() -> None:
    # NREL/TP-560-34302, table A5.1: Golden, 17 October 2003, 12:30:30 local; the zenith there for another air pressure
    seen = sun.sky(at("2003-10-17T19:00:30"), 39.742476, -105.1786)
    assert seen.azimuth[0] == pytest.approx(194.34024, abs=1e-4)
    assert seen.zenith[0] == pytest.approx(50.11162, abs=0.005)


def test_a_panel_gives_what_pvwatts_says() -> None:
    on_it, still = np.array([1000.0, 800.0, 0.0]), np.zeros(3)
    cell = 25.0 - np.array([40.0, 32.0, 0.0])  # Faiman: irradiance / 25 above the air without wind
    assert sun.panel_power(FLAT, on_it, cell, still) == pytest.approx([96.0, 76.8, 0.0])
    assert sun.panel_power(FLAT, on_it[:1], np.array([25.0]), still[:1]) == pytest.approx([96.0 * (1 - 0.004 * 40)])
    assert sun.panel_power(FLAT._replace(loss=0.14), on_it[:1], cell[:1], still[:1]) == pytest.approx([96.0 * 0.86])
    windy = sun.panel_power(FLAT, on_it[:1], np.array([25.0]), np.array([5.0]))
    assert windy == pytest.approx([96.0 * (1 - 0.004 * 1000 / (25 + 6.84 * 5))])


def test_an_inverter_clips() -> None:
    cold = np.array([-15.0])
    assert sun.panel_power(FLAT._replace(inverter=60.0), np.array([1000.0]), cold, np.zeros(1)) == pytest.approx([60.0])


def test_power_from_the_plane_is_that_of_renewables_ninja() -> None:
    with NINJA.open(encoding="utf-8") as rows:
        read = [{name: float(value) for name, value in row.items() if name != "time"} for row in csv.DictReader(rows)]
    told = {name: np.array([row[name] for row in read]) for name in read[0]}
    panel = sun.Panel(1000.0, 35.0, 180.0, -0.0035, 0.10)
    ours = sun.panel_power(panel, told["direct"] + told["diffuse"], told["temperature"], np.ones(len(read)))
    assert len(read) == 72
    assert ours.sum() == pytest.approx(told["generation"].sum(), rel=0.02)
    assert np.abs(ours - told["generation"]).max() < 25
    assert np.corrcoef(ours, told["generation"])[0, 1] > 0.999


def level_of(day: str, cold: float, warm: float) -> tuple[sun.Sky, Floats]:
    seen = sun.sky(at(f"{day}T16:00:00", 24), 40.15, 116.4)  # midnight in Beijing
    outside = np.linspace(cold, warm, 24)
    return seen, sun.from_temperatures(seen, outside, np.zeros(24, int))


def test_the_sun_from_temperatures_is_that_of_fao_56() -> None:
    # 21 June: 41.6 MJ/m² come in outside of the atmosphere at 40° north (FAO-56, annex 2, table 2.6); 0.16 · √9 = 0.48 of it
    _, level = level_of("2023-06-20", 18.0, 27.0)
    assert level.sum() * 3600 / 1e6 == pytest.approx(0.48 * 41.6, rel=0.015)
    assert (level >= 0).all()
    assert level[0] == level[-1] == 0


def test_no_day_is_brighter_than_a_clear_sky() -> None:
    _, wide = level_of("2023-06-20", 0.0, 60.0)
    _, wider = level_of("2023-06-20", 0.0, 80.0)
    assert wide == pytest.approx(wider)
    _, same = level_of("2023-06-20", 20.0, 20.0)
    assert same == pytest.approx(np.zeros(24))


def test_a_tilted_panel_gives_more_in_winter_and_a_level_one_what_it_is_told() -> None:
    seen, level = level_of("2023-12-20", -8.0, 2.0)
    felt, still = np.zeros(24), np.ones(24)
    tilted = sun.pv_power(FLAT._replace(tilt=40.0), seen, level, felt, still)
    flat = sun.pv_power(FLAT, seen, level, felt, still)
    assert tilted.sum() > 1.4 * flat.sum()
    assert flat == pytest.approx(sun.panel_power(FLAT, level, felt, still), rel=0.02, abs=0.4)
    assert flat[seen.zenith > 91] == pytest.approx(0.0)


def test_a_turbine_stands_still_rises_by_the_cube_and_stops_in_the_storm() -> None:
    at_hub = (70 / 10) ** (1 / 7)
    speeds = np.array([2.9, 3.0, 7.5, 12.0, 24.9, 25.1]) / at_hub
    found = wind.wind_power(speeds, 1500.0, 70.0, 3.0, 12.0, 25.0)
    assert found == pytest.approx([0, 0, 1500 * (7.5**3 - 27) / (1728 - 27), 1500, 1500, 0], abs=1e-6)
    with pytest.raises(ValueError, match="grow"):
        wind.wind_power(speeds, 1500.0, 70.0, 12.0, 3.0, 25.0)
