"""The map's page and the pages of layers and features: what they tell, in both languages, and to whom."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

PROPS = re.compile(r'data-island="onemap"[^>]*><script type="application/json">(.*?)</script>', re.S)


def told(client: Any, path: str = "/map/") -> dict[str, Any]:
    """What the page tells its island."""
    return json.loads(PROPS.search(client.get(path).content.decode())[1])


def layers(client: Any) -> dict[str, Any]:
    return {each["name"]: each for each in told(client)["layers"]}


def test_the_page_tells_each_layer_with_what_its_index_holds(reader):
    buildings = layers(reader)["buildings"]
    assert (buildings["label"], buildings["theme"], buildings["count"]) == ("Buildings", "buildings", 3)
    assert (buildings["kinds"], buildings["tall"], buildings["timed"]) == (["area"], True, True)
    assert [(each["key"], each["label"], each["count"]) for each in buildings["classes"]] == [
        ("office", "office", 2),
        ("residential", "residential", 1),
    ]
    assert buildings["bounds"] == pytest.approx([116.401, 40.101, 116.4075, 40.1075], abs=1e-4)
    assert layers(reader)["pipes"]["deep"] and layers(reader)["pipes"]["kinds"] == ["line"]


def test_the_map_opens_at_the_zones_over_the_years_that_are_told(reader):
    props = told(reader)
    assert props["home"] == pytest.approx([116.40, 40.10, 116.41, 40.11], abs=1e-4)
    assert props["years"][0] == 2009 and props["years"][1] >= 2035
    assert {label for _, _, label in props["names"]} == {"West <i>End</i>", "East End"}


def test_tiles_are_where_the_exchange_serves_them(reader):
    pipes = layers(reader)["pipes"]
    assert pipes["tiles"].startswith("/ogc/collections/pipes/tiles/WebMercatorQuad/{z}/{y}/{x}?language=en")
    assert pipes["url"] == ""


def test_the_language_stands_in_the_address(reader):
    text = reader.get("/map/?language=zh").content.decode()
    assert '<html lang="zh-Hans">' in text and "地下空间" in PROPS.search(text)[1]
    assert '<html lang="en">' in reader.get("/map/").content.decode()


def test_the_switch_of_languages_drops_the_language_of_the_address(reader):
    answer = reader.post("/language/", {"language": "zh-hans", "next": "/map/?layers=zones&language=en&time=2018"})
    assert answer["Location"] == "/map/?layers=zones&time=2018"


def test_layers_of_some_roles_are_told_to_these_alone(reader, officer):
    assert "secrets" not in layers(reader) and "secrets" in layers(officer)
    for path in (
        "/map/layers/secrets/",
        "/map/layers/secrets.geojson",
        "/map/features/secrets/s/",
        "/map/shapes/secrets/s.geojson",
    ):
        assert reader.get(path).status_code == 404
        assert officer.get(path).status_code == 200


def test_rows_of_some_roles_are_counted_and_shown_to_these_alone(reader, officer):
    assert layers(reader)["pipes"]["count"] == 4 and layers(officer)["pipes"]["count"] == 5
    seen = [each["properties"]["feature"] for each in reader.get("/map/layers/pipes.geojson").json()["features"]]
    assert sorted(seen) == ["br", "m1", "m2", "s1"]
    assert reader.get("/map/features/pipes/m3/").status_code == 404
    text = officer.get("/map/features/pipes/m3/").content.decode()
    assert "Only these roles see it" in text and "officer" in text


def test_geojson_has_what_tiles_have(reader):
    features = {
        each["properties"]["feature"]: each["properties"]
        for each in reader.get("/map/layers/buildings.geojson").json()["features"]
    }
    assert (features["b1"]["from"], features["b1"]["to"], features["b1"]["height"]) == (20090601, 20190101, 12.0)
    assert "to" not in features["b2"] and features["b2"]["stratum"] == "above"
    assert features["b1"]["name"] == "Old house"


def test_the_page_of_a_layer_tells_keeper_licence_and_duty(both):
    text = both.get("/map/layers/buildings/").content.decode()
    assert "CC-BY-4.0" in text and "365" in text
    assert ("规划局" in text) if both.defaults["HTTP_ACCEPT_LANGUAGE"] == "zh" else ("Planning Bureau" in text)


def test_the_page_of_a_feature_tells_what_is_known_of_it(both):
    chinese = both.defaults["HTTP_ACCEPT_LANGUAGE"] == "zh"
    text = both.get("/map/features/buildings/b1/").content.decode()
    assert f"<h1>{'老楼' if chinese else 'Old house'}</h1>" in text
    assert "2009-06-01" in text and "2019-01-01" in text and "12 m" in text
    assert ("层数" in text) if chinese else ("floors" in text)
    assert ("替代" in text) if chinese else ("stand-in" in text)


def test_the_page_of_a_zone_holds_its_figures_with_why(reader):
    text = reader.get("/map/features/zones/west/").content.decode()
    assert "West &lt;i&gt;End&lt;/i&gt;" in text and "<i>End" not in text
    assert "/why/mapped.zone_yearly.residents/zone=west/year=2024" in text
    assert "/why/district.zone.area/zone=west" in text


def test_the_page_of_a_station_like_thing_holds_its_newest_reading(reader, mapped):
    from scicity.cockpit.map import feature

    observed, row, value = feature.readings(mapped, "stations", "roof")[0]
    newest = mapped.rows("reading.air_temperature", order=["-time"], limit=1)[0]
    assert (observed, value.value, value.symbol) == ("air_temperature", newest["value"], "°C")
    assert (row["datastream"], row["time"]) == ("roof.t", newest["time"])


@pytest.mark.parametrize("path", ["/map/", "/map/layers/pipes/", "/map/features/pipes/s1/", "/map/features/tunnels/t1/"])
def test_no_inline_script_and_both_languages(both, path):
    answer = both.get(path)
    text = answer.content.decode()
    assert answer.status_code == 200 and text.count("<h1") == 1
    for opening in re.findall(r"<script[^>]*>", text):
        assert "src=" in opening or 'type="application/json"' in opening
    assert not re.search(r"<[^>]+\s(on\w+|style)=", text)


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e%2fsecrets", "x' OR '1'='1", "b1/../../secrets", "<script>alert(1)</script>", "a" * 3000, "表", "%00"]
)
def test_hostile_names_of_features_are_not_found(reader, name):
    answer = reader.get(f"/map/features/buildings/{name}/")
    assert answer.status_code in (301, 400, 404)
    assert b"<script>alert" not in answer.content and b"Traceback" not in answer.content


def test_a_layer_that_was_never_loaded_says_so(reader, mapped):
    (mapped.district.folder / "layers" / "later.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    from scicity.cockpit.space import specs

    try:
        specs._specs.clear()
        assert layers(reader)["later"]["loaded"] is False
        assert "not loaded yet" in reader.get("/map/").content.decode()
        assert reader.get("/map/layers/later.geojson").status_code == 404
    finally:
        (mapped.district.folder / "layers" / "later.geojson").unlink()


def test_the_small_map_of_other_pages_has_what_all_may_see(reader):
    text = reader.get("/").content.decode()
    props = json.loads(re.search(r'data-island="map"[^>]*><script type="application/json">(.*?)</script>', text, re.S)[1])
    names = [each["name"] for each in props["layers"]]
    assert "zones" in names and "secrets" not in names and "environment.station" in names
