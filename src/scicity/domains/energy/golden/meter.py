"""A true meter: a load that is known at every instant, and the readings that its devices would send of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)

Load = Callable[[datetime], int]  # energy [kWh] that passes, evenly, in the local hour that begins at an instant


@dataclass(frozen=True)
class Device:
    """A row of the register of installations, in local time (`2023-03-11 14:37`; empty = always)."""

    since: str = ""
    until: str = ""
    building: str = "library"
    serial: str = "A"
    multiplier: str = "1"
    digits: int | None = 6
    decimals: int | None = 2
    start: str | None = None  # register at installation
    end: str | None = None  # register at removal
    rated: float | None = None  # [kW]
    shows: str = "1000"  # what the register of a new serial number shows when the device begins to count


@dataclass
class Reading:
    """One reading as it leaves the device."""

    time: datetime
    value: float
    revision: int = 0


class Meter:
    """A load and the devices that measure it, one after the other."""

    def __init__(self, load: Load, devices: list[Device], zone: str, first: datetime, last: datetime) -> None:
        self.zone, self.devices = ZoneInfo(zone), devices
        hour, total = first, Fraction(0)
        self.hours, self.energies = [hour], [total]
        while hour < last:
            total += load(hour.astimezone(self.zone))
            hour += HOUR
            self.hours.append(hour)
            self.energies.append(total)

    @cache  # noqa: B019 (a test's meter does not live long)
    def at(self, text: str) -> datetime:
        """A local time as an instant."""
        return datetime.fromisoformat(text).replace(tzinfo=self.zone).astimezone(UTC)

    def energy(self, instant: datetime) -> Fraction:
        """Energy [kWh] from the first hour up to an instant."""
        place = min(max(int((instant - self.hours[0]) / HOUR), 0), len(self.hours) - 2)
        share = Fraction((instant - self.hours[place]) // timedelta(microseconds=1), 3_600_000_000)
        return self.energies[place] + (self.energies[place + 1] - self.energies[place]) * min(
            max(share, Fraction(0)), Fraction(1)
        )

    def span(self, device: Device) -> tuple[datetime, datetime]:
        """From when until when a device measures."""
        return (
            self.at(device.since) if device.since else self.hours[0],
            self.at(device.until) if device.until else self.hours[-1] + HOUR,
        )

    def registers(self, every: timedelta) -> list[Reading]:
        """What the register shows, at all multiples of `every` from the first hour on."""
        found, serial, shows = [], None, Fraction(0)
        for device in self.devices:
            begin, end = self.span(device)
            shows, serial = (shows if device.serial == serial else Fraction(device.shows)), device.serial
            turns = Fraction(10**device.digits) if device.digits is not None else None
            time = begin + (self.hours[0] - begin) % every
            while time < end and time <= self.hours[-1]:
                value = shows + (self.energy(time) - self.energy(begin)) / Fraction(device.multiplier)
                value = value % turns if turns else value
                places = 10 ** (6 if device.decimals is None else device.decimals)
                assert (value * places).denominator == 1, f"the register cannot show {float(value)}: choose another load"
                found.append(Reading(time, float(value)))
                time += every
            shows += (self.energy(end) - self.energy(begin)) / Fraction(device.multiplier)
        return found

    def increments(self, every: timedelta) -> list[Reading]:
        """The energy of each interval, told at its end."""
        return [
            Reading(time, float((self.energy(time) - self.energy(time - every)) / Fraction(self.devices[0].multiplier)))
            for time in self._times(every)[1:]
        ]

    def powers(self, every: timedelta) -> list[Reading]:
        """The power [kW] at each instant."""
        second = timedelta(seconds=1)
        return [Reading(time, float((self.energy(time + second) - self.energy(time)) * 3600)) for time in self._times(every)]

    def truth(self, first: datetime, last: datetime) -> dict[tuple[str, datetime], Decimal]:
        """The energy [kWh] of each building in each hour of [first, last)."""
        found: dict[tuple[str, datetime], Decimal] = {}
        while first < last:
            for device in self.devices:
                begin, end = self.span(device)
                begin, end = max(begin, first), min(end, first + HOUR)
                if begin < end:
                    energy = round((self.energy(end) - self.energy(begin)) * 1_000_000)
                    key = (device.building, first)
                    found[key] = found.get(key, Decimal(0)) + Decimal(energy) / 1_000_000
            first += HOUR
        return found

    def _times(self, every: timedelta) -> list[datetime]:
        count = (self.hours[-1] - self.hours[0]) // every
        return [self.hours[0] + every * n for n in range(count + 1)]


def daily(hour: datetime) -> int:
    """A load that every day repeats: 20 kWh in the first hour of the day, 4 more in each hour until noon, then falling."""
    return 20 + 4 * min(hour.hour, 24 - hour.hour)


def steady(hour: datetime) -> int:
    """60 kWh in every hour."""
    return 60


def weak(hour: datetime) -> int:
    """A small meter: 4 kWh in the hours of the day, nothing at night."""
    return 4 if 7 <= hour.hour < 19 else 0
