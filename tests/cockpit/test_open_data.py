"""Open data on the web: the same for everybody, answered 304 who has it, paged, and never a row of an enterprise."""

from __future__ import annotations

import dataclasses
import json

import pytest
from django.conf import settings
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit.models import Person
from scicity.cockpit.views import open_data

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def made(shipped):
    return shipped("demo")


@pytest.fixture
def serve(made):
    def served(**said):
        own = dict(made.district.settings) | said
        district = dataclasses.replace(made.district, settings=own)
        cities.use(cities.OpenCity(district, made.figures, settings.PLACE))
        open_data._kept.clear()
        return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")

    return served


def test_the_page_lists_the_datasets_with_their_files(serve):
    page = serve().get("/open-data/").content.decode()
    for name in (
        "indicators.csv",
        "indicators.json",
        "indicators.sdmx.csv",
        "energy-yearly.csv",
        "catalog.jsonld",
        "open-sdg.zip",
    ):
        assert name in page
    assert "not stated: ask the publisher" in page and 'aria-current="page">Open data' in page


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("indicators.csv", "text/csv"),
        ("indicators.json", "application/json"),
        ("indicators.sdmx.csv", "application/vnd.sdmx.data+csv; version=2.0.0"),
        ("structure.xml", "application/vnd.sdmx.structure+xml; version=3.0.0"),
        ("catalog.jsonld", "application/ld+json"),
        ("open-sdg.zip", "application/zip"),
    ],
)
def test_who_has_a_file_is_answered_304(serve, path, kind):
    client = serve()
    first = client.get(f"/open-data/{path}")
    assert (first.status_code, first["Content-Type"]) == (200, kind)
    assert first["Access-Control-Allow-Origin"] == "*" and first["Cache-Control"] == "public, max-age=300"
    open_data._kept.clear()
    again = client.get(f"/open-data/{path}", HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert not open_data._kept  # nothing was made for it
    assert client.get(f"/open-data/{path}", HTTP_IF_MODIFIED_SINCE=first["Last-Modified"]).status_code == 304
    assert client.get(f"/open-data/{path}", HTTP_IF_NONE_MATCH='"other"').content == first.content
    assert client.post(f"/open-data/{path}").status_code == 405


def test_sizes_of_the_catalogue_are_those_of_the_files(serve):
    client = serve()
    told = json.loads(client.get("/open-data/catalog.jsonld").content)
    for dataset in told["dcat:dataset"]:
        for each in dataset["dcat:distribution"]:
            if "dcat:byteSize" not in each:
                continue  # of a layer, made when it is asked for
            address = each["dcat:downloadURL"]["@id"].removeprefix("http://localhost")
            assert len(client.get(address).content) == int(each["dcat:byteSize"]["@value"])


def test_json_is_paged_to_the_last_line(serve):
    client, path, seen = serve(), "/open-data/energy-monthly.json?limit=7", 0
    whole = json.loads(client.get("/open-data/energy-monthly.json").content)
    while path:
        answer = client.get(path)
        seen += len(json.loads(answer.content)["lines"])
        link = answer.get("Link", "")
        path = link[1 : link.index(">")].removeprefix("http://localhost") if link else ""
    assert seen == whole["total"] > 7
    for wrong in ("limit=x", "offset=-1", "limit=0", "limit=99999999999"):
        assert client.get(f"/open-data/energy-monthly.json?{wrong}").status_code == 400


@pytest.mark.parametrize("path", ["nothing.csv", "indicators.xls", "indicators.pdf", "energy-enterprises.csv"])
def test_what_is_not_there_is_not_found(serve, path):
    assert serve().get(f"/open-data/{path}").status_code == 404


def test_a_closed_district_offers_what_it_opened_and_no_more(serve):
    client = serve(public={"pages": ["energy"]})
    page = client.get("/open-data/").content.decode()
    assert "energy-yearly.csv" in page and "indicators.csv" not in page
    assert client.get("/open-data/indicators.csv").status_code == 404
    client.force_login(Person.objects.create_superuser("boss", password="a long password"))
    assert client.get("/open-data/indicators.csv").status_code == 404  # the same for everybody
    page = serve(public={"pages": ["overview"]}).get("/open-data/").content.decode()
    assert "No data yet" in page


def test_no_enterprise_or_meter_is_named(serve, made):
    client = serve(public={"enterprises": False})
    names = {row["enterprise"] for row in made.figures.rows("buildings.enterprise")} | {
        row["meter"] for row in made.figures.rows("energy.meter")
    }
    told = json.loads(client.get("/open-data/catalog.jsonld").content)
    for dataset in told["dcat:dataset"]:
        text = client.get(f"/open-data/{dataset['@id'].rpartition('/')[2]}.csv").content.decode()
        assert not [name for name in names if f",{name}," in text or f"={name}/" in text]
