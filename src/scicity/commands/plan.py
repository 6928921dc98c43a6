"""Plans the energy stations a day ahead from now, with the newest readings, and gives set-points out as advice.

Set-points go out as readings of the datastreams `<station>.<unit>.set_point` that are registered, and to a broker where one is
named. They are advice: nothing is commanded.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scicity.commands import USUAL, Folder, Json, open_city, say, stop

if TYPE_CHECKING:
    from scicity.city import City
    from scicity.domains.optimisation.replanning import Advice

PROPERTY = "set_point"


def run(
    folder: Folder = USUAL,
    station: Annotated[str, typer.Option(help="This station alone; all of them if none is named.")] = "",
    at: Annotated[
        str, typer.Option(help="From this local time on, such as 2023-12-30T06:00; else behind the newest hour.")
    ] = "",
    mqtt: Annotated[str, typer.Option(help="A broker that is told as well: mqtt://host:port.")] = "",
    dry: Annotated[bool, typer.Option("--dry", help="Plan only, and give nothing out.")] = False,
    as_json: Json = False,
) -> None:
    city = open_city(folder)
    from scicity.domains.optimisation.replanning import CannotPlan, replanned, stations_of

    try:
        begin = datetime.fromisoformat(at) if at else None
    except ValueError:
        stop(f"{at!r}: expected a time such as 2023-12-30T06:00", as_json)
    if begin is not None and begin.tzinfo is None:
        begin = begin.replace(tzinfo=city.district.calendar.tz)
    names = [station] if station else stations_of(city.figures)
    if not names:
        stop("this district has no energy station with units (registers/station_units.csv)", as_json)
    told: list[dict[str, Any]] = []
    lines: list[str] = []
    for name in names:
        try:
            advice = replanned(city.figures, city.district.calendar, name, begin)
        except CannotPlan as why:
            told.append({"station": name, "mode": "advisory", "error": str(why)})
            lines.append(f"✗ {why}")
            continue
        document = advice.document()
        if not dry:
            document["readings"], document["not_registered"] = _as_readings(city, advice)
            document["topics"] = _published(mqtt, document, as_json) if mqtt else []
        told.append(document)
        lines += _lines(document, city)
    say({"advice": told}, "\n".join(lines), as_json)
    if all("error" in each for each in told):
        raise typer.Exit(1)


def _as_readings(city: City, advice: Advice) -> tuple[int, list[str]]:
    """Puts the set-points of registered datastreams into the inbox; how many readings, and the datastreams that are not
    there."""
    import pyarrow as pa

    from scicity.access.inbox import Inbox
    from scicity.cockpit.place import Place
    from scicity.kernel.reading import ARRIVAL, Batch

    streams = city.figures.rows("district.datastream", ["datastream"], {"property": PROPERTY})
    registered = {row["datastream"] for row in streams}
    names = {f"{advice.station}.{each.unit}.{PROPERTY}": each for each in advice.set_points}
    now = datetime.now(UTC)
    revision = int(now.timestamp())  # a plan that is made later corrects the ones before it
    rows = [
        (name, step, value, revision)
        for name, each in names.items()
        if name in registered
        for step, value in zip(advice.steps, each.power, strict=True)
    ]
    if rows:
        columns = [pa.array(list(column), field.type) for column, field in zip(zip(*rows, strict=True), ARRIVAL, strict=True)]
        place = replace(Place.of_environment(), district=city.folder.resolve(), state_root=city.state.parent.resolve())
        batch = Batch(f"plan {advice.station} {now.isoformat()}", pa.table(columns, schema=ARRIVAL), now, place="scicity plan")
        Inbox(place.inbox).put([batch])
    return len(rows), sorted(set(names) - registered)


def _published(mqtt: str, document: dict[str, Any], as_json: bool) -> list[str]:
    from scicity.access.mqtt.advise import publish

    try:
        return publish(mqtt, document, os.environ.get("SCICITY_PASSWORD_" + "ADVICE"))
    except (OSError, ValueError) as error:
        stop(f"advice was not published: {error}", as_json)


def _lines(document: dict[str, Any], city: City) -> list[str]:
    begin = datetime.fromisoformat(document["begin"]).astimezone(city.district.calendar.tz)
    emission = "unknown" if document["emission_kg"] is None else f"{document['emission_kg']:,.0f} kg CO2"
    lines = [f"{document['station']}, advisory, from {begin:%Y-%m-%d %H:%M} on: {document['cost_cny']:,.0f} CNY, {emission}"]
    if document["unmet_kwh"]:
        lines.append(f"  {document['unmet_kwh']:,.0f} kWh cannot be met")
    for name, count in document["basis"].items():
        lines.append(f"  {name}: " + ", ".join(f"{hours} h {how}" for how, hours in count.items()))
    lines += [f"  {name} begins as {how}" for name, how in document["stores"].items()]
    for each in document["set_points"]:
        shown = " ".join(f"{value:,.0f}" for value in each["values"][::4])
        lines.append(f"  {each['unit']} [kW of {each['carrier']}, each hour]: {shown}")
    if document.get("readings"):
        lines.append(f"  {document['readings']} readings given to the inbox")
    if document.get("not_registered"):
        lines.append("  not registered in registers/datastreams.csv, so no readings: " + ", ".join(document["not_registered"]))
    lines += [f"  published: {topic}" for topic in document.get("topics", ())]
    return lines
