"""Planning, heritage and green space in the cockpit: no bare number, who may act, what stays, who sees what."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.template import base
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import AuditEntry, Person
from scicity.domains.greenways.golden import small_green
from scicity.domains.heritage.golden import small_heritage
from scicity.domains.planning.golden.small_plans import LAYERS, SmallPlans, collection, square
from scicity.domains.planning.models import Observation, Resolution
from scicity.records.publishing import publish

pytestmark = pytest.mark.django_db
HIDDEN = collection(
    ("a", "0701", square(0, 0, 600, 1000)), ("b", "14", square(600, 0, 1400, 1000)), b={"restricted_to": "leader"}
)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    registers = {name: text for name, text in small_heritage.REGISTERS.items() if name != "account_days"}
    others = small_heritage.LAYERS | {n: small_green.LAYERS[n] for n in ("parks", "population", "streets", "greenways")}
    layers = {name: text for name, text in others.items() if name != "zones"} | {"plan-city": HIDDEN}
    registers["heritage_sites"] = registers["heritage_sites"].replace("fort,,堡", "fort,west,堡")
    found = SmallPlans(tmp_path_factory.mktemp("planning"), registers, layers)
    found.city.load()
    for table in sorted(found.city.catalog.tables):
        if table.split(".")[0] in ("planning", "heritage", "greenways") and table in {
            t.name for t in found.city.catalog.derived
        }:
            found.city.compute(only=table)
    return found


@pytest.fixture
def district(unchanged, city):
    cities.use(cities.OpenCity(unchanged.city.district, unchanged.city.figures, settings.PLACE))
    roles.prepare()
    yield unchanged
    cities.use(city)


def client(*names: str, language: str = "en") -> Client:
    found = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    if names:
        person = Person.objects.create_user(f"{'-'.join(names)}-{Person.objects.count()}", password="x" * 14)
        person.groups.set(Group.objects.filter(name__in=names))
        found.force_login(person)
    return found


def worst(district, **where):
    rows = district.city.figures.rows("planning.conflict", where={"piece_kind": "conflict"} | where)
    return max(rows, key=lambda row: row["conflict_area"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_print_figures_alone(district, monkeypatch, language):
    kept = base.render_value_in_context
    asking = client("officer", "leader", language=language)
    row = worst(district, against="energy")
    line = worst(district, plan="city", against_kind="line")
    paths = [
        *("/planning/", "/planning/plans/city/", "/planning/plans/water/", "/planning/conflicts/"),
        *("/planning/conflicts/?piece_kind=&state=open&zone=west", "/planning/conflicts/?plan=%27&against=%3Cb%3E"),
        *(f"/planning/conflicts/{row['conflict']}/", f"/planning/conflicts/{line['conflict']}/"),
        *("/planning/land/", "/planning/land/?day=2009-12-31", "/planning/land/?day=never"),
        *("/heritage/", "/heritage/?day=2009-12-31", "/heritage/sites/fort/", "/heritage/sites/bridge/"),
        *("/greenways/", "/greenways/?day=2009-12-31&network=walking", "/greenways/?network=%00"),
    ]
    for path in paths:

        def strict(value, context, path=path):
            assert not isinstance(value, (int, float, Decimal)) or isinstance(value, bool), f"{path} prints {value!r} bare"
            return kept(value, context)

        monkeypatch.setattr(base, "render_value_in_context", strict)
        answer = asking.get(path)
        assert answer.status_code == 200, path
    monkeypatch.setattr(base, "render_value_in_context", kept)


def test_what_is_not_there_is_not_found(district):
    for path in ("/planning/plans/none/", "/planning/conflicts/none/", "/heritage/sites/none/"):
        assert client().get(path).status_code == 404


def test_map_layers_have_shapes_and_lead_to_pages(district):
    for name, start in (
        ("planning.conflicts", "/planning/conflicts/"),
        ("heritage.breaches", "/heritage/sites/"),
        ("greenways.parks", "/greenways/"),
    ):
        told = client("leader").get(f"/map/points/{name}.geojson").json()
        assert told["features"], name
        assert {feature["geometry"]["type"] for feature in told["features"]} <= {"Polygon", "MultiPolygon"}
        assert all(feature["properties"]["url"].startswith(start) for feature in told["features"])


def test_who_may_not_see_a_parcel_sees_no_conflict_of_it(district):
    hidden = worst(district, feature="b", plan="city")
    assert hidden["restricted_to"] == "leader"
    path = f"/planning/conflicts/{hidden['conflict']}/"
    assert client("leader").get(path).status_code == 200
    for asking in (client(), client("officer")):
        assert asking.get(path).status_code == 404
        assert hidden["conflict"] not in asking.get("/planning/conflicts/?piece_kind=").content.decode()
        assert hidden["conflict"] not in asking.get("/map/points/planning.conflicts.geojson").content.decode()


def test_a_conflict_is_decided_by_two_and_stays_in_the_trail(district):
    row = worst(district, feature="a", against="energy")
    path = f"/planning/conflicts/{row['conflict']}/"
    sent = {"resolution_act": "proposed", "reason": "the energy plan gives way"}
    assert client().post(path, sent).status_code == 403
    assert client("resident").post(path, sent).status_code == 403
    officer, authority = client("officer"), client("authority")
    assert officer.post(path, {"resolution_act": "agreed", "reason": "x"}).status_code == 422  # nothing was proposed
    assert officer.post(path, {"resolution_act": "proposed", "reason": " "}).status_code == 422
    assert officer.post(path, sent).status_code == 302
    assert officer.post(path, {"resolution_act": "agreed", "reason": "mine"}).status_code == 422  # one's own proposal
    assert authority.post(path, {"resolution_act": "agreed", "reason": "so be it"}).status_code == 302
    assert authority.post(path, {"resolution_act": "dismissed", "reason": "no"}).status_code == 422
    acts = list(Resolution.objects.filter(conflict=row["conflict"]))
    assert [(act.act_number, act.resolution_act) for act in acts] == [(1, "proposed"), (2, "agreed")]
    assert acts[0].geometry == row["geometry"]
    assert any("so be it" in str(entry.after) for entry in AuditEntry.objects.all())
    with pytest.raises(ValueError, match="never changed"):
        acts[0].save()
    publish(district.city.computing)
    district.city.compute(only="planning.conflict_state")
    (state,) = district.city.figures.rows("planning.conflict_state", where={"conflict": row["conflict"]})
    assert (state["conflict_state"], state["acts_counted"]) == ("agreed", 2)
    page = client(language="en").get(path).content.decode()
    assert "so be it" in page


def test_an_observation_is_entered_and_changes_the_progress(district):
    path = "/planning/plans/energy/"
    sent = {"plan_target": "pumps", "observed_on": "2025-01-31", "value": "21", "note": "counted"}
    assert client("leader").post(path, sent).status_code == 403
    officer = client("officer")
    for wrong in (
        {"value": "many"},
        {"value": "nan"},
        {"value": "1e999"},
        {"observed_on": "2999-01-01"},
        {"plan_target": "green"},
    ):
        assert officer.post(path, sent | wrong).status_code == 422, wrong
    assert Observation.objects.count() == 0
    assert officer.post(path, sent).status_code == 302
    assert officer.post(path, sent | {"value": "22"}).status_code == 302  # of one day there is one
    assert [each.value for each in Observation.objects.all()] == [22]
    publish(district.city.computing)
    district.city.compute(only="planning.target_progress")
    (row,) = district.city.figures.rows("planning.target_progress", where={"plan_target": "pumps"})
    assert (row["value"], row["target_met"], row["observed_on"]) == (22, True, date(2025, 1, 31))


def test_what_is_no_number_is_not_kept():
    with pytest.raises(ValidationError):
        Observation(plan="p", plan_target="t", observed_on=date(2025, 1, 1), value=float("inf")).save()


def test_a_district_without_any_of_it_says_so(city):
    for path in ("/planning/", "/planning/conflicts/", "/planning/land/", "/heritage/", "/greenways/"):
        assert client().get(path).status_code == 200, path
    assert LAYERS
