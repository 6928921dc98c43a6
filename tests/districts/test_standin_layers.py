"""Stand-in layers: they are what their script makes, they say what they are, and they keep to the figures of the report."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import shapely
from tools import helsinki_district
from tools.standin_layers import LAYERS, write
from tools.standin_towns import TOWNS

from scicity.kernel.district import District
from scicity.kernel.problems import Problems
from scicity.space import loading
from scicity.space.register import specs_of

DISTRICTS = Path(__file__).parents[2] / "districts"
MADE = tuple(TOWNS)
SUFFIX = {layer[0]: layer[4] for layer in LAYERS}
YEARS = (2009, 2018, 2026, 2035)
Row = dict[str, Any]


@cache
def features(name: str, layer: str) -> tuple[Row, ...]:
    """The features of a layer as they are committed, with `shape`."""
    file = DISTRICTS / name / "layers" / f"{layer}.{SUFFIX.get(layer, 'geojson')}"
    if file.suffix == ".parquet":
        rows = pq.read_table(file).to_pylist()
        return tuple(row | {"shape": shapely.from_wkb(row["geometry"])} for row in rows)
    if file.suffix == ".csv":
        with file.open(encoding="utf-8", newline="") as lines:
            told = list(csv.DictReader(lines))
        return tuple(row | {"shape": shapely.Point(float(row["longitude"]), float(row["latitude"]))} for row in told)
    told = json.loads(file.read_text(encoding="utf-8"))["features"]
    return tuple(each["properties"] | {"shape": shapely.from_geojson(json.dumps(each["geometry"]))} for each in told)


def at(rows: tuple[Row, ...], year: int) -> Iterator[Row]:
    """Those that are there in the middle of a year."""
    day = f"{year}-07-01"
    return (row for row in rows if (row.get("valid_from") or "") <= day and (row.get("valid_to") or "9999") > day)


def settings(name: str) -> Row:
    return tomllib.loads((DISTRICTS / name / "district.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MADE)
def test_the_committed_layers_are_what_the_script_makes(name: str, tmp_path: Path) -> None:
    write(TOWNS[name](), tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(made) == len(LAYERS) + 1
    differ = []
    for place in made:
        mine, theirs = tmp_path / place, DISTRICTS / name / place
        if place.suffix == ".parquet":  # the writer's name is in the file: rows and metadata are compared
            one, other = pq.read_table(mine), pq.read_table(theirs)
            same = one.equals(other) and one.schema.metadata == other.schema.metadata
        else:
            same = mine.read_bytes() == theirs.read_bytes()
        differ += [] if same else [str(place)]
    assert differ == []


@pytest.mark.parametrize("name", MADE)
def test_every_feature_says_that_it_is_a_stand_in_and_by_which_rule(name: str) -> None:
    sources = (DISTRICTS / name / "SOURCES.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| ([A-Z]\d) \|", sources, re.MULTILINE))
    rules: set[str] = set()
    for layer in SUFFIX:
        rows = features(name, layer)
        assert rows, layer
        assert {row["origin"] for row in rows} == {"stand-in"}, layer
        assert len({row["feature"] for row in rows}) == len(rows), layer
        for row in rows:
            rule = re.search(r"rule ([A-Z]\d) of SOURCES\.md", row["source"])
            assert rule, row
            rules.add(rule[1])
    assert rules == told  # every rule is told, and none is told that nothing follows


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("year", YEARS)
def test_parcels_cover_every_zone_once(name: str, year: int) -> None:
    zones = {row["zone"]: row["shape"] for row in features(name, "zones")}
    mine: dict[str, list[shapely.Geometry]] = defaultdict(list)
    for row in at(features(name, "parcels"), year):
        mine[row["zone"]].append(row["shape"])
    assert set(mine) == set(zones)
    for zone, shapes in mine.items():
        assert all(shapely.is_valid(shapes))
        assert sum(shape.area for shape in shapes) == pytest.approx(zones[zone].area, rel=1e-9)
        assert shapely.union_all(shapes).symmetric_difference(zones[zone]).area < 1e-9 * zones[zone].area


@pytest.mark.parametrize("name", MADE)
def test_residents_of_the_grid_are_those_of_the_zones(name: str) -> None:
    counted: Counter[str] = Counter()
    for row in features(name, "population"):
        counted[row["zone"]] += row["residents"]
        assert 0 <= row["children"] + row["elders"] <= row["residents"]
    assert counted == {row["zone"]: row["residents"] for row in settings(name)["zone"] if row["zone"] != "district"}


def test_construction_land_is_that_of_the_report_to_one_in_fifty() -> None:
    name = "future-science-city"
    built: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for row in features(name, "plan-regulatory"):
        zone = {"e": "east", "c": "core", "w": "west"}.get(row["feature"][2], "") if row["feature_class"] != "1207" else ""
        built[zone] += row["shape"].area
    for row in features(name, "zones"):
        whole[row["zone"]] = row["shape"].area
    for row in settings(name)["zone"][1:]:
        # without the streets, which are a tenth of what is built on
        share = row["construction_land_area"] / row["area"]
        assert share * 0.85 < built[row["zone"]] / whole[row["zone"]] < share * 1.02


@pytest.mark.parametrize("name", MADE)
def test_registered_buildings_stand_on_a_parcel_with_their_own_id(name: str) -> None:
    with (DISTRICTS / name / "registers" / "buildings.csv").open(encoding="utf-8", newline="") as lines:
        registered = {row["building"]: row for row in csv.DictReader(lines)}
    drawn = {row["feature"]: row for row in features(name, "buildings")}
    parcels = {row["feature"]: row for row in features(name, "parcels")}
    for building, row in registered.items():
        shape = drawn[building]["shape"]
        assert shape.contains(shapely.Point(float(row["longitude"]), float(row["latitude"])))
        assert parcels[drawn[building]["parcel"]]["shape"].contains(shape)
    now = [row["shape"] for row in at(features(name, "buildings"), 2026)]
    pairs = shapely.STRtree(now).query(now, predicate="overlaps")
    assert pairs.size == 0  # nothing stands in another


def test_registered_parcels_have_the_area_of_the_register() -> None:
    name = "future-science-city"
    town = TOWNS[name]()
    with (DISTRICTS / name / "registers" / "parcels.csv").open(encoding="utf-8", newline="") as lines:
        registered = {row["parcel"]: float(row["area"]) for row in csv.DictReader(lines)}
    drawn = {row["parcel"]: row["shape"].area * town.across * 111_320 for row in features(name, "parcels") if row.get("parcel")}
    assert drawn == pytest.approx(registered, rel=1e-3)


@pytest.mark.parametrize("name", MADE)
def test_what_bears_one_name_meets(name: str) -> None:
    """Pipes and streets are joined at their ends by names of nodes; a pipe's end lies where those of its node lie."""
    for layer in ("pipes", "streets"):
        places: dict[str, set[tuple[float, float]]] = defaultdict(set)
        for row in features(name, layer):
            ends = row["shape"].coords[0][:2], row["shape"].coords[-1][:2]
            places[row["from_node"]].add(ends[0])
            places[row["to_node"]].add(ends[1])
        assert [node for node, found in places.items() if len(found) > 1] == []
        assert len({next(iter(found)) for found in places.values()}) == len(places)
    for row in features(name, "pipes"):
        if row["feature_class"] in ("rain", "sewage"):
            assert row["to_depth"] >= row["from_depth"]
        assert row["depth"] > 0
        assert row["shape"].has_z


def test_what_the_report_counts_is_there() -> None:
    name = "future-science-city"
    schools = [row for row in features(name, "facilities") if row["feature_class"] == "school"]
    assert Counter(row["stage"] for row in schools) == {"primary": 29, "secondary": 10}  # C212-C214
    assert max(row["valid_from"] for row in schools) < "2025"
    assert sum(float(row["length"]) for row in features(name, "greenways")) == pytest.approx(42_000, abs=1)  # C245
    town = TOWNS[name]()
    lengths: Counter[str] = Counter()
    for row in features(name, "pipes"):
        (x0, y0), (x1, y1) = (town.metres((place[0] * 1e6, place[1] * 1e6)) for place in row["shape"].coords)
        if row["feature_class"] == "reclaimed water":
            lengths["planned" if row["valid_from"] == "2030-01-01" else "there"] += abs(x1 - x0) + abs(y1 - y0)
    assert lengths["there"] == pytest.approx(128_500, rel=0.01)  # C141
    assert lengths["planned"] == pytest.approx(150_000, rel=0.01)  # C145
    fortress = next(row for row in features(name, "heritage-sites") if row["feature"] == "gonghua")
    assert fortress["shape"].area * town.across * 111_320 == pytest.approx(1_000_000, rel=1e-3)  # C264
    named = [row for row in features(name, "parks") if "named by the report" in row["source"]]
    binshui = next(row for row in named if row["feature"] == "binshui")
    assert binshui["shape"].area * town.across * 111_320 == pytest.approx(3_140_000, rel=0.03)  # C093


def test_the_two_plans_differ_in_places_and_agree_in_most() -> None:
    regulatory = {row["feature"][2:]: row for row in features("future-science-city", "plan-regulatory")}
    green = {row["feature"][2:]: row for row in features("future-science-city", "plan-greenspace")}
    both = regulatory.keys() & green.keys()
    differ = {name for name in both if regulatory[name]["feature_class"] != green[name]["feature_class"]}
    assert 5 < len(differ) < len(both) / 5
    moved = {name for name in both - differ if not regulatory[name]["shape"].equals(green[name]["shape"])}
    assert moved  # drawn on another base map: slivers, or more


def test_they_are_small_enough_for_a_repository() -> None:
    for name in MADE:
        assert sum(file.stat().st_size for file in (DISTRICTS / name / "layers").iterdir()) < 5_000_000


def test_zones_and_residents_of_the_extract_are_what_the_script_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helsinki_district, "HERE", tmp_path)
    helsinki_district.main()
    for place in ("district.toml", "layers/zones.geojson", "layers/population.geojson"):
        assert (tmp_path / place).read_bytes() == (DISTRICTS / "helsinki" / place).read_bytes(), place
    assert {row["origin"] for row in features("helsinki", "population")} == {"stand-in"}
    assert {row["origin"] for row in features("helsinki", "zones")} == {"estimated"}
    zones = [row["shape"] for row in features("helsinki", "zones")]
    frame = shapely.box(*helsinki_district.FRAME)
    assert shapely.union_all(zones).symmetric_difference(frame).area < 1e-12
    assert sum(zone.area for zone in zones) == pytest.approx(frame.area, rel=1e-9)


def test_the_extract_loads_whole_and_every_layer_of_it_is_what_its_tags_say() -> None:
    """Counts are those of the extract by the conditions of the register; what is left out is told in SOURCES.md."""
    district = District.open(DISTRICTS / "helsinki", Problems())
    counts, kinds, told = {}, {}, (DISTRICTS / "helsinki" / "SOURCES.md").read_text(encoding="utf-8")
    for name, spec in specs_of(district).items():
        problems, report = Problems(), loading.Report(name)
        rows = loading.rows(spec, district.folder, district.calendar, problems, report)
        assert [str(each) for each in problems.items] == [], name
        counts[name] = rows.num_rows
        kinds[name] = Counter(rows.column("feature_class").to_pylist())
        left_out = re.findall(r"'(?:way|relation)-(\d+)'", spec.where_sql or "")
        assert [number for number in left_out if number not in told] == []
        assert spec.licence == "ODbL-1.0"
        assert set(report.mended.column("fault").to_pylist()) <= {"bow-tie", "self-touch", "collapsed", "unclosed"}
    assert counts["streets"] == 2504
    assert counts["buildings"] == 494 - 12
    assert kinds["transit-stops"]["bus"] == 92
    assert set(kinds["facilities"]) == {"school", "clinic", "culture", "sport", "market"}  # nobody drew an eldercare home here
    assert kinds["parks"]["park"] == 17 - 1
    assert counts["population"] == 127
