"""Open data of the demo district: each line is whole, others' tools read it, and nothing goes out that is not public."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import pytest
import yaml
from pysdmx.io import get_datasets, read_sdmx

from scicity.city import City
from scicity.opendata import dcat, files, forms, open_sdg, sdmx
from scicity.opendata.datasets import columns_of, lines_with_figures, named, offered
from scicity.opendata.public import seen_by_all
from scicity.reports.content import address_of


@pytest.fixture(scope="module")
def public(demo: City):
    return seen_by_all(demo)


def test_every_line_is_a_number_of_a_table_with_all_that_belongs_to_it(public) -> None:
    names = [dataset.name for dataset in offered(public)]
    assert {"indicators", "energy-yearly", "energy-monthly", "emissions-yearly"} <= set(names)
    for name in ("indicators", "energy-yearly"):
        dataset = named(public, name)
        pairs = list(lines_with_figures(public, dataset))
        assert pairs
        for line, figure in pairs:
            assert set(columns_of(dataset)) == set(line)
            assert line["lineage"] == address_of(figure)
            opened = public.figures.figure(line["lineage"]).value
            assert line["value"] == "" if opened is None else Decimal(line["value"]) == Decimal(str(opened))
            assert line["unit"] and line["origin"] and line["stand_in"] in ("true", "false")
            if figure.coverage is not None:
                assert Decimal(line["coverage"]) == Decimal(repr(figure.coverage))


def test_csv_and_json_tell_the_same(public) -> None:
    dataset = named(public, "energy-yearly")
    rows = list(csv.DictReader(io.StringIO(forms.as_csv(public, dataset).decode())))
    told = json.loads(forms.as_json(public, dataset), parse_float=Decimal, parse_int=Decimal)
    assert told["total"] == len(rows) == len(told["lines"])
    for row, line in zip(rows, told["lines"], strict=True):
        assert (row["value"] or None) == (None if line["value"] is None else format(line["value"], "f"))
        assert {name: row[name] for name in ("zone", "carrier", "year", "unit", "lineage")} == {
            name: line[name] for name in ("zone", "carrier", "year", "unit", "lineage")
        }
    paged = json.loads(forms.as_json(public, dataset, 1, 2))
    assert paged["total"] == told["total"] and [each["lineage"] for each in paged["lines"]] == [
        each["lineage"] for each in told["lines"][1:3]
    ]


def test_the_same_lake_gives_the_same_bytes(demo: City, public) -> None:
    again = seen_by_all(City(demo.folder, demo.state))
    assert files.everything(again) == files.everything(public)
    assert files.open_sdg_set(again) == files.open_sdg_set(public)
    assert open_sdg.zipped(files.open_sdg_set(again)) == open_sdg.zipped(files.open_sdg_set(public))


def test_sdmx_holds_against_the_schemas_and_is_read_back(public, tmp_path) -> None:
    files.write(files.sdmx_set(public), tmp_path)
    message = read_sdmx(tmp_path / "structure.xml")  # validates against the schemas of SDMX 3.0
    assert len(message.get_data_structure_definitions()) == len(offered(public))
    for dataset in offered(public):
        (found,) = get_datasets(tmp_path / f"{dataset.name}.csv", tmp_path / "structure.xml")
        pairs = [line for line, _ in lines_with_figures(public, dataset)]
        assert len(found.data) == len(pairs)
        components = [component.id for component in found.structure.components]
        assert [name for name, _ in sdmx.dimensions_of(dataset)] == components[: len(sdmx.dimensions_of(dataset))]
        assert set(found.data.columns) <= set(components)
        codes = {code.id for code in next(c for c in message.get_codelists() if c.id == "CL_MEASURE").codes}
        assert set(found.data["MEASURE"]) <= codes


@pytest.mark.parametrize(
    ("value", "code"), [("east", "east"), ("a.b", "a_b_"), ("东区", "___"), ("=1", "_1_"), ("x" * 80, "x" * 40)]
)
def test_a_key_is_a_code_of_sdmx(value: str, code: str) -> None:
    found = sdmx.code_of(value)
    assert found.startswith(code[:40]) and sdmx.CODE.fullmatch(found)
    assert sdmx.code_of("a.b") != sdmx.code_of("a:b")


def test_the_catalogue_has_the_properties_of_dcat_ap(public) -> None:
    content = files.everything(public, base="https://city.example/open-data")
    told = json.loads(content["catalog.jsonld"])
    assert {"dct:title", "dct:description", "dct:publisher", "dct:modified", "dcat:dataset", "foaf:homepage"} <= set(told)
    assert {prefix for key in _keys(told) for prefix in [key.partition(":")[0]] if ":" in key} <= set(told["@context"])
    assert len(told["dcat:dataset"]) == len(offered(public))
    needed = {"dct:title", "dct:description", "dct:publisher", "dct:temporal", "dct:spatial", "dcat:theme", "dct:identifier"}
    for dataset in told["dcat:dataset"]:
        assert needed <= set(dataset)
        assert {each["@language"] for each in dataset["dct:title"]} == {"zh", "en"}
        assert dataset["dct:temporal"]["dcat:startDate"]["@value"] <= dataset["dct:temporal"]["dcat:endDate"]["@value"]
        assert "dct:license" not in dataset["dcat:distribution"][0]  # none is stated, and none is made up
        for each in dataset["dcat:distribution"]:
            name = each["dcat:downloadURL"]["@id"].removeprefix("https://city.example/open-data/")
            assert int(each["dcat:byteSize"]["@value"]) == len(content[name])
            assert each["dcat:mediaType"]["@id"].startswith("https://www.iana.org/assignments/media-types/")


def _keys(told):
    if isinstance(told, list):
        return [key for each in told for key in _keys(each)]
    if isinstance(told, dict):
        own = [key for key in told if not key.startswith("@")]
        return own + [key for name, each in told.items() if name != "@context" for key in _keys(each)]
    return []


def test_a_licence_and_a_publisher_that_are_stated_go_out(public) -> None:
    import dataclasses

    said = {
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "publisher": {"zh": "甲", "en": "A"},
        "contact": "a@b.example",
    }
    district = dataclasses.replace(public.district, settings={**public.district.settings, "open_data": said})
    told = json.loads(dcat.catalogue(dataclasses.replace(public, district=district), offered(public), "https://x.example", {}))
    assert told["dct:license"] == {"@id": said["license"]} == told["dcat:dataset"][0]["dcat:distribution"][0]["dct:license"]
    assert told["dct:publisher"]["foaf:name"][0] == {"@value": "甲", "@language": "zh"}
    assert told["dcat:dataset"][0]["dcat:contactPoint"]["vcard:hasEmail"] == {"@id": "mailto:a@b.example"}


def test_the_set_for_open_sdg_keeps_the_rules_of_its_builder(public) -> None:
    """What `check_csv.py`, `edges.py`, `stats.py` and the schema of sdg-build ask for, which builds the set in full."""
    content = files.open_sdg_set(public)
    config = yaml.safe_load(content["config_data.yml"])
    options = config["indicator_options"]
    assert set(options["observation_attributes"]) <= set(options["non_disaggregation_columns"])
    assert isinstance(config["schema"], list) and config["languages"] == ["zh", "en"]
    fields = {each["name"] for each in yaml.safe_load(content["_prose.yml"])["prose"]["metadata"]["meta"]}
    data = {name[len("data/indicator_") : -4]: each for name, each in content.items() if name.startswith("data/")}
    metas = {
        name[len("meta/") : -4]: yaml.safe_load(each)
        for name, each in content.items()
        if name.startswith("meta/") and "/zh/" not in name
    }
    assert set(data) == set(metas) and all("-" in name for name in data)
    assert len(data) == len(public.rows("indicators.indicator"))
    for name, each in data.items():
        rows = list(csv.reader(io.StringIO(each.decode())))
        head, body = rows[0], rows[1:]
        assert head[0] == "Year" and head[-1] == "Value" and len(set(head)) == len(head)
        assert all(row[0].isdigit() and Decimal(row[-1]).is_finite() for row in body)
        assert all(cell == cell.strip() for row in rows for cell in row)
        meta = metas[name]
        assert set(meta) <= fields and {"reporting_status", "data_non_statistical", "graph_title", "graph_type"} <= set(meta)
        assert (meta["reporting_status"] == "complete") == bool(body) == (not meta["data_non_statistical"])
        assert f"meta/zh/{name}.yml" in content
    assert any(not meta["standalone"] for meta in metas.values())  # else the builder's statistics have no row
    numbers = {(row[-1], row[-2]) for each in data.values() for row in list(csv.reader(io.StringIO(each.decode())))[1:]}
    known = {line["lineage"]: line["value"] for line, _ in lines_with_figures(public, named(public, "indicators"))}
    assert numbers and all(known[lineage] == value for value, lineage in numbers)


def test_what_a_district_keeps_for_people_with_an_account_does_not_go_out(public) -> None:
    assert [each.name for each in offered(public, frozenset({"energy"}))] == ["energy-yearly", "energy-monthly"]
    assert offered(public, frozenset()) == []
    with pytest.raises(files.NothingOpen):
        files.everything(public, frozenset({"overview"}))
