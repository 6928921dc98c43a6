"""The comparison that the other tests lean on: it finds what differs, and lets pass what floating point alone sets apart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from scicity.kernel.lake import Part
from scicity.kernel.tables import Table
from scicity.spark.agreement import differences

TABLE = Table(name="toy.account", columns=("building", "energy", "coverage", "stand_in"), grain=("building",))
ROW = {"building": "a", "energy": Decimal("3.000000"), "coverage": 0.3, "stand_in": False}


def rows(*several: dict[str, Any]) -> dict[Part, pa.Table]:
    return {Part("all"): pa.Table.from_pylist(list(several), schema=TABLE.schema)}


def test_what_agrees() -> None:
    assert differences(TABLE, rows(ROW), rows(ROW)) == []
    assert differences(TABLE, rows(ROW), rows(ROW | {"coverage": 0.1 + 0.2})) == []
    assert differences(TABLE, rows(), {}) == []


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ([], "1 rows and 0"),
        ([ROW, ROW | {"building": "b"}], "1 rows and 2"),
        ([ROW | {"building": "A"}], "building differs"),
        ([ROW | {"energy": Decimal("3.000001")}], "energy differs"),
        ([ROW | {"energy": None}], "energy differs"),
        ([ROW | {"coverage": 0.3 * (1 + 2e-9)}], "coverage differs"),
        ([ROW | {"coverage": float("nan")}], "coverage differs"),
        ([ROW | {"stand_in": True}], "stand_in differs"),
    ],
)
def test_what_differs(other: list[dict[str, Any]], told: str) -> None:
    assert [each for each in differences(TABLE, rows(ROW), rows(*other)) if told in each]
    assert [each for each in differences(TABLE, rows(*other), rows(ROW)) if each]
