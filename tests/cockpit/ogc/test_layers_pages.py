"""The pages of layers: what is said of each, editions and their difference, what was mended; and who sees what of it."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from scicity.kernel.problems import Problems
from scicity.space import loading, register

from . import layered_city

pytestmark = pytest.mark.django_db
BOW_TIE = [[[116.3, 40.0], [116.31, 40.01], [116.31, 40.0], [116.3, 40.01], [116.3, 40.0]]]


def browse(who=None, language="en"):
    client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    if who is not None:
        client.force_login(who)
    return client


def text_of(response):
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def another_edition(city):
    """Loads a second edition of the parcels: one moved, one gone, one new and broken, one with another owner."""
    features = [layered_city.parcel(number) for number in range(100)]
    ring = features[1]["geometry"]["coordinates"][0]
    features[1]["geometry"]["coordinates"] = [[[x, round(y + 0.0001, 7)] for x, y in ring]]
    features[2]["properties"]["owner"] = "Somebody else"
    features[9]["properties"]["owner"] = "A new secret"
    del features[3]
    features.append({"type": "Feature", "id": "new", "geometry": {"type": "Polygon", "coordinates": BOW_TIE}, "properties": {}})
    file = city.district.folder / "layers" / "parcels.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    spec, problems, report = register.specs_of(city.district)["parcels"], Problems(), loading.Report("parcels")
    rows = loading.rows(spec, city.district.folder, city.district.calendar, problems, report)
    problems.refuse()
    city.figures.computing.put(spec.table, rows)
    report.write(city.place.state)
    return [each.version for each in reversed(editions(city, spec))]


def editions(city, spec):
    from scicity.domains.layers.pages import asked

    return asked.editions_of(city, spec)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_layers_are_listed_with_keeper_licence_and_duty(language, people):
    client = browse(people["olga"], language)
    text = text_of(client.get("/layers/"))
    names = ("地块", "管线", "规划局") if language == "zh" else ("Parcels", "Pipes", "Planning Bureau")
    assert all(name in text for name in names) and "协议-1" in text
    text = text_of(client.get("/layers/parcels/"))
    assert "100" in text and all(kind in text for kind in ("R2", "B1", "G1", "M1"))


def test_a_layer_that_is_not_for_whoever_asks_is_not_there(people):
    for who in (None, people["eve"]):
        assert "Pipes" not in text_of(browse(who).get("/layers/"))
        assert browse(who).get("/layers/pipes/").status_code == 404
    assert browse(people["olga"]).get("/layers/pipes/").status_code == 200
    assert browse().get("/layers/nothing/").status_code == 404


def test_two_editions_and_their_difference(own, layered, people):
    first, last = another_edition(layered)
    text = text_of(browse(people["dan"]).get("/layers/parcels/"))
    assert "crosses itself" in text and "Compare" in text
    address = f"/layers/parcels/difference/?from={first}&to={last}"
    text = text_of(browse(people["dan"]).get(address))
    assert "p003" in text and "new" in text and "A new secret" in text
    assert re.search(r"p001 11\.1\d m 11\.1\d m", text), text  # 0.0001° of latitude at 40° N: 11.10 m
    assert re.search(r"p002 owner Owner 2 Somebody else", text)


def test_restricted_features_are_in_no_difference_and_no_count(own, layered, people):
    first, last = another_edition(layered)
    text = text_of(browse().get(f"/layers/parcels/difference/?from={first}&to={last}"))
    assert "p002" in text and "p009" not in text and "secret" not in text.lower()
    text = text_of(browse().get("/layers/parcels/"))
    assert re.search(r"Features 90", text) and "crosses itself" not in text
    assert "Features 100" in text_of(browse(people["olga"]).get("/layers/parcels/"))


def test_editions_that_are_none(people):
    for query in ("", "?from=0", "?from=0&to=99", "?from=-1&to=0", "?from=²&to=0", "?from=0&to=" + "9" * 40):
        assert browse().get(f"/layers/parcels/difference/{query}").status_code == 404
