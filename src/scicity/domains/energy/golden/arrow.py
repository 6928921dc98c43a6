"""The ledger's doors as the kernel uses them: Arrow tables in, Arrow table out."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Protocol

import pyarrow as pa

from scicity.domains.energy.golden.meter import Device, Reading
from scicity.domains.energy.methods.ledger import FLAGS
from scicity.domains.energy.methods.partition import PROPERTY, hourly_ledger, set_aside
from scicity.kernel.calendar import Calendar

__all__ = ["FLAGS", "installation_row", "ledger", "verdicts"]

INSTANT = pa.timestamp("us", tz="UTC")
EXACT = pa.decimal128(18, 6)
READINGS = pa.schema([("datastream", pa.string()), ("time", INSTANT), ("value", pa.float64()), ("revision", pa.int64())])
INSTALLATIONS = pa.schema(
    [
        ("meter", pa.string()), ("valid_from", INSTANT), ("valid_to", INSTANT), ("building", pa.string()),
        ("serial", pa.string()), ("multiplier", EXACT), ("register_digits", pa.int64()), ("register_decimals", pa.int64()),
        ("register_start", EXACT), ("register_end", EXACT), ("rated_power", pa.float64()),
    ]
)  # fmt: skip
ALWAYS = datetime(1990, 1, 1, tzinfo=UTC)


class Setting(Protocol):
    """What is known of a meter beside its readings."""

    @property
    def devices(self) -> list[Device]: ...
    @property
    def observed(self) -> str: ...
    @property
    def every(self) -> int: ...
    @property
    def zone(self) -> str: ...
    @property
    def zero_is_gap(self) -> bool: ...


def ledger(case: Setting, flows: dict[str, list[Reading]], window: tuple[datetime, datetime]) -> pa.Table:
    """The rows of the ledger in a window, sorted."""
    table = hourly_ledger(*_inputs(case, flows, window))
    table = table.cast(
        pa.schema([(f.name, getattr(f.type, "value_type", f.type)) for f in table.schema])
    )  # words, no dictionaries
    return table.sort_by([(name, "ascending") for name in ("meter", "flow", "building", "hour")]).combine_chunks()


def verdicts(case: Setting, flows: dict[str, list[Reading]], window: tuple[datetime, datetime]) -> dict[str, int]:
    """How many readings of a window were set aside, by rule."""
    return dict(Counter(set_aside(*_inputs(case, flows, window)).column("rule").to_pylist()))


def _inputs(case, flows, window):  # type: ignore[no-untyped-def]
    calendar = Calendar(case.zone)
    start, end = (int(instant.timestamp()) * 1_000_000 for instant in window)
    streams = pa.Table.from_pylist(
        [
            {"datastream": f"meter.{flow}", "thing": "meter", "property": case.observed, "flow": flow,
             "interval_seconds": case.every * 60, "origin": "measured"}
            for flow in flows
        ]
    )  # fmt: skip
    meters = pa.table({"meter": ["meter"], "zero_is_gap": [case.zero_is_gap]})
    of_property = {name: READINGS.empty_table() for name in PROPERTY}
    name = next(name for name, observed in PROPERTY.items() if observed == case.observed)
    of_property[name] = pa.Table.from_pylist(
        [
            {"datastream": f"meter.{flow}", "time": row.time, "value": row.value, "revision": row.revision}
            for flow, rows in flows.items()
            for row in rows
        ],
        schema=READINGS,
    )
    slot = SimpleNamespace(start=start, end=end, calendar=calendar, spans=((start, end),))
    return (
        slot,
        streams,
        meters,
        pa.Table.from_pylist([installation_row(d, calendar) for d in case.devices], INSTALLATIONS),
        of_property,
    )


def installation_row(device: Device, calendar: Calendar) -> dict[str, object]:
    """The row of the register of installations of a device of the meter `meter`."""

    def instant(text: str) -> datetime | None:
        return datetime.fromisoformat(text).replace(tzinfo=calendar.tz).astimezone(UTC) if text else None

    def exact(text: str | None) -> Decimal | None:
        return Decimal(text) if text is not None else None

    return {
        "meter": "meter", "valid_from": instant(device.since) or ALWAYS, "valid_to": instant(device.until),
        "building": device.building, "serial": device.serial, "multiplier": exact(device.multiplier),
        "register_digits": device.digits,
        "register_decimals": device.decimals, "register_start": exact(device.start), "register_end": exact(device.end),
        "rated_power": device.rated,
    }  # fmt: skip
