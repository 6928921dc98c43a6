"""What the map asks: figures, sections, traces, selections and sheets; to whom, and what of rubbish."""

from __future__ import annotations

import csv
import io
import json
import struct
import zlib
from typing import Any

import pytest

from scicity.cockpit.map import sheet
from scicity.cockpit.models import AuditEntry
from scicity.cockpit.ogc.models import Taking

from . import mapped_city

AREA = [[116.4, 40.1], [116.41, 40.1], [116.41, 40.11], [116.4, 40.11]]


def figures(client: Any, **asked: Any) -> dict[str, Any]:
    answer = client.get("/map/values/mapped.zone_yearly/residents.geojson", asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_figures_of_zones_are_drawn_on_their_zones(reader):
    found = figures(reader, language="en")
    by_zone = {each["properties"]["id"]: each["properties"] for each in found["features"]}
    assert {name: each["value"] for name, each in by_zone.items()} == {"west": 1800.0, "east": 600.0}
    assert found["period"] == "2024" and found["unplaced"] == 1  # the whole district has no area of its own
    assert by_zone["west"]["why"] == "/why/mapped.zone_yearly.residents/zone=west/year=2024"
    assert found["features"][0]["geometry"]["type"] == "Polygon"


def test_figures_follow_the_year_that_is_shown(reader):
    assert figures(reader, year="2018")["period"] == "2018"
    assert figures(reader, year="2020")["period"] == "2018"
    assert figures(reader, year="2009")["features"] == []


def test_the_newest_reading_lies_at_its_station(reader, mapped):
    told = reader.get("/map/values/reading.air_temperature/value.geojson?language=en").json()
    (one,) = told["features"]
    assert one["geometry"] == {"type": "Point", "coordinates": [116.405, 40.105]}
    assert (one["properties"]["value"], one["properties"]["unit"]) == (12.5, "°C")
    assert one["properties"]["when"] == "2024-05-01 10:00"  # 02:00 UTC, in the district's time
    mapped_city.arrive(mapped, [(3, 14.0)])
    told = reader.get("/map/values/reading.air_temperature/value.geojson?language=en").json()
    assert told["features"][0]["properties"]["value"] == 14.0


def test_the_catalogue_lists_what_has_a_place(reader):
    tables = {each["table"]: each for each in reader.get("/map/values/?language=en").json()["tables"]}
    assert tables["mapped.zone_yearly"]["key"] == "zone"
    assert [each["name"] for each in tables["mapped.zone_yearly"]["columns"]] == ["residents", "area"]
    assert tables["reading.air_temperature"]["key"] == "reading"
    assert "district.datastream" not in tables


@pytest.mark.parametrize(
    "path",
    [
        "mapped.zone_yearly/zone.geojson",
        "mapped.zone_yearly/nothing.geojson",
        "nothing.at_all/value.geojson",
        "district.datastream/interval_seconds.geojson",
        "reading.nothing/value.geojson",
    ],
)
def test_figures_that_are_none_are_not_found(reader, path):
    assert reader.get(f"/map/values/{path}").status_code == 404


@pytest.mark.parametrize("year", ["x", "0", "99999", "-1", "２０１８", "1e3"])
def test_a_year_that_is_none_is_told(reader, year):
    assert reader.get("/map/values/mapped.zone_yearly/residents.geojson", {"year": year}).status_code == 400


def section(client: Any, status: int = 200, **asked: Any) -> dict[str, Any]:
    answer = client.get("/map/section/", {"layers": "pipes,tunnels", "language": "en"} | asked)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_section_tells_what_is_crossed_where_and_how_deep(reader):
    told = section(reader, line="116.400,40.101;116.410,40.101")
    assert told["length"] == pytest.approx(852.3, abs=0.5)
    assert [each["feature"] for each in told["crossings"]] == ["s1", "m1"]
    sewer, main = told["crossings"]
    assert sewer["along"] == pytest.approx(told["length"] * 0.2, abs=0.05)
    assert sewer["depth"] == pytest.approx(3.2, abs=0.01)  # falls from 3 to 5 m; a tenth of the way
    assert (main["depth"], main["tall"], main["wide"]) == (1.5, 0.3, 0.3)
    assert main["url"] == "/map/features/pipes/m1/"


def test_a_section_knows_the_slope_of_a_tunnel_with_heights(reader):
    (crossing,) = [
        each for each in section(reader, line="116.4025,40.107;116.4025,40.109")["crossings"] if each["layer"] == "tunnels"
    ]
    assert crossing["elevation"] == pytest.approx(17.5, abs=0.01) and crossing["tall"] == 6.0


def test_a_section_is_of_a_day_and_of_who_asks(reader, officer):
    across = "116.4035,40.1015;116.4085,40.1025"
    names = {each["feature"] for each in section(reader, line="116.406,40.101;116.406,40.103", day="20250101")["crossings"]}
    assert names == {"br"}
    assert section(reader, line="116.406,40.101;116.406,40.103", day="20180101")["crossings"] == []
    hidden = "116.403,40.105;116.405,40.105"
    assert section(reader, line=hidden)["crossings"] == []
    assert [each["feature"] for each in section(officer, line=hidden)["crossings"]] == ["m3"]
    assert section(reader, line=across, layers="secrets,nothing")["crossings"] == []


@pytest.mark.parametrize(
    "line", ["", "1,2", "x,y;1,2", "116,40;116,40", "0,0;90,0", "nan,0;1,1", "1,2,3;4,5,6", "200,0;0,0", ";;;" * 900]
)
def test_a_line_that_is_none_is_told(reader, line):
    assert section(reader, 400, line=line)["expected"]


def trace(client: Any, feature: str, way: str, status: int = 200, **more: str) -> Any:
    answer = client.get("/map/trace/", {"layer": "pipes", "feature": feature, "way": way, "language": "en"} | more)
    assert answer.status_code == status, answer.content
    return [each["properties"]["feature"] for each in answer.json()["features"]] if status == 200 else None


def test_what_hangs_together_is_followed_by_shared_nodes(reader, officer):
    assert trace(officer, "m2", "down") == ["m2", "m3"]
    assert trace(officer, "m2", "up") == ["m2", "m1"]
    assert sorted(trace(officer, "m2", "both")) == ["br", "m1", "m2", "m3"]
    assert sorted(trace(reader, "m2", "both")) == ["br", "m1", "m2"]  # m3 is restricted
    assert sorted(trace(officer, "m2", "both", day="20180101")) == ["m1", "m2", "m3"]  # br was not there yet
    assert trace(reader, "s1", "both") == ["s1"]


def test_a_trace_of_what_is_none(reader):
    trace(reader, "nothing", "up", 404)
    trace(reader, "m3", "up", 404)  # not for everyone
    trace(reader, "m1", "sideways", 400)
    trace(reader, "b1", "up", 400, layer="buildings")
    trace(reader, "s", "up", 404, layer="secrets")


def select(client: Any, asked: Any, status: int = 200) -> Any:
    body = asked if isinstance(asked, (str, bytes)) else json.dumps(asked)
    answer = client.post("/map/select/?language=en", body, content_type="application/json")
    assert answer.status_code == status, answer.content[:300]
    return answer.json()


def test_a_selection_is_what_lies_in_the_area_on_that_day(reader):
    everything = select(reader, {"area": AREA, "layers": ["buildings", "pipes", "secrets"], "day": None})
    assert {each["layer"]: each["count"] for each in everything["counts"]} == {"buildings": 3, "pipes": 4}
    in_2018 = select(reader, {"area": AREA, "layers": ["buildings"], "day": 20181231})
    assert [each["name"] for each in in_2018["rows"]] == ["Old house"]
    corner = [[116.4005, 40.1005], [116.402, 40.1005], [116.4005, 40.102]]  # a triangle: its box would hold more
    assert [each["feature"] for each in select(reader, {"area": corner, "layers": ["buildings"], "day": None})["rows"]] == [
        "b1"
    ]


RUBBISH = [
    "", "{", "[]", "null", '{"area": 1, "layers": []}', '{"area": [[1,2],[3,4]], "layers": []}',
    '{"area": [[1,2],[1,2],[1,2]], "layers": []}', '{"area": [[NaN,2],[3,4],[5,6]], "layers": []}',
    '{"area": [[900,2],[3,4],[5,6]], "layers": []}', '{"area": [[1,2],[3,4],[5,7]], "layers": [], "day": 20189999}',
    '{"area": [[1,2],[3,4],[5,7]], "layers": [], "day": "yesterday"}', "[" * 100_000, b"\xff\xfe\x00",
]  # fmt: skip


@pytest.mark.parametrize("asked", RUBBISH, ids=range(len(RUBBISH)))
def test_a_selection_of_rubbish_is_told(reader, asked):
    assert "expected" in select(reader, asked, 400)


def export(client: Any, form: str) -> bytes:
    asked = json.dumps({"area": AREA, "layers": ["buildings"], "day": None})
    answer = client.post(f"/map/select.{form}", {"asked": asked})
    assert answer.status_code == 200 and f"selection.{form}" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content)


def test_an_export_holds_attributes_and_licence(reader):
    features = json.loads(export(reader, "geojson"))["features"]
    first = {each["properties"]["feature"]: each for each in features}["b1"]
    assert first["properties"]["floors"] == 3 and first["properties"]["licence"] == "CC-BY-4.0"
    assert first["properties"]["valid_to"] == "2018-12-31T16:00:00Z" and first["geometry"]["type"] == "Polygon"


def test_an_export_for_spreadsheets_holds_no_formula(reader):
    rows = list(csv.DictReader(io.StringIO(export(reader, "csv").decode("utf-8-sig"))))
    assert {row["name_en"] for row in rows} == {"Old house", "'=New tower", "Planned house"}
    assert rows[0]["geometry"].startswith("POLYGON")


def test_who_exports_is_written_down(officer):
    export(officer, "csv")
    assert Taking.objects.get(layer="buildings", way="selection").person == "olga"
    assert AuditEntry.objects.filter(action="map-export", who_name="olga").exists()


def png(width: int, height: int) -> bytes:
    """A white image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\x00" + b"\xff" * width, 9) * 0 + zlib.compress((b"\x00" + b"\xff" * width) * height))
        + chunk(b"IEND", b"")
    )


def made(client: Any, image: bytes | None = None, status: int = 200, **more: Any) -> bytes:
    from django.core.files.uploadedfile import SimpleUploadedFile

    _, _, across, down = sheet.PAPERS["a4-landscape"]
    told = {
        "paper": "a4-landscape",
        "scale": 5000,
        "title": "Pipes & <houses>",
        "layers": {"buildings": ["office"], "secrets": []},
        "time": "now",
    }
    file = SimpleUploadedFile("map.png", png(across * 4, down * 4) if image is None else image, "image/png")
    answer = client.post("/map/sheet.pdf", {"told": json.dumps(told | more), "image": file, "language": "en"})
    assert answer.status_code == status, answer.content[:300]
    return answer.content


def test_a_sheet_is_a_pdf_with_title_scale_legend_and_licence(reader):
    from pypdf import PdfReader

    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(made(reader))).pages)
    for part in (
        "Pipes & <houses>",
        "1 : 5,000",
        "Buildings",
        "office",
        "CC-BY-4.0",
        "Mapped Town",
        "200 m",
        "Shown data include stand-ins",
    ):
        assert part in text
    assert "residential" not in text  # a class that is not drawn
    assert "Plans of the house" not in text  # a layer that the reader may not see


@pytest.mark.parametrize(
    "more",
    [
        {"paper": "a0"},
        {"scale": 0},
        {"scale": "x"},
        {"scale": 1e12},
        {"layers": 7},
        {"layers": ["a"]},
        {"figure": "x"},
        {"scale": None},
    ],
)
def test_a_sheet_of_rubbish_is_told(reader, more):
    made(reader, status=400, **more)


@pytest.mark.parametrize("image", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", png(800, 60), png(820, 600)[:60]])
def test_an_image_that_is_none_is_told(reader, image):
    made(reader, image, 400)


@pytest.mark.parametrize(
    ("scale", "length", "millimetres"),
    [(5000, 200, 40), (1000, 50, 50), (25_000, 1000, 40), (500, 20, 40), (100_000, 5000, 50)],
)
def test_the_bar_is_a_round_length_at_its_scale(scale, length, millimetres):
    assert sheet.bar_of(scale) == (length, pytest.approx(millimetres))
