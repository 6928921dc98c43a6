"""Buckets follow their own key: a table that is spread by another key than what it reads looks into all of them."""

from typing import Any

import pyarrow as pa

from scicity.kernel.computing import Computing
from scicity.kernel.lake import Part
from scicity.kernel.reading import bucket_of
from scicity.kernel.tables import Catalog, derived
from tests.kernel.toy import FIRST, METERS, ZONE, Calendar, Toy, catalog


@derived(
    name="toy.by_zone",
    reads={"daily": "toy.daily"},
    columns=["zone", "day", "energy"],
    grain=["zone", "day"],
    period="month",
    time="day",
    key="zone",
)
def by_zone(daily: Any) -> Any:
    """Meters to one zone whose bucket is another than that of most of its meters."""
    return daily.mutate(zone=daily.meter.substr(0, 1) + "-zone").group_by("zone", "day").agg(energy=lambda t: t.energy.sum())


def test_a_table_keyed_otherwise_sees_every_bucket(tmp_path):
    toy = Toy(tmp_path / "lake", buckets=4)
    assert len({bucket_of(meter, 4) for meter in METERS}) > 1, "the meters must not all lie in one bucket"
    toy.tariffs([(FIRST, None, "0.5")])
    toy.computing = Computing(toy.lake, Catalog([*catalog().tables.values(), by_zone]), Calendar(ZONE), 4)
    toy.read("first", [(f"{m}.e", FIRST, 2.0, 0) for m in METERS])
    toy.computing.bring_up_to_date()
    daily, zone = (toy.computing.engine.rows(toy.computing.catalog[t]) for t in ("toy.daily", "toy.by_zone"))
    total = pa.compute.sum(daily.column("energy")).as_py()
    assert total == pa.compute.sum(zone.column("energy")).as_py() > 0
    toy.read("late", [("m2.e", FIRST, 8.0, 1)])
    done = {d.table: d for d in toy.computing.bring_up_to_date()}
    assert done["toy.by_zone"].changed <= {Part(p, bucket_of("m-zone", 4)) for p in ("2022-11", "2022-12")}
    again = toy.computing.engine.rows(toy.computing.catalog["toy.by_zone"])
    assert pa.compute.sum(again.column("energy")).as_py() > total
