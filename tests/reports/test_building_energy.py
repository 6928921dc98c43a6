"""The form of building energy data: what stands in it is what the tables hold, and a name is a name."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from scicity.city import City
from scicity.kernel.lineage import Figure
from scicity.reports import building_energy as form
from scicity.reports import told
from scicity.reports.period import NoPeriod
from tests.reports.conftest import HOSTILE

README = Path(form.__file__).parent / "README.md"


def lines_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_form_holds_what_the_tables_hold(demo: City) -> None:
    rows = {
        (row["building"], row["carrier"], f"{row['month']:%Y-%m}"): row["energy"]
        for row in demo.figures.rows("energy.consumption_monthly")
        if row["month"].year == 2022
    }
    lines = lines_of(form.written(demo, 2022, "csv"))
    told_there = {
        (line["building"], line["carrier"], line["month"]): Decimal(line["energy_kwh"])
        for line in lines
        if not line["sub_item"]
    }
    assert told_there == rows
    for line in lines:
        assert demo.figures.why(line["address"]).figure.value == Decimal(line["energy_kwh"])
        assert line["review"] == "unverified" and line["origin"] == "stand-in"
    root = ElementTree.fromstring(form.written(demo, 2022, "xml"))
    totals = [Decimal(total.text or "") for total in root.iterfind("building/month/energy/total")]
    assert sorted(totals) == sorted(rows.values())
    assert root.get("review") == "unverified" and root.get("standard") == "JGJ/T 285-2014"


def test_sub_items_and_what_is_in_none_add_up(demo: City) -> None:
    root = ElementTree.fromstring(form.written(demo, 2022, "xml"))
    found = list(root.iterfind("building/month/energy"))
    assert found
    for energy in found:
        parts = [Decimal(each.text) for each in energy.iterfind("subItem") if each.text]
        assert sum(parts) == Decimal(energy.findtext("total") or "nan")


def test_what_is_not_metered_is_said_to_be_so(demo: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(demo.figures.catalog.tables, form.PARTS)
    root = ElementTree.fromstring(form.written(demo, 2022, "xml"))
    for energy in root.iterfind("building/month/energy"):
        codes = [(each.get("code"), each.get("missing"), each.text) for each in energy.iterfind("subItem")]
        wanted = [(code, "not metered", None) for code in "ABCD"] if energy.get("carrier") == "electricity" else []
        assert codes == wanted


def test_sub_items_stand_below_their_total() -> None:
    building = {"building": "b<1>", "name_zh": "楼", "name_en": "&", "zone": "z", "use": None, "floor_area": 12.5}

    def entry(part: str, value: str | None) -> form.Entry:
        energy = None if value is None else Decimal(value)
        figure = Figure(f"t.energy/sub_item={part}", "t", "energy", {}, energy, "kWh", 3, 0.5, False)
        return form.Entry(building, date(2022, 1, 1), "electricity", part, figure, Decimal("1.500000"))  # type: ignore[arg-type]

    bare = SimpleNamespace(
        district=SimpleNamespace(slug="nowhere", name=str), figures=SimpleNamespace(catalog=SimpleNamespace(tables={}))
    )
    found = [entry("", "10.000000"), entry("A", "6.250000"), entry("B", None), entry("unassigned", "3.750000")]
    root = ElementTree.fromstring(form.as_xml(bare, found, 2022, "https://city.example/why/"))
    energy = root.find("building/month/energy")
    assert energy is not None
    assert [(each.get("code"), each.get("name"), each.text) for each in energy.iterfind("subItem")] == [
        ("A", "照明插座用电", "6.25"),
        ("B", "空调用电", None),
        ("unassigned", "未分项", "3.75"),
    ]
    total = energy.find("total")
    assert total is not None and (total.text, total.get("coverage"), total.get("estimated")) == ("10", "0.5", "1.5")
    assert total.get("figure") == "https://city.example/why/t.energy/sub_item=@3"
    assert energy[2].get("missing") == "unknown"
    lines = lines_of(form.as_csv(bare, found, 2022))
    assert [(line["sub_item"], line["energy_kwh"]) for line in lines] == [
        ("", "10"),
        ("A", "6.25"),
        ("B", ""),
        ("unassigned", "3.75"),
    ]


def test_a_hostile_name_is_a_name(hostile: City) -> None:
    names = {told.clean(name) for name in HOSTILE.values()}
    root = ElementTree.fromstring(form.written(hostile, 2022, "xml"))
    assert names == {name.text for name in root.iterfind("building/name")}
    cells = {line["name_en"] for line in lines_of(form.written(hostile, 2022, "csv"))}
    assert cells == {f"'{name}" if name[0] in "=+-@" else name for name in names}


@pytest.mark.parametrize("kind", form.FORMS)
def test_the_same_lake_gives_the_same_bytes(demo: City, kind: str) -> None:
    assert form.written(demo, 2022, kind) == form.written(City(demo.folder, demo.state), 2022, kind)


def test_a_year_without_energy_is_refused(demo: City) -> None:
    with pytest.raises(NoPeriod, match="2019"):
        form.written(demo, 2019, "csv")


def test_every_column_is_described() -> None:
    text = README.read_text(encoding="utf-8")
    assert [column for column in form.COLUMNS if f"| `{column}` |" not in text] == []
