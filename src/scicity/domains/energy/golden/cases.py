"""The hard cases of metering that concern the ledger, each with what goes wrong and what must come out.

Where a case says nothing, every hour must hold exactly the true energy, to the sixth decimal, without a mark. `unknown` hours
hold nothing (null, never 0); `partial` ones what is known of them. Times are local: day of March 2023 and hour, `from..to`
without `to`. The numbers in brackets are the groups of the project's list of hard cases. To add a case, add an entry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from scicity.domains.energy.golden.damage import (
    Damage,
    also,
    becomes,
    clock,
    shows,
    silent,
    sticks,
    turned_bytes,
    twice,
)
from scicity.domains.energy.golden.meter import Device, Load, daily, steady, weak


@dataclass(frozen=True)
class Case:
    """What a true meter measures, what is done to its readings, and what the ledger must say of some days."""

    name: str
    damage: list[Damage] = field(default_factory=list)
    load: Load = daily
    devices: list[Device] = field(default_factory=lambda: [Device()])
    observed: str = "energy_register"
    every: int = 15  # minutes
    zone: str = "Asia/Shanghai"
    days: tuple[str, str] = ("2023-03-10", "2023-03-15")
    zero_is_gap: bool = False
    unknown: str = ""
    partial: dict[str, str] = field(default_factory=dict)  # hour, or hour and building -> energy known
    holds: dict[str, str] = field(default_factory=dict)  # hour -> energy, where the truth cannot be told from the readings
    marks: dict[str, str] = field(default_factory=dict)  # flag -> hours that carry it
    set_aside: dict[str, int] = field(default_factory=dict)  # rule -> how many readings of these days


def _replaced(end: str | None = "13252", start: str | None = "88000") -> list[Device]:
    """Device A until 14:00 on 12 March, device B from then on; A shows 13 252 there."""
    return [
        Device(until="2023-03-12 14:00", end=end),
        Device(since="2023-03-12 14:00", serial="B", shows="88000", start=start),
    ]


TURNS_AT_10 = "7994"  # a register of 4 digits that shows this on 1 March shows 9990 on 12 March at 10:00

CASES = [
    Case("[2] nothing is wrong"),
    Case("[1] the same readings twice", [twice("2023-03-11 03:00", "2023-03-12 20:00")]),
    Case(
        "[1] two values for one time: the lower one counts, marked",
        [also("2023-03-11 10:15", 12345)],
        marks={"conflict": "11 10..11 11"},
        set_aside={"conflict": 1},
    ),
    Case(
        "[1] a correction counts before what it corrects",
        [shows("2023-03-11 10:00", 11941), also("2023-03-11 10:00", 11940, revision=1)],
        marks={"conflict": "11 10..11 11"},
        set_aside={"conflict": 1},
    ),
    Case("[4] a gap inside an hour", [silent("2023-03-11 10:00", "2023-03-11 11:00")], marks={"estimated": "11 10..11 11"}),
    Case(
        "[4] a gap over midnight",
        [silent("2023-03-11 22:00", "2023-03-12 03:00")],
        marks={"estimated": "11 22..12 03"},
    ),
    Case(
        "[4] a gap of three days, by the load's own shape",
        [silent("2023-03-10 09:00", "2023-03-13 09:00")],
        marks={"estimated": "10 09..13 09"},
    ),
    Case(
        "[4] a gap that begins and ends within an hour",
        [silent("2023-03-11 10:15", "2023-03-11 13:45")],
        marks={"estimated": "11 10..11 14"},
    ),
    Case(
        "[5] an outage whose buffer is sent in two parts, the second from the beginning",
        [twice("2023-03-11 02:00", "2023-03-11 03:00"), twice("2023-03-11 02:00", "2023-03-11 04:00")],
    ),
    Case("[6] rollover of 4 digits", devices=[Device(digits=4, shows=TURNS_AT_10)], marks={"rollover": "12 10..12 11"}),
    Case(
        "[6] rollover of 6 digits, multiplied by 80",
        devices=[Device(multiplier="80", decimals=4, shows="999850")],
        marks={"rollover": "12 10..12 11"},
    ),
    Case(
        "[6] rollover of 8 digits, within the rated power",
        devices=[Device(digits=8, shows="99987994", rated=100)],
        marks={"rollover": "12 10..12 11"},
    ),
    Case(
        "[6] rollover of which the reading is lost",
        [silent("2023-03-12 10:00", "2023-03-12 10:30")],
        devices=[Device(digits=4, shows=TURNS_AT_10)],
        marks={"rollover": "12 10..12 11"},
    ),
    Case(
        "[6] rollover within a gap",
        [silent("2023-03-12 08:00", "2023-03-12 13:00")],
        devices=[Device(digits=4, shows=TURNS_AT_10)],
        marks={"rollover": "12 08..12 13", "estimated": "12 08..12 13"},
    ),
    Case(
        "[6] within a gap the register may have rolled over twice: unknown",
        [silent("2023-03-11 00:00", "2023-03-13 00:00")],
        devices=[Device(digits=4, shows=TURNS_AT_10, rated=500)],
        unknown="11 00..13 00",
        marks={"implausible": "11 00..13 00", "partial": "11 00..13 00"},
    ),
    Case(
        "[6] a register of 3 digits that rolls over every day",
        devices=[Device(digits=3, shows="0", rated=150)],
        marks={"rollover": "10 11..10 12;11 10..11 11;12 10..12 11;13 09..13 10;14 07..14 08"},
    ),
    Case("[7] replaced, both registers known", devices=_replaced()),
    Case(
        "[7] replaced within a gap, both registers known",
        [silent("2023-03-12 12:00", "2023-03-12 16:00")],
        devices=_replaced(),
        marks={"estimated": "12 12..12 16"},
    ),
    Case(
        "[7] replaced, no register known: nothing is invented",
        [silent("2023-03-12 13:30", "2023-03-12 14:45")],
        devices=_replaced(end=None, start=None),
        partial={"12 13": "32", "12 14": "15"},
        marks={"partial": "12 13..12 15"},
    ),
    Case(
        "[7] a used meter, only its own register known",
        devices=_replaced(end=None),
        partial={"12 13": "48"},
        marks={"partial": "12 13..12 14"},
    ),
    Case(
        "[7] the multiplier changes between two readings",
        load=steady,
        devices=[
            Device(until="2023-03-12 13:20", multiplier="20", decimals=3),
            Device(since="2023-03-12 13:20", multiplier="40", decimals=3),
        ],
        marks={"changed": "12 13..12 14"},
    ),
    Case(
        "[7] the multiplier changes at a reading",
        devices=[
            Device(until="2023-03-12 13:15", multiplier="20", decimals=3),
            Device(since="2023-03-12 13:15", multiplier="40", decimals=3),
        ],
        marks={"changed": "12 13..12 14"},
    ),
    Case(
        "[7] moved to another building at 14:37",
        load=steady,
        devices=[Device(until="2023-03-12 14:37"), Device(since="2023-03-12 14:37", building="workshop")],
        partial={"12 14 library": "37", "12 14 workshop": "23"},
        marks={"changed": "12 14..12 15", "interpolated": "12 14..12 15"},
    ),
    Case(
        "[8] reset to 0 and back to the old value",
        [becomes("2023-03-11 10:15", "2023-03-11 10:45", lambda _: 0.0)],
        marks={"rejected": "11 10..11 11", "estimated": "11 10..11 11"},
        set_aside={"dip": 2},
    ),
    Case(
        "[8] reset to 0 for a day, and back to the old value",
        [becomes("2023-03-11 10:00", "2023-03-12 10:00", lambda _: 0.0)],
        marks={"rejected": "11 10..12 10", "estimated": "11 09..12 10"},
        set_aside={"dip": 96},
    ),
    Case(
        "[8] counting from 0 for half a day, and back to the old value",
        [becomes("2023-03-11 10:15", "2023-03-11 22:00", lambda value: value - 11955)],
        marks={"rejected": "11 10..11 22", "estimated": "11 10..11 22"},
        set_aside={"dip": 47},
    ),
    Case(
        "[8] 0 once every six hours, for ever",
        [shows(f"2023-03-{day:02d} {hour:02d}:30", 0.0) for day in range(1, 20) for hour in (1, 7, 13, 19)],
        marks={
            "rejected": ";".join(f"{day} {hour:02d}..{day} {hour + 1:02d}" for day in range(10, 15) for hour in (1, 7, 13, 19))
        },
        set_aside={"dip": 20},
    ),
    Case(
        "[8] a step back by 0.1", [shows("2023-03-11 10:30", 11954.9)], marks={"rejected": "11 10..11 11"}, set_aside={"dip": 1}
    ),
    Case(
        "[8] a spike of 1000",
        [shows("2023-03-11 10:30", 12970)],
        marks={"rejected": "11 10..11 11"},
        set_aside={"spike": 1},
    ),
    Case(
        "[8] 5000 too much for six hours",
        [becomes("2023-03-11 10:15", "2023-03-11 16:15", lambda value: value + 5000)],
        marks={"rejected": "11 10..11 17", "estimated": "11 10..11 17"},
        set_aside={"spike": 24},
    ),
    Case(
        "[8] no number, beyond all numbers, below zero, bytes in the wrong order",
        [
            shows("2023-03-11 01:30", math.nan),
            shows("2023-03-11 03:30", 1.8e21),
            shows("2023-03-11 05:30", -0.007),
            becomes("2023-03-11 07:30", "2023-03-11 07:45", turned_bytes),
            shows("2023-03-11 09:30", math.inf),
        ],
        marks={"rejected": "11 01..11 02;11 03..11 04;11 05..11 06;11 07..11 08;11 09..11 10"},
        set_aside={"impossible": 5},
    ),
    Case(
        "[8] no number for three days",
        [becomes("2023-03-11 00:15", "2023-03-14 00:00", lambda _: math.nan)],
        marks={"rejected": "11 00..14 00", "estimated": "11 00..14 00"},
        set_aside={"impossible": 287},
    ),
    Case(
        "[8] frozen for 30 hours, then the true value: all of it in the step that catches up, marked",
        [sticks("2023-03-11 06:00", "2023-03-12 12:00")],
        load=steady,
        holds={**{f"11 {h:02d}": "0" for h in range(6, 24)}, **{f"12 {h:02d}": "0" for h in range(11)}, "12 11": "1800"},
        marks={"frozen": "11 06..12 12"},
    ),
    Case(
        "[8] frozen for 30 hours, then more than the rated power allows: the way there is estimated",
        [sticks("2023-03-11 06:00", "2023-03-12 12:00")],
        load=steady,
        devices=[Device(rated=120)],
        holds={
            **{f"11 {h:02d}": "0" for h in range(6, 21)},
            **{f"11 {h:02d}": "120" for h in range(21, 24)},
            **{f"12 {h:02d}": "120" for h in range(12)},
        },
        marks={"estimated": "11 21..12 12", "rejected": "11 21..12 12"},
    ),
    Case("[8] a meter that rests at night", load=weak),
    Case(
        "[8] reset to 0 for good: one step is unknown",
        [becomes("2023-03-11 10:30", "2023-03-31 00:00", lambda value: value - 11970)],
        partial={"11 10": "45"},
        marks={"reset": "11 10..11 11", "partial": "11 10..11 11"},
    ),
    Case(
        "[8] a jump beyond the rated power, for good",
        [becomes("2023-03-11 10:30", "2023-03-31 00:00", lambda value: value + 50000)],
        devices=[Device(rated=150)],
        partial={"11 10": "45"},
        marks={"implausible": "11 10..11 11", "partial": "11 10..11 11"},
    ),
    Case(
        "[8] a source that writes 0 for what it did not measure",
        [becomes("2023-03-11 10:00", "2023-03-11 13:00", lambda _: 0.0)],
        observed="energy_increment",
        every=60,
        zero_is_gap=True,
        unknown="11 09..11 12",
        marks={"partial": "11 09..11 12", "rejected": "11 10..11 13"},
        set_aside={"zero is a gap": 3},
    ),
    Case(
        "[10] the gateway's clock jumps back by an hour and shows each time twice: the lower register counts",
        [clock("2023-03-11 10:15", "2023-03-11 11:15", -60)],
        holds={"11 09": "56", "11 10": "60"},
        marks={"conflict": "11 09..11 11", "estimated": "11 10..11 12"},
    ),
    Case(
        "[10] a reading of 1970 and one of 2099",
        [also("1970-01-01 08:00", 5.0), also("2099-01-01 00:00", 99999.0)],
        devices=[Device(since="2023-03-01 00:00", until="2023-04-01 00:00")],
    ),
    Case("[10] leap day", days=("2024-02-28", "2024-03-02")),
    Case("[10] a day of 23 hours", zone="Europe/Berlin", days=("2023-03-25", "2023-03-28")),
    Case("[10] a day of 25 hours", zone="Europe/Berlin", days=("2023-10-28", "2023-10-31")),
    Case(
        "[10] a gap over a day of 23 hours, by the shape of the local hours",
        [silent("2023-03-25 20:00", "2023-03-27 06:00")],
        zone="Europe/Berlin",
        days=("2023-03-25", "2023-03-28"),
        marks={"estimated": "25 20..27 06"},
    ),
    Case("[10] India's half hour", zone="Asia/Kolkata"),
    Case("[10] India's half hour, increments of an hour", zone="Asia/Kolkata", observed="energy_increment", every=60),
    Case(
        "[12] readings every 7 minutes",
        load=steady,
        every=7,
        marks={"interpolated": "10 00..15 00"},
        devices=[Device(decimals=None)],
    ),
    Case("[12] readings once a day", load=steady, every=1440, marks={"interpolated": "10 00..14 23"}),
    Case("[12] increments of 15 minutes", observed="energy_increment"),
    Case("[12] increments that end at 20 past", load=steady, observed="energy_increment", every=40),
    Case(
        "[12] an increment is missing: unknown, not 0",
        [silent("2023-03-11 10:15", "2023-03-11 10:45")],
        observed="energy_increment",
        partial={"11 10": "45"},
        marks={"partial": "11 10..11 11"},
    ),
    Case("[11] power of a steady load", load=steady, observed="active_power", every=5),
    Case(
        "[11] power after an outage does not fill the outage",
        [silent("2023-03-11 10:00", "2023-03-11 12:30")],
        load=steady,
        observed="active_power",
        every=5,
        unknown="11 10..11 12",
        partial={"11 12": "30"},
        marks={"partial": "11 10..11 13"},
    ),
]
