"""The registers of the devices that the access network asks or listens to, and the health of what they send."""

from __future__ import annotations

import pyarrow as pa

from scicity.access.gathering import asked, protocols, refused
from scicity.domains.devices.health import BEHAVIOUR, THRESHOLD, tables_of  # noqa: F401  (found here by name)
from scicity.kernel.problems import Problems
from scicity.kernel.tables import source


def _check_connections(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    for row in table.to_pylist():
        if row["protocol"] in asked() and row["interval_seconds"] is None:
            where = (row["source_file"], row["source_row"], "interval_seconds")
            problems.add("value-missing", *where, expected=f"how often a device of {row['protocol']} is asked [s]")


def _check_points(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    protocol_of = {row["connection"]: row["protocol"] for row in tables["devices.connection"].to_pylist()}
    for row in table.to_pylist():
        protocol = protocol_of.get(row["connection"])
        expected = refused(protocol, row["item"]) if protocol and row["item"] else ""
        if expected:
            problems.add("value", row["source_file"], row["source_row"], "item", found=row["item"], expected=expected)


connection = source(
    "devices.connection",
    path="registers/connections.csv",
    columns=["connection", "protocol", "address", "interval_seconds", "origin", "source"],
    optional=("interval_seconds", "source"),
    grain=["connection"],
    choices={"protocol": protocols()},
    ranges={"interval_seconds": (1, 86_400)},
    check=_check_connections,
    title_zh="采集连接",
    title_en="Connections",
    doc="The addresses behind which devices are: how they are spoken to, and how often they are asked.",
)

point = source(
    "devices.point",
    path="registers/points.csv",
    columns=["datastream", "connection", "item", "scale", "source"],
    optional=("scale", "source"),
    grain=["datastream"],
    references={"datastream": "district.datastream.datastream", "connection": "devices.connection.connection"},
    check=_check_points,
    title_zh="采集点",
    title_en="Points",
    doc="Which item of a device is which datastream; what it says times `scale` is in the datastream's unit.",
)
