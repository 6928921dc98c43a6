"""Green certificates: what they are, what was done with them, and what of it counts."""

from __future__ import annotations

import csv
import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from scicity.domains.carbon.methods import certificates, exact
from scicity.domains.carbon.sources import REVIEW, STANDARDS
from scicity.kernel.computing import Slot
from scicity.kernel.district import ORIGINS
from scicity.kernel.files import read_csv
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Read, derived, recorded, source

TECHNOLOGIES = ("wind", "solar", "hydro", "biomass")
PERIOD_OF_USE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-\d{2}T([01]\d|2[0-3]))?)?")
LENGTHS = {4: certificates.YEAR, 7: certificates.MONTH, 13: certificates.HOUR}  # by the characters of a period
ELECTRICITY = "electricity"

RULE = source(
    "carbon.certificate_rule",
    packaged=__file__,
    path="standards/certificate_rules.csv",
    columns=[
        *("rule", "name_zh", "name_en", "printed", "unit", "document", "document_number", "published_on", "clause"),
        *("review", "note"),
    ],
    optional=("clause", "note"),
    grain=["rule"],
    choices={"review": REVIEW},
    title_zh="绿证规则",
    title_en="Rules of certificates",
    doc="For how much electricity a certificate stands, and for how long it is good, with the document.",
)


@cache
def rules() -> dict[str, Decimal]:
    """The numbers of the rules by name."""
    with (STANDARDS / "certificate_rules.csv").open(encoding="utf-8", newline="") as rows:
        return {row["rule"]: Decimal(row["printed"]) for row in csv.DictReader(rows)}


def _parse_certificates(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
    """The rows of a file of certificates; without a volume it is that of their serial numbers."""
    rows = read_csv(file, place, CERTIFICATE, problems)
    for row in rows:
        first, last = (row.get(column) or "" for column in ("serial_from", "serial_to"))
        if bool(first) != bool(last):
            expected = "both ends of the serial numbers, or none"
            problems.add("value-missing", place, row["source_row"], "serial_from" if last else "serial_to", expected=expected)
        if not row.get("certificate_volume") and first.isdecimal() and last.isdecimal():
            row["certificate_volume"] = str((int(last) - int(first) + 1) * rules()["volume_of_one"])
        elif not row.get("certificate_volume"):
            expected = "electricity in kWh, or serial numbers"
            problems.add("value-missing", place, row["source_row"], "certificate_volume", expected=expected)
    return rows


def _check_certificates(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    """One serial number is one certificate, and a certificate stands for one amount of electricity."""
    rows = {row["certificate"]: row for row in table.to_pylist()}
    numbered = [row for row in rows.values() if row["serial_from"] is not None and row["serial_to"] is not None]
    for row in numbered:
        where = (row["source_file"], row["source_row"])
        count = row["serial_to"] - row["serial_from"] + 1
        if count <= 0:
            expected = f"at least {row['serial_from']}"
            problems.add("certificate", *where, "serial_to", found=row["serial_to"], expected=expected)
        elif row["certificate_volume"] != count * rules()["volume_of_one"]:
            expected = f"{count} certificates of {rules()['volume_of_one']} kWh"
            problems.add("certificate", *where, "certificate_volume", found=row["certificate_volume"], expected=expected)
    ranges = [(row["certificate"], row["serial_from"], row["serial_to"]) for row in numbered]
    for earlier, later in certificates.serial_clashes(ranges):
        row = rows[later]
        found, expected = f"{row['serial_from']}..{row['serial_to']}", f"serial numbers that {earlier} has not"
        problems.add("certificate", row["source_file"], row["source_row"], "serial_from", found=found, expected=expected)
    for row in table.to_pylist():
        if row["vintage"] is not None and row["vintage"].day != 1:
            expected = "the first day of the month of production, such as 2023-05-01"
            problems.add("value", row["source_file"], row["source_row"], "vintage", found=row["vintage"], expected=expected)


CERTIFICATE = source(
    "carbon.certificate",
    path="registers/certificates.csv",
    columns=[
        *(
            "certificate",
            "serial_from",
            "serial_to",
            "certificate_volume",
            "vintage",
            "vintage_hour",
            "technology",
            "generator",
        ),
        *("meter", "expires_on", "origin", "source"),
    ],
    optional=("serial_from", "serial_to", "certificate_volume", "vintage_hour", "meter", "expires_on"),
    grain=["certificate"],
    references={"meter": "energy.meter.meter"},
    choices={"technology": TECHNOLOGIES},
    ranges={"certificate_volume": (0.001, 1e11)},
    parse=_parse_certificates,
    check=_check_certificates,
    title_zh="绿证",
    title_en="Green certificates",
    doc="Green electricity certificates of one production: serial numbers, electricity, month of production, technology. "
    "`meter` is the generation meter, where they are about power that its owner used itself.",
)


def _parse_events(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
    rows = read_csv(file, place, EVENT, problems)
    for row in rows:
        where, period = (place, row["source_row"]), (row.get("used_period") or "").strip()
        if row.get("used_hour"):
            problems.add("column-unknown", *where, "used_hour", found=row["used_hour"], expected="nothing: it is computed")
        row["used_hour"] = None
        cancelled = row.get("action") == certificates.CANCELLED
        if cancelled and not PERIOD_OF_USE.fullmatch(period):
            expected = "the year, month or hour of use: 2023, 2023-05 or 2023-05-01T07"
            problems.add("certificate", *where, "used_period", found=period, expected=expected)
        elif period and not cancelled:
            problems.add("certificate", *where, "used_period", found=period, expected="nothing: certificates are not used up")
        elif len(period) == 13:
            row["used_hour"] = f"{period}:00:00"
        to, transferred = row.get("recipient") or "", row.get("action") == certificates.TRANSFERRED
        if transferred and (not to or to == row.get("enterprise")):
            problems.add("certificate", *where, "recipient", found=to, expected="another enterprise that receives them")
        elif to and not transferred:
            problems.add("certificate", *where, "recipient", found=to, expected="nothing: only what is transferred has one")
    return rows


EVENT = source(
    "carbon.certificate_event",
    path="registers/certificate_events.csv",
    columns=[
        *("event", "certificate", "action", "event_on", "enterprise", "recipient", "certificate_volume", "used_period"),
        *("origin", "source", "used_hour"),
    ],
    optional=("recipient", "used_period", "used_hour"),
    grain=["event"],
    references={
        **{"certificate": "carbon.certificate.certificate", "enterprise": "buildings.enterprise.enterprise"},
        "recipient": "buildings.enterprise.enterprise",
    },
    choices={"action": certificates.ACTIONS},
    ranges={"certificate_volume": (0.001, 1e11)},
    parse=_parse_events,
    title_zh="绿证事件",
    title_en="Acts on certificates",
    doc="What an enterprise did with certificates: bought, transferred to another, or cancelled (used) for a period.",
)

_ACT = ("event", "certificate", "action", "event_on", "enterprise", "recipient", "certificate_volume", "used_period")
ACT = recorded(
    "carbon.certificate_act",
    columns=[*_ACT, "used_hour", "origin", "source"],
    grain=["event"],
    title_zh="页面录入的绿证事件",
    title_en="Acts on certificates that were entered",
    doc="What people entered of certificates on the page; the ledger takes them with those of the register.",
)

_OWNERS = Read(
    "energy.membership",
    columns=("meter", "enterprise", "valid_from", "valid_to"),
    during=("valid_from", "valid_to"),
    trace={"enterprise": "enterprise"},
)


@derived(
    reads={
        "hourly": Read("energy.meter_hourly", columns=("meter", "flow", "hour", "day", "energy", "stand_in")),
        "events": Read(
            "carbon.certificate_event",
            columns=("event", "enterprise", "used_hour"),
            trace={"event": "event"},
        ),
        "acts": Read("carbon.certificate_act", columns=("event", "enterprise", "used_hour"), trace={"event": "event"}),
        "members": _OWNERS,
        "meters": Read("energy.meter", columns=("meter", "carrier", "role", "parent")),
    },
    columns=["event", "day", "enterprise", "used_hour", "use_energy", "stand_in"],
    grain=["event", "day"],
    period="month",
    time="day",
    title_zh="按小时使用的绿证与当时用电",
    title_en="Electricity used in the hours of certificates",
)
def certificate_hour(hourly: Any, events: Any, acts: Any, members: Any, meters: Any) -> Any:
    """What an enterprise used in the hour for which it cancelled certificates: its own meters, forward less reverse.

    A meter whose main meter is its own as well is counted there already. Enterprises that only hold the rest behind the
    sub-meters of others have more in their month than here.
    """
    asked = events.union(acts)
    asked = asked.filter(asked.used_hour.notnull())
    own = members.inner_join(meters.filter(meters.carrier == ELECTRICITY), "meter")
    above = members.select(parent="meter", above="enterprise", above_from="valid_from", above_to="valid_to")
    rows = hourly.inner_join(asked, hourly.hour == asked.used_hour)
    holds = [
        rows.meter == own.meter,
        rows.enterprise == own.enterprise,
        own.valid_from <= rows.hour,
        own.valid_to.isnull() | (own.valid_to > rows.hour),
    ]
    rows = rows.inner_join(own, holds).drop("meter_right", "enterprise_right")
    counted = [
        rows.parent == above.parent,
        rows.enterprise == above.above,
        above.above_from <= rows.hour,
        above.above_to.isnull() | (above.above_to > rows.hour),
    ]
    rows = rows.left_join(above, counted)
    rows = rows.filter(rows.above.isnull() & (rows.role != "generation"))
    signed = ibis.ifelse(rows.flow == "reverse", -rows.energy, rows.energy)
    return rows.group_by("event", "day", "enterprise", "used_hour").agg(use_energy=signed.sum(), stand_in=rows.stand_in.max())


@derived(
    reads={
        "lots": Read("carbon.certificate", trace={"certificate": "certificate"}),
        "events": Read("carbon.certificate_event", columns=(*_ACT, "origin"), trace={"event": "event"}),
        "acts": Read("carbon.certificate_act", columns=(*_ACT, "origin"), trace={"event": "event"}),
        "rules": "carbon.certificate_rule",
        "used": Read(
            "energy.enterprise_monthly",
            columns=("enterprise", "carrier", "month", "energy"),
            trace={"enterprise": "enterprise"},
        ),
        "hours": Read("carbon.certificate_hour", trace={"event": "event"}),
        "members": _OWNERS,
    },
    columns=[
        *("event", "certificate", "event_on", "action", "enterprise", "recipient", "certificate_volume", "used_period"),
        *("verdict", "refusal", "use_energy", "held_volume", "technology", "vintage", "expires_on", "origin", "stand_in"),
    ],
    grain=["event"],
    by_partition=True,
    title_zh="绿证台账",
    title_en="Ledger of certificates",
)
def certificate_ledger(
    slot: Slot,
    lots: pa.Table,
    events: pa.Table,
    acts: pa.Table,
    rules: pa.Table,
    used: pa.Table,
    hours: pa.Table,
    members: pa.Table,
) -> pa.Table:
    """Every act on certificates in its order, with whether it counts and why not.

    Each kWh is used once, transferred only by who holds it, before it expires, for no more than was used in the hour, the month
    and the year, and not for power of an own roof that was used on the spot (`methods/certificates.py`). What is refused
    changes nothing.
    """
    number = {row["rule"]: exact.printed_number(row["printed"]) for row in rules.to_pylist()}
    owner = {row["meter"]: row["enterprise"] for row in members.to_pylist()}
    known = {row["certificate"]: row for row in lots.to_pylist() if row["vintage"] is not None}
    entered = [row for row in (*events.to_pylist(), *acts.to_pylist()) if row["event_on"] is not None]
    told = {row["event"]: row for row in entered if row["certificate"] in known}
    ends = {name: row["expires_on"] or _later(row["vintage"], int(number["months_valid"])) for name, row in known.items()}
    of_period = _use(used.to_pylist())
    of_hour = {(row["enterprise"], _hour(slot, row["used_hour"])): row["use_energy"] for row in hours.to_pylist()}

    def use_of(who: str, length: str, period: str) -> Decimal | None:
        return of_hour.get((who, period)) if length == certificates.HOUR else of_period.get((who, period))

    made = [
        certificates.Lot(
            name,
            row["certificate_volume"],
            row["vintage"],
            ends[name],
            owner.get(row["meter"], "") if row["meter"] else "",
            _hour(slot, row["vintage_hour"]) if row["vintage_hour"] else "",
        )
        for name, row in known.items()
    ]
    nothing = {"verdict": certificates.REFUSED, "refusal": certificates.UNKNOWN_LOT, "stand_in": False}
    rows = [row | nothing for row in entered if row["certificate"] not in known]
    for said in certificates.ledger(made, [_act(row) for row in told.values()], use_of):
        row, lot = told[said.act.name], known[said.act.lot]
        rows.append(
            {
                **{name: row[name] for name in certificate_ledger.columns if name in row},
                **{"technology": lot["technology"], "vintage": lot["vintage"], "expires_on": ends[said.act.lot]},
                "verdict": certificates.REFUSED if said.refusal else certificates.ACCEPTED,
                **{"refusal": said.refusal or None, "use_energy": said.use, "held_volume": said.held},
                "stand_in": ORIGINS[-1] in (row["origin"], lot["origin"]),
            }
        )
    return pa.Table.from_pylist(rows, schema=certificate_ledger.schema)


def _act(row: dict[str, Any]) -> certificates.Act:
    period = row["used_period"] or ""
    return certificates.Act(
        *(row["event"], row["certificate"], row["action"], row["event_on"], row["enterprise"], row["certificate_volume"]),
        to=row["recipient"] or "",
        length=LENGTHS.get(len(period), ""),
        period=period,
        last=_last(period) if period else None,
    )


def _use(rows: list[dict[str, Any]]) -> dict[tuple[str, str], Decimal]:
    """Electricity of enterprises by month and by year, as far as it is known."""
    found: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        if row["carrier"] == ELECTRICITY and row["energy"] is not None:
            for period in (f"{row['month']:%Y-%m}", f"{row['month']:%Y}"):
                found[row["enterprise"], period] = found.get((row["enterprise"], period), Decimal(0)) + row["energy"]
    return found


def _hour(slot: Slot, at: datetime) -> str:
    return f"{at.astimezone(slot.calendar.tz):%Y-%m-%dT%H}"


def _later(month: date, months: int) -> date:
    number = month.year * 12 + month.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _last(period: str) -> date:
    """The last day of an hour, month or year."""
    if len(period) == 13:
        return date.fromisoformat(period[:10])
    begin = date(int(period[:4]), int(period[5:7] or 12), 1)
    return date.fromordinal(_later(begin, 1).toordinal() - 1)
