"""Features edited by people (OGC 20-002r1): seen at once, locked optimistically, in the audit trail, brought to the lake."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from django.db import connection
from django.utils import timezone

from scicity.cockpit.models import AuditEntry, Person
from scicity.cockpit.ogc.models import Edit
from scicity.records.publishing import publish
from scicity.space import loading, register
from scicity.space.editing import EDIT, LAYERS, edits_of, overlaid
from scicity.space.index import Index

from .conftest import Asking

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own")]
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
ITEMS = "collections/parcels/items"
NEW = {
    "type": "Feature",
    "geometry": {"type": "Polygon", "coordinates": [[[116.42, 40.12], [116.43, 40.12], [116.43, 40.13], [116.42, 40.12]]]},
    "properties": {
        "name_zh": "新地块",
        "feature_class": "R2",
        "height": 12,
        "valid_from": "2026-01-01",
        "floors": 4,
        "tags": ["a", {"b": 1}],
    },
}


def made(asking: Asking, told: Any = None, **headers: str) -> str:
    answer = asking.send("POST", ITEMS, told or NEW, **headers)
    assert answer.status_code == 201, answer.content
    return str(answer.headers["Location"].rpartition("/")[2])


def test_a_new_feature_is_there_at_once(officer: Asking, stranger: Asking) -> None:
    answer = officer.send("POST", ITEMS, NEW)
    assert answer.status_code == 201
    feature = answer.headers["Location"].removeprefix("http://localhost/ogc/")
    told = stranger.get(feature)
    assert told["geometry"] == NEW["geometry"]
    assert told["properties"]["valid_from"] == "2025-12-31T16:00:00Z"
    assert told["properties"]["origin"] == "manual"
    assert (told["properties"]["floors"], told["properties"]["tags"]) == (4, ["a", {"b": 1}])
    assert stranger.answer(feature).headers["ETag"] == answer.headers["ETag"]
    assert stranger.ids("parcels", filter="height = 12 AND floors = 4 AND name_zh = '新地块'") == [told["id"]]
    assert stranger.ids("parcels", bbox="116.425,40.121,116.43,40.13") == [told["id"]]
    assert stranger.get(ITEMS, limit=1)["numberMatched"] == 91


def test_each_edit_is_an_act_of_a_person(officer: Asking) -> None:
    feature = made(officer)
    officer.send("PATCH", f"{ITEMS}/{feature}", {"properties": {"height": 15}}, "application/merge-patch+json")
    officer.send("DELETE", f"{ITEMS}/{feature}")
    entries = list(AuditEntry.objects.filter(subject__contains=f"parcels/{feature}").order_by("number"))
    assert [(each.who_name, each.action) for each in entries] == [
        ("olga", "record-made"),
        ("olga", "record-changed"),
        ("olga", "record-changed"),
    ]
    assert entries[0].after["geometry"].startswith("Polygon of 4 positions in 116.42")
    assert (entries[1].before["height"], entries[1].after["height"]) == (12, 15)
    assert entries[2].after["removed"] is True


@pytest.mark.meets(
    "update/update-patch-op", "update/update-patch-body", "update/update-patch-response", "features/update-json-merge-patch"
)
def test_a_feature_of_the_file_is_changed_in_parts(officer: Asking, stranger: Asking) -> None:
    before = stranger.get(f"{ITEMS}/p001")
    told = {"properties": {"name_en": "Changed", "owner": None, "new": "x"}}
    answer = officer.send("PATCH", f"{ITEMS}/p001", told, "application/merge-patch+json")
    assert answer.status_code == 200
    after = stranger.get(f"{ITEMS}/p001")
    expected = before["properties"] | {"name_en": "Changed", "new": "x"}
    del expected["owner"]
    assert after["properties"] == expected  # its origin too: who mends a name has not measured the rest
    assert after["geometry"] == before["geometry"]
    assert stranger.ids("parcels", filter="name_en = 'Parcel 1'") == []


@pytest.mark.meets(
    "create-replace-delete/put-op",
    "create-replace-delete/put-body",
    "create-replace-delete/put-response",
    "features/resource-endpoint",
)
def test_a_feature_is_replaced(officer: Asking, stranger: Asking) -> None:
    answer = officer.send("PUT", f"{ITEMS}/p001", NEW)
    assert answer.status_code == 200
    told = stranger.get(f"{ITEMS}/p001")
    assert (told["properties"]["name_en"], told["properties"]["floors"], "owner" in told["properties"]) == (None, 4, False)
    assert (told["geometry"], told["properties"]["origin"]) == (NEW["geometry"], "stand-in")
    assert stranger.ids("parcels", bbox="116.4011,40.1001,116.4019,40.1009") == []


def test_to_replace_a_restricted_feature_does_not_open_it(officer: Asking, stranger: Asking) -> None:
    assert officer.send("PUT", f"{ITEMS}/p009", NEW).status_code == 200
    assert stranger.answer(f"{ITEMS}/p009").status_code == 404
    assert officer.send("PATCH", f"{ITEMS}/p009", {"properties": {"restricted_to": ""}}).status_code == 200
    assert stranger.answer(f"{ITEMS}/p009").status_code == 200
    assert officer.send("PATCH", f"{ITEMS}/p001", {"properties": {"restricted_to": "officer  leader"}}).status_code == 200
    assert stranger.answer(f"{ITEMS}/p001").status_code == 404


@pytest.mark.meets(
    "create-replace-delete/delete-op", "create-replace-delete/delete-response", "create-replace-delete/put-rid-exception"
)
def test_a_feature_is_deleted_and_may_come_again(officer: Asking, stranger: Asking) -> None:
    assert officer.send("DELETE", f"{ITEMS}/p001").status_code == 204
    assert stranger.answer(f"{ITEMS}/p001").status_code == 404
    assert officer.send("DELETE", f"{ITEMS}/p001").status_code == 404
    assert officer.send("PUT", f"{ITEMS}/p001", NEW).status_code == 404
    assert "p001" not in stranger.ids("parcels")
    assert made(officer, NEW | {"id": "p001"}) == "p001"
    assert stranger.get(f"{ITEMS}/p001")["properties"]["floors"] == 4


@pytest.mark.meets(
    "optimistic-locking-etags/ifmatch-put-eval",
    "optimistic-locking-etags/ifmatch-patch-eval",
    "optimistic-locking-etags/patch-etag-response",
)
def test_who_read_an_older_edition_changes_nothing(officer: Asking, keeper: Asking) -> None:
    """/req/optimistic-locking-etags."""
    read = officer.answer(f"{ITEMS}/p001").headers["ETag"]
    first = keeper.send("PATCH", f"{ITEMS}/p001", {"properties": {"height": 1}}, If_Match=read)
    assert first.status_code == 200
    for method, told in (("PATCH", {"properties": {"height": 2}}), ("PUT", NEW), ("DELETE", None)):
        late = officer.send(method, f"{ITEMS}/p001", told, If_Match=read)
        assert late.status_code == 412
        assert first.headers["ETag"] in json.loads(late.content)["detail"]
    assert officer.get(f"{ITEMS}/p001")["properties"]["height"] == 1
    assert (
        officer.send("PATCH", f"{ITEMS}/p001", {"properties": {"height": 2}}, If_Match=first.headers["ETag"]).status_code == 200
    )


def test_a_tag_of_another_crs_is_of_the_same_edition(officer: Asking) -> None:
    tag = officer.answer(f"{ITEMS}/p001", crs=f"{EPSG}4490").headers["ETag"]
    assert tag != officer.answer(f"{ITEMS}/p001").headers["ETag"]
    assert officer.send("PATCH", f"{ITEMS}/p001", {"properties": {"height": 2}}, If_Match=f'"other", {tag}').status_code == 200


@pytest.mark.meets("optimistic-locking-etags/ifmatch-put-op", "optimistic-locking-etags/ifmatch-patch-op")
def test_who_names_no_edition_does_not_undo_what_another_just_did(officer: Asking, keeper: Asking) -> None:
    """QGIS sends no If-Match: it may follow itself, and others after a day."""
    assert keeper.send("PATCH", f"{ITEMS}/p001", {"properties": {"height": 1}}).status_code == 200
    assert keeper.send("PATCH", f"{ITEMS}/p001", {"properties": {"height": 2}}).status_code == 200
    refused = officer.send("PATCH", f"{ITEMS}/p001", {"properties": {"height": 3}})
    assert refused.status_code == 428
    assert "dan changed the feature at" in json.loads(refused.content)["detail"]
    assert officer.send("PATCH", f"{ITEMS}/p001", {"properties": {"height": 3}}, If_Match="*").status_code == 200
    edit = Edit.objects.get(layer="parcels", feature="p001")
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Edit._meta.db_table} SET entered_at = %s WHERE id = %s", [timezone.now() - timedelta(days=2), edit.pk]
        )
    assert keeper.send("PATCH", f"{ITEMS}/p001", {"properties": {"height": 4}}).status_code == 200


@pytest.mark.parametrize(
    ("crs", "at"),
    [(f"{EPSG}4326", [40.15, 116.45]), (f"{EPSG}4490", [40.15, 116.45]), (f"{EPSG}4548", [4446327.9, 453133.5])],
)
@pytest.mark.meets("features/content-crs-header", "features/crs-other-crs")
def test_what_is_sent_may_be_in_another_crs(officer: Asking, crs: str, at: list[float]) -> None:
    """/req/crs of Part 4: Content-Crs says what the coordinates mean."""
    told = NEW | {"geometry": {"type": "Point", "coordinates": at}}
    feature = made(officer, told, Content_Crs=f"<{crs}>")
    assert officer.get(f"{ITEMS}/{feature}")["geometry"]["coordinates"] == pytest.approx([116.45, 40.15], abs=2e-3)
    assert officer.get(f"{ITEMS}/{feature}", crs=crs)["geometry"]["coordinates"] == pytest.approx(at, abs=1e-4)
    assert officer.send("POST", ITEMS, told, Content_Crs="<http://example.org/crs>").status_code == 400


@pytest.mark.meets(
    "create-replace-delete/methods",
    "create-replace-delete/options-op",
    "create-replace-delete/options-response",
    "update/methods",
)
def test_options_say_what_may_be_done(people: dict[str, Person]) -> None:
    """/req/options: QGIS asks before it lets anybody edit."""
    assert Asking(people["olga"]).send("OPTIONS", f"{ITEMS}/p001").status_code == 200
    for name, layer, methods in (
        ("olga", "parcels", "GET, HEAD, POST, OPTIONS"),
        ("eve", "parcels", "GET, HEAD, OPTIONS"),
        ("olga", "pipes", "GET, HEAD, OPTIONS"),
    ):
        assert Asking(people[name]).send("OPTIONS", f"collections/{layer}/items").headers["Allow"] == methods
    assert Asking(people["olga"]).send("OPTIONS", f"{ITEMS}/p001").headers["Allow"] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"


def test_only_editors_edit_and_only_what_is_edited(people: dict[str, Person], stranger: Asking) -> None:
    for method, path in (("POST", ITEMS), ("PUT", f"{ITEMS}/p001"), ("PATCH", f"{ITEMS}/p001"), ("DELETE", f"{ITEMS}/p001")):
        assert stranger.send(method, path, NEW).status_code == 401
        for name in ("eve", "rita"):
            assert Asking(people[name]).send(method, path, NEW).status_code == 403
        other = path.replace("parcels", "pipes").replace("p001", "w0")
        assert Asking(people["olga"]).send(method, other, NEW).status_code == 405
    assert Asking(people["rita"]).send("DELETE", f"{ITEMS}/p009").status_code == 403
    assert Edit.objects.count() == 0


def test_a_session_needs_its_token(people: dict[str, Person]) -> None:
    """A page of others cannot edit for who has signed in; nor can a form, whatever it sends."""
    asking = Asking(people["olga"])
    asking.client.handler.enforce_csrf_checks = True
    assert asking.send("POST", ITEMS, NEW).status_code == 403
    assert Edit.objects.count() == 0


WRONG: list[tuple[Any, int, str]] = [
    (b"{", 400, "the body: found"),
    (b"[" * 100_000, 400, "the body: found"),
    (b"\xff\xfe", 400, "the body: found"),
    ({"type": "FeatureCollection", "features": []}, 400, "type: found 'FeatureCollection'"),
    ({"type": "Feature", "properties": {}}, 400, "the body: found 'type, properties'; expected geometry"),
    (NEW | {"geometry": None}, 400, "geometry: found 'None'"),
    (NEW | {"geometry": {"type": "Point", "coordinates": [1e300, 2]}}, 400, "geometry: found"),
    (NEW | {"geometry": {"type": "Point", "coordinates": []}}, 400, "geometry: found"),
    (NEW | {"geometry": {"type": "Point", "coordinates": ["a", "b"]}}, 400, "geometry: found"),
    (NEW | {"geometry": {"type": "Circle", "coordinates": [1, 2]}}, 400, "geometry: found"),
    (NEW | {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}}, 400, "geometry: f"),
    (NEW | {"geometry": {"type": "Point", "coordinates": [116.4, 140.1]}}, 400, "geometry: found"),
    (NEW | {"id": "a/b"}, 400, "id: found 'a/b'"),
    (NEW | {"id": "p001"}, 409, "id: found 'p001', which there is"),
    (NEW | {"properties": {"height": "tall"}}, 400, "properties.height: found 'tall'; expected a number"),
    (NEW | {"properties": {"height": 1e309}}, 400, "the body: found 'Infinity is no number of JSON'"),
    (NEW | {"properties": {"stratum": "heaven"}}, 400, "properties.stratum: found 'heaven'"),
    (NEW | {"properties": {"origin": "magic"}}, 400, "properties.origin: found 'magic'"),
    (NEW | {"properties": {"restricted_to": "king"}}, 400, "properties.restricted_to: found 'king'"),
    (NEW | {"properties": {"valid_from": "soon"}}, 400, "properties.valid_from: found 'soon'"),
    (NEW | {"properties": {"valid_from": "2020-01-01", "valid_to": "2019-01-01"}}, 400, "properties.valid_to: found"),
    (NEW | {"properties": {"name_zh": "x" * 501}}, 400, "properties.name_zh: found"),
    (NEW | {"properties": {"deep": json.loads("[" * 50 + "]" * 50)}}, 400, "properties.deep: found"),
    (NEW | {"properties": {f"p{n}": n for n in range(300)}}, 400, "properties: found '300 of them'"),
    (NEW | {"properties": {"nul": "a\0b"}}, 400, "properties.nul: found"),
    (NEW | {"properties": {"half": "\ud800"}}, 400, "properties.half: found"),
    (NEW | {"properties": {"feature": "other"}}, 400, "properties.feature: found 'other'"),
    (b"x" * 3_000_000, 413, "the body: found too many bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "status", "said"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_refused_whole(officer: Asking, told: Any, status: int, said: str) -> None:
    answer = officer.send("POST", ITEMS, told)
    assert answer.status_code == status, answer.content
    assert json.loads(answer.content)["detail"].startswith(said)
    assert Edit.objects.count() == 0
    assert officer.get(ITEMS, limit=1)["numberMatched"] == 100


@pytest.mark.meets("create-replace-delete/post-content-type", "create-replace-delete/put-content-type")
def test_other_kinds_of_bodies_are_refused(officer: Asking) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert officer.send("POST", ITEMS, NEW, kind).status_code == 415


# --- the lake ---


def rows_of(own: Any, layer: str = "parcels") -> dict[str, Any]:
    table = own.figures.catalog[f"layer.{layer}"]
    return {row["feature"]: row for row in own.figures.engine.rows(table).to_pylist()}


def test_edits_come_to_the_lake_and_the_index_stays_as_it_was(own: Any, officer: Asking) -> None:
    feature = made(officer)
    officer.send("PATCH", f"{ITEMS}/p001", {"properties": {"name_en": "Changed"}})
    officer.send("DELETE", f"{ITEMS}/p002")
    shown = officer.get(ITEMS, limit=1_000)["features"]
    changed = publish(own.figures.computing)
    assert {EDIT.name, "layer.parcels"} <= set(changed)
    rows = rows_of(own)
    assert (rows[feature]["name_zh"], rows["p001"]["name_en"], "p002" in rows) == ("新地块", "Changed", False)
    assert rows[feature]["source_file"] == "records/layers.edit"
    assert len(rows) == 100
    assert sorted(officer.get(ITEMS, limit=1_000)["features"], key=lambda each: each["id"]) == sorted(
        shown, key=lambda each: each["id"]
    )
    with Index(own.figures.lake.root.parent, "parcels").connected() as connection:
        assert connection.execute("SELECT count(*) FROM pending").fetchone() == (0,)
    assert publish(own.figures.computing, everything=True) == []


def test_a_new_edition_of_the_file_does_not_undo_edits(own: Any, officer: Asking) -> None:
    """Before the lake has an edit and after: what people left stands over the file."""
    officer.send("PATCH", f"{ITEMS}/p001", {"properties": {"name_en": "Changed"}})
    officer.send("DELETE", f"{ITEMS}/p002")
    folder, figures = own.district.folder, own.figures
    file = folder / "layers" / "parcels.geojson"
    file.write_text(file.read_text(encoding="utf-8").replace("Parcel ", "Plot "), encoding="utf-8")
    spec = register.specs_of(own.district)["parcels"]

    def load() -> None:
        from scicity.kernel.problems import Problems

        rows = loading.rows(spec, folder, own.district.calendar, Problems())
        figures.computing.put(spec.table, pa.concat_tables(overlaid([rows], edits_of(figures.engine, "parcels"))))

    for _ in range(2):
        load()
        told = officer.get(ITEMS, limit=1_000)["features"]
        named = {each["id"]: each["properties"]["name_en"] for each in told}
        assert (named["p000"], named["p001"], "p002" in named, len(named)) == ("Plot 0", "Changed", False, 99)
        publish(figures.computing)
    assert rows_of(own)["p001"]["name_en"] == "Changed"


def test_an_edit_that_is_taken_back_leaves_the_file_to_be_read_again(own: Any, officer: Asking) -> None:
    feature = made(officer)
    officer.send("PATCH", f"{ITEMS}/p001", {"properties": {"name_en": "Changed"}})
    publish(own.figures.computing)
    own.figures.lake.note(LAYERS, {"parcels": "stamp", "pipes": "stamp"})
    Edit.objects.filter(layer="parcels").delete()
    publish(own.figures.computing)
    rows = rows_of(own)
    assert {feature, "p001"} & set(rows) == set()
    assert own.figures.lake.noted(LAYERS) == {"pipes": "stamp"}  # the next load reads the file again


def test_of_two_who_edit_at_once_the_index_shows_the_last(own: Any, officer: Asking) -> None:
    """The index is written from the records as they are then, whichever process comes to it first."""
    from scicity.cockpit.ogc import editing
    from scicity.cockpit.ogc.serving import Collection, specs

    officer.send("PATCH", f"{ITEMS}/p001", {"properties": {"name_en": "first"}})
    edit = Edit.objects.get(layer="parcels", feature="p001")
    edit.name_en, edit.digest = "second", "0" * 16
    edit.save()
    collection = Collection(own, specs(own)["parcels"], None, frozenset())
    collection.index.edit(lambda: editing._newest(collection, "p001"))
    assert officer.get(f"{ITEMS}/p001")["properties"]["name_en"] == "second"
