"""OGC API - Tiles: what is described, what a tile holds and for whom, and what hostile addresses get."""

from __future__ import annotations

import gzip
import json
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest

from scicity.cockpit.ogc.serving import specs
from scicity.space.index import Index
from scicity.space.mvt import world

from .conftest import Asking
from .layered_city import SOUTH, STEP, WEST

pytestmark = pytest.mark.django_db
TILES = "collections/parcels/tiles/WebMercatorQuad"


def address(longitude: float, latitude: float, zoom: int, layer: str = "parcels") -> str:
    """The address of the tile that a place lies in."""
    x, y = np.floor(world(np.array([[longitude, latitude]]))[0] * 2**zoom).astype(int).tolist()
    return f"collections/{layer}/tiles/WebMercatorQuad/{zoom}/{y}/{x}"


HERE = address(WEST + 5 * STEP, SOUTH + 5 * STEP, 12)


def features(answer: Any, layer: str = "parcels") -> dict[str, dict[str, Any]]:
    """The properties of a tile's features, by id."""
    told = mapbox_vector_tile.decode(answer.content)[layer]["features"]
    return {feature["properties"]["feature"]: feature["properties"] for feature in told}


def test_a_tile_tells_of_each_feature_what_the_map_needs():
    answer = Asking().answer(HERE, language="zh")
    assert answer.headers["Content-Type"] == "application/vnd.mapbox-vector-tile"
    assert features(answer)["p025"] == {
        "feature": "p025",
        "name": "地块25",
        "feature_class": "B1",
        "stratum": "surface",
        "height": 24.0,
        "from": 20180101,
        "to": 20200101,
        "origin": "stand-in",
    }
    assert "from" not in features(answer)["p026"]
    assert features(Asking().answer(HERE, language="en"))["p025"]["name"] == "Parcel 25"


def test_rows_are_for_the_roles_that_they_are_kept_for(people):
    seen = {name: set(features(Asking(people[name]).answer(HERE))) for name in ("olga", "rita", "dan")}
    assert len(seen["olga"]) == len(seen["dan"]) == 100
    assert seen["rita"] == set(features(Asking().answer(HERE))) == {f"p{n:03}" for n in range(100) if n % 10 != 9}


def test_a_layer_is_for_the_roles_that_it_is_kept_for(people):
    pipe = address(116.405, 40.101, 14, "pipes")
    assert Asking().answer(pipe).status_code == 404
    assert Asking(people["eve"]).answer(pipe).status_code == 404
    assert set(features(Asking(people["olga"]).answer(pipe), "pipes")) == {"w0", "w1", "w2"}
    assert Asking().answer("collections/pipes/tiles").status_code == 404
    assert Asking().answer("collections/pipes/tiles/WebMercatorQuad").status_code == 404


def test_an_empty_tile_has_no_content():
    answer = Asking().answer(address(10, 10, 12))
    assert (answer.status_code, answer.content) == (204, b"")
    assert Asking().answer(address(179.95, 10, 3, "islands")).status_code == 200


def test_a_tile_is_sent_once_and_packed():
    first = Asking().answer(HERE)
    packed = Asking().answer(HERE, headers={"accept-encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == first.content
    assert {"Accept-Encoding", "Cookie"} <= set(packed.headers["Vary"].split(", "))
    again = Asking().answer(HERE, headers={"if-none-match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "private" in first.headers["Cache-Control"]


@pytest.mark.parametrize(
    "asked",
    [
        "19/0/0",
        "12/4096/0",
        "12/0/4096",
        "-1/0/0",
        "1/-1/0",
        "1/0/x",
        "1/0/1.0",
        "٣/0/0",
        "1/0/" + "9" * 400,
        "0x1/0/0",
        "1/0/%00",
    ],
)
def test_what_is_no_tile_is_not_found(asked):
    answer = Asking().answer(f"{TILES}/{asked}")
    assert answer.status_code == 404


def test_what_is_no_form_or_language_is_told():
    assert "zh" in Asking().get(HERE, 400, language="fr")["detail"]
    assert Asking().get(TILES, 400, f="html5")["status"] == 400
    assert Asking().client.post(f"/ogc/{HERE}").status_code == 405
    assert Asking().answer("collections/none/tiles/WebMercatorQuad/1/0/0").status_code == 404
    assert Asking().answer("collections/parcels/tiles/Another/1/0/0").status_code == 404


def test_the_tile_matrix_set_is_that_of_the_standard():
    told = Asking().get("tileMatrixSets/WebMercatorQuad")
    assert Asking().get("tileMatrixSets")["tileMatrixSets"][0]["uri"] == told["uri"]
    first, second = told["tileMatrices"][:2]  # figures of OGC 17-083r4, annex D.1
    assert first["scaleDenominator"] == pytest.approx(559_082_264.028717, rel=1e-12)
    assert first["cellSize"] == pytest.approx(156_543.033928041, rel=1e-12)
    assert first["pointOfOrigin"] == pytest.approx([-20_037_508.3427892, 20_037_508.3427892])
    assert (second["matrixWidth"], second["matrixHeight"], second["id"]) == (2, 2, "1")


def test_a_set_of_tiles_tells_its_template_limits_and_box():
    (one,) = Asking().get("collections/parcels/tiles")["tilesets"]
    told = Asking().get(TILES)
    assert (told["dataType"], told["crs"], told["tileMatrixSetURI"]) == (one["dataType"], one["crs"], one["tileMatrixSetURI"])
    template = next(link for link in told["links"] if link["rel"] == "item")
    assert template["templated"] is True
    limits = told["tileMatrixSetLimits"][12]
    filled = {"tileMatrix": 12, "tileRow": limits["minTileRow"], "tileCol": limits["minTileCol"]}
    assert Asking().client.get(template["href"].format(**filled)).status_code == 200
    assert told["boundingBox"]["lowerLeft"] == pytest.approx([WEST, SOUTH], abs=1e-4)
    assert told["layers"][0]["id"] == "parcels"


def test_tilejson_leads_to_tiles():
    told = Asking().get(TILES, f="tilejson")
    assert (told["tilejson"], told["maxzoom"], told["vector_layers"][0]["id"]) == ("3.0.0", 18, "parcels")
    _, z, y, x = HERE.rsplit("/", 3)
    assert features(Asking().client.get(told["tiles"][0].format(z=z, y=y, x=x)))


def test_the_service_leads_to_its_tiles():
    rels = {link["rel"]: link["href"] for link in Asking().get("collections/parcels")["links"]}
    assert Asking().client.get(rels["http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"]).status_code == 200
    rels = {link["rel"]: link["href"] for link in Asking().get("")["links"]}
    assert Asking().client.get(rels["http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"]).status_code == 200
    assert "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core" in Asking().get("conformance")["conformsTo"]


def test_after_an_edition_a_tile_tells_what_is_new(own, tmp_path):
    before = Asking().answer(HERE)
    file = own.district.folder / "layers" / "parcels.geojson"
    told = json.loads(file.read_text(encoding="utf-8"))
    told["features"][25]["properties"]["tall"] = 99.5
    file.write_text(json.dumps(told), encoding="utf-8")
    from scicity.city import City

    City(own.district.folder, own.figures.lake.root.parent).load()
    after = Asking().answer(HERE)
    assert features(after)["p025"]["height"] == 99.5
    assert after.headers["ETag"] != before.headers["ETag"]
    index = Index(own.figures.lake.root.parent, "parcels")
    assert "parcels" in specs(own)
    assert index.about("changes") == "102"
