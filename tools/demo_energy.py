"""Meters of the demo district: invented loads whose truth is known to the last watt-hour, and what the meters send of them."""

from __future__ import annotations

import math
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone

LOCAL = timezone(timedelta(hours=8))
FIRST = datetime(2022, 11, 17, tzinfo=LOCAL)  # 90 days, so that the factors change within
DAYS = 90
STEP = timedelta(minutes=15)
STEPS = DAYS * 96
WH = 1_000  # watt-hours in a kilowatt-hour

LABORATORY_START = 98_930_000  # counts (0.01 kWh) of the laboratory's register: it rolls over in the third week
OFFICE_START, OFFICE_USED = 731_905, 4_217  # counts (0.01 kWh): at the start, and of the used meter when it came
REPLACED = datetime(2022, 12, 20, 10, 30, tzinfo=LOCAL)  # the office's meter
SILENT_FROM = datetime(2023, 1, 10, 21, 0, tzinfo=LOCAL)  # the dormitory's gateway is down for nine hours,
SILENT_TO = datetime(2023, 1, 11, 6, 0, tzinfo=LOCAL)  # from its last reading to its next

Reading = tuple[str, datetime, float]


@dataclass
class Sent:
    """What meters sent, what came late, and the truth: kWh by meter, flow and local day, in watt-hours."""

    readings: dict[str, list[Reading]] = field(default_factory=lambda: defaultdict(list))  # by observed property
    late: list[Reading] = field(default_factory=list)
    truth: dict[tuple[str, str, date], int] = field(default_factory=lambda: defaultdict(int))


def wobble(name: str, step: int) -> float:
    """A number from 0 to 1 that looks like chance and is the same on every machine."""
    return zlib.crc32(f"{name} {step}".encode()) / 2**32


def moment(step: int) -> datetime:
    """The instant at which a step begins."""
    return FIRST + step * STEP


def day_shape(step: int, low: float, high: float, opens: float, closes: float) -> float:
    """A load [kW] that is high in working hours and low at night and on Sundays."""
    now = moment(step)
    hour = now.hour + now.minute / 60
    if now.weekday() == 6 or not opens <= hour < closes:
        return low
    return low + (high - low) * math.sin(math.pi * (hour - opens) / (closes - opens)) ** 0.5


def energy_of(name: str, step: int, power: float, counts: int) -> int:
    """Energy of a step [Wh], in whole counts of a register of `counts` Wh."""
    return round(power * (0.85 + 0.3 * wobble(name, step)) * WH / 4 / counts) * counts


def sunshine(step: int) -> float:
    """What a photovoltaic roof of 60 kW gives [kW] on a winter's day with clouds."""
    now = moment(step)
    hour = now.hour + now.minute / 60
    clear = 0.25 + 0.75 * wobble("cloud", step // 96)
    return max(0.0, 48 * clear * math.sin(math.pi * (hour - 7.5) / 9.25)) if 7.5 <= hour <= 16.75 else 0.0


def send_all() -> Sent:
    """Readings and truth of all meters."""
    sent = Sent()
    laboratory(sent)
    office(sent)
    servers(sent)
    dormitory(sent)
    boilers(sent)
    return sent


def count_day(sent: Sent, meter: str, flow: str, step: int, energy: int) -> None:
    """Adds the energy [Wh] of a step to the truth."""
    sent.truth[meter, flow, moment(step).date()] += energy


def laboratory(sent: Sent) -> None:
    """A laboratory with a roof of photovoltaics: its main meter counts both ways, its register of 6 digits rolls over.

    The one reading at the roll is lost, so that it lies between two readings half an hour apart.
    """
    taken, given, made, shown = LABORATORY_START, 0, 0, 0  # counts of 10 Wh
    registers = sent.readings["energy_register"]
    for step in range(STEPS + 1):
        at, before, shown = moment(step), shown, taken % 100_000_000
        if shown >= before:
            registers.append(("lab-main.forward", at, shown / 100))
        registers.append(("lab-main.reverse", at, given / 100))
        registers.append(("lab-pv.forward", at, made / 100))
        if step == STEPS:
            return
        load = energy_of("lab", step, day_shape(step, 14, 70, 7, 22), 10)
        sun = energy_of("sun", step, sunshine(step), 10)
        net = load - sun
        count_day(sent, "lab-main", "forward", step, max(net, 0))
        count_day(sent, "lab-main", "reverse", step, max(-net, 0))
        count_day(sent, "lab-pv", "forward", step, sun)
        taken, given, made = taken + max(net, 0) // 10, given + max(-net, 0) // 10, made + sun // 10


def office(sent: Sent) -> None:
    """An office whose meter is replaced one morning by a used one: 0.01 kWh x 10, then x 20; no reading at the change."""
    count = OFFICE_START
    for step in range(STEPS + 1):
        at = moment(step)
        multiplier = 10 if at < REPLACED else 20
        if at == REPLACED:
            count = OFFICE_USED
        else:
            sent.readings["energy_register"].append(("office-main.forward", at, count / 100))
        if step == STEPS:
            return
        energy = energy_of("office", step, day_shape(step, 30, 160, 7.5, 19), 10 * multiplier)
        count_day(sent, "office-main", "forward", step, energy)
        count += energy // (10 * multiplier)


def office_at_removal() -> int:
    """Counts (0.01 kWh) that the office's first meter showed when it was taken away."""
    steps = range((REPLACED - FIRST) // STEP)
    return OFFICE_START + sum(energy_of("office", step, day_shape(step, 30, 160, 7.5, 19), 100) // 100 for step in steps)


def servers(sent: Sent) -> None:
    """Servers in the office, behind its meter: power each quarter of an hour, in steps of 8 W (trapezoids are whole Wh)."""
    powers = [round((11 + 3 * wobble("servers", step)) * 125) * 8 for step in range(STEPS + 1)]  # [W]
    for step, power in enumerate(powers):
        sent.readings["active_power"].append(("office-servers.power", moment(step), power / WH))
    for step in range(STEPS):
        count_day(sent, "office-servers", "forward", step, (powers[step] + powers[step + 1]) // 8)


def dormitory(sent: Sent) -> None:
    """A dormitory: a main meter, two sub-meters, and corridors behind none. Nine hours of the main meter come late."""
    counts = {"dorm-main": 1_250_000, "dorm-east": 88_120, "dorm-west": 90_404}  # of 10 Wh
    for step in range(STEPS + 1):
        at = moment(step)
        for meter, count in counts.items():
            reading = (f"{meter}.forward", at, count / 100)
            late = meter == "dorm-main" and SILENT_FROM < at < SILENT_TO
            (sent.late if late else sent.readings["energy_register"]).append(reading)
        if step == STEPS:
            return
        evening = 1.6 if at.hour >= 18 or at.hour < 1 else 1.0
        used = {
            "dorm-east": energy_of("east", step, 14 * evening, 10),
            "dorm-west": energy_of("west", step, 17 * evening, 10),
        }
        used["dorm-main"] = sum(used.values()) + energy_of("corridors", step, 0.9, 10)
        for meter, energy in used.items():
            count_day(sent, meter, "forward", step, energy)
            counts[meter] += energy // 10


def boilers(sent: Sent) -> None:
    """Gas of a boiler house: increments of an hour, in 0.1 kWh on the net calorific value; real zeros while it is mild."""
    for hour in range(DAYS * 24):
        at = FIRST + timedelta(hours=hour)
        cold = 0.5 + 0.5 * math.sin(math.pi * (hour / 24 + 10) / 110)
        off = 11 <= at.hour < 16 and wobble("mild", hour // 24) > 0.6
        energy = 0 if off else round(240 * cold * (0.9 + 0.2 * wobble("gas", hour)) * 10) * 100
        sent.readings["energy_increment"].append(("boiler-gas.energy", at + timedelta(hours=1), energy / WH))
        sent.truth["boiler-gas", "forward", at.date()] += energy


def utc(instant: datetime) -> datetime:
    """An instant in UTC."""
    return instant.astimezone(UTC)
