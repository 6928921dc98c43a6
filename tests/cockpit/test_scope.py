"""Who sees what: an enterprise its own meters only, strangers no single enterprise, the district's staff all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit import discovery, roles
from scicity.cockpit.models import AuditEntry, Person
from scicity.cockpit.scope import Holding, Scope
from scicity.cockpit.space import rights
from scicity.kernel.tables import Derived

pytestmark = [pytest.mark.django_db]
DEMO = Path(__file__).parents[2] / "districts" / "demo"
OWN = "datahost"  # the server room of the office, a sub-meter, from 1 December 2022 on
METER = "office-servers"
FROM = datetime(2022, 11, 30, 16, tzinfo=UTC)


@pytest.fixture(scope="session")
def demo(shipped: Any) -> cities.OpenCity:
    found = shipped("demo")
    return cities.OpenCity(found.district, found.figures, settings.PLACE)


@pytest.fixture
def district(demo: cities.OpenCity, monkeypatch: Any) -> cities.OpenCity:
    """The demo district, which keeps its enterprises for itself."""
    monkeypatch.setitem(demo.district.settings, "public", {"enterprises": False})
    cities.use(demo)
    return demo


def browser(*groups: str, enterprise: str = "") -> Client:
    roles.prepare()
    client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    person = Person.objects.create_user(
        f"{'-'.join(groups)}-{enterprise}"[:60], password="a long password", enterprise=enterprise
    )
    person.groups.set(Group.objects.filter(name__in=groups))
    client.force_login(person)
    return client


def stranger() -> Client:
    return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")


def rows(client: Client, table: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/tables/{table}?limit=10000")
    assert answer.status_code == 200, table
    return list(answer.json()["rows"])


def address(client: Client, table: str, column: str, **key: str) -> str:
    return "/api/figures/" + quote(f"{table}.{column}/" + "/".join(f"{k}={v}" for k, v in key.items()), safe="/=.:")


def test_an_enterprise_sees_rows_of_its_own_meters_alone_in_every_table(district: cities.OpenCity) -> None:
    client, catalog = browser("enterprise", enterprise=OWN), district.figures.catalog
    streams = {row["datastream"] for row in district.rows("district.datastream") if row["thing"] == METER}
    metered = {row["datastream"] for row in district.rows("district.datastream", ["thing"]) if row["thing"] in meters(district)}
    seen = 0
    for name, table in sorted(catalog.tables.items()):
        found = rows(client, name)
        for row in found:
            if "enterprise" in row:
                assert row["enterprise"] == OWN, name
            elif "meter" in row:
                assert row["meter"] == METER, name
                seen += 1
                for time in ("hour", "time"):
                    assert time not in row or datetime.fromisoformat(row[time]) >= FROM, name
            elif "datastream" in row:
                assert row["datastream"] in streams or row["datastream"] not in metered, name
        if isinstance(table, Derived) and "building" in table.columns and not {"meter", "enterprise"} & set(table.columns):
            assert found == [], name
    assert seen > 100 and rows(client, "energy.enterprise_monthly") and rows(client, "energy.zone_monthly")


def meters(district: cities.OpenCity) -> set[str]:
    return {row["meter"] for row in district.rows("energy.meter", ["meter"])}


def test_its_own_figures_open_down_to_its_readings_and_others_do_not(district: cities.OpenCity) -> None:
    client = browser("enterprise", enterprise=OWN)
    own = address(client, "energy.enterprise_monthly", "energy", enterprise=OWN, carrier="electricity", month="2023-01-01")
    assert client.get(own).status_code == 200
    for other in ("institute", "insurer", "common"):
        assert client.get(own.replace(OWN, other)).status_code == 404
        assert client.get(own.replace("/api/figures/", "/why/").replace(OWN, other)).status_code == 404
    hour = address(
        client, "energy.meter_hourly", "energy", meter=METER, flow="forward", building="office", hour="2023-01-05T04:00:00Z"
    )
    assert client.get(hour).status_code == 200
    assert client.get(hour.replace("2023-01-05", "2022-11-25")).status_code == 404  # not yet its own
    assert client.get(hour.replace(METER, "office-main")).status_code == 404
    opened = client.get(hour.replace("/api/figures/", "/api/why/")).json()
    assert any(each["kind"] == "reading" and each["total"] for each in opened["inputs"])


def test_a_figure_of_the_district_opens_and_says_how_many_rows_belong_to_others(district: cities.OpenCity) -> None:
    client = browser("enterprise", enterprise=OWN)
    path = "/why/energy.zone_monthly.energy/zone=district/carrier=electricity/month=2023-01-01"
    page = client.get(path)
    assert page.status_code == 200 and "rows belong to others" in page.content.decode()
    assert "rows belong to others" not in browser("officer").get(path).content.decode()


def test_a_stranger_sees_no_single_enterprise_unless_the_district_says_so(district: cities.OpenCity, monkeypatch: Any) -> None:
    held = {"lab-main", "office-main", METER}
    for client in (stranger(), browser("resident")):
        assert rows(client, "energy.enterprise_monthly") == [] and rows(client, "energy.membership") == []
        assert not held & {row["meter"] for row in rows(client, "energy.meter_hourly")}
        assert rows(client, "energy.zone_monthly")
    monkeypatch.setitem(district.district.settings, "public", {"enterprises": True})
    assert rows(stranger(), "energy.enterprise_monthly")


@pytest.mark.parametrize("role", ["leader", "officer", "data-officer", "administrator"])
def test_staff_see_all(district: cities.OpenCity, role: str) -> None:
    assert {row["enterprise"] for row in rows(browser(role), "energy.enterprise_monthly")} >= {OWN, "institute", "insurer"}


@pytest.mark.parametrize("name", ["", "nobody", "x' OR true --", "common"])
def test_somebody_of_no_enterprise_sees_none(district: cities.OpenCity, name: str) -> None:
    client = browser("enterprise", enterprise=name)
    found = rows(client, "energy.enterprise_monthly")
    assert not {row["enterprise"] for row in found} - {name} and not rows(client, "energy.meter_hourly")


def test_observations_of_others_are_not_asked_by_sensorthings(district: cities.OpenCity) -> None:
    client = browser("enterprise", enterprise=OWN)
    found = client.get("/sta/v1.1/Observations?$expand=Datastream&$top=200")
    names = {each["Datastream"]["name"] for each in found.json()["value"]}
    assert "office-main" not in json.dumps(sorted(names)) and "lab-main" not in json.dumps(sorted(names))


@pytest.mark.parametrize("enterprise", [OWN, "nobody"])
def test_every_page_answers_within_a_scope(district: cities.OpenCity, enterprise: str) -> None:
    client = browser("enterprise", enterprise=enterprise)
    paths = {entry.path for each in discovery.navigation() for entry in (each, *each.below)} | {"/closing/"}
    for path in sorted(paths):
        answer = client.get(path, follow=True)
        assert answer.status_code == 200, path
        assert "lab-main" not in answer.content.decode(), path


def test_whose_enterprise_somebody_is_stands_in_the_audit_trail(db: Any) -> None:
    person = Person.objects.create_user("tenant", password="a long password")
    person.enterprise = OWN
    person.save()
    entry = AuditEntry.objects.get(action="person-changed")
    assert (entry.before, entry.after) == ({"enterprise": ""}, {"enterprise": OWN})


def test_a_month_in_which_a_tenant_moved_is_nobodys_row_of_a_meter(district: cities.OpenCity) -> None:
    calendar, catalog = district.district.calendar, district.figures.catalog
    begin, end = (int(datetime(2023, month, 15, 6, 37, tzinfo=UTC).timestamp() * 1e6) for month in (1, 5))
    scope = Scope("tenant", calendar, (Holding("tenant", "m", begin, end),), (("m.e", "m"),), frozenset({"m"}))
    engine = district.figures.engine

    def fits(table: str, **row: str) -> bool:
        listed = ", ".join(f"{value} AS {name}" for name, value in row.items())
        return bool(engine.sql(f"SELECT 1 AS n FROM (SELECT {listed}) WHERE {scope(catalog[table])}").num_rows)

    hour = "TIMESTAMPTZ '2023-01-15T06:00:00+00:00'"
    assert not fits("energy.meter_hourly", meter="'m'", hour=hour)
    assert fits("energy.meter_hourly", meter="'m'", hour=hour.replace("T06", "T07"))
    assert fits("energy.meter_hourly", meter="'m'", hour="TIMESTAMPTZ '2023-05-15T06:00:00+00:00'")
    assert not fits("energy.meter_hourly", meter="'m'", hour="TIMESTAMPTZ '2023-05-15T07:00:00+00:00'")
    assert not fits("energy.meter_hourly", meter="'other'", hour=hour.replace("T06", "T07"))
    month = "energy.gap_account"
    assert not fits(month, meter="'m'", day="DATE '2023-01-15'") and fits(month, meter="'m'", day="DATE '2023-01-16'")
    assert fits(month, meter="'m'", day="DATE '2023-05-14'") and not fits(month, meter="'m'", day="DATE '2023-05-15'")


STATIONS = (
    "metered_demand",
    "input_hourly",
    "plan",
    "plan_daily",
    "plan_saving",
    "front",
    "design",
    "design_yearly",
    "claim_check",
)


@pytest.mark.parametrize("name", STATIONS)
def test_an_enterprise_sees_no_station_of_others(demo: cities.OpenCity, name: str) -> None:
    mine, others = (Scope(own, demo.district.calendar, (), (), frozenset()) for own in ("mine", None))
    assert mine(demo.figures.computing.catalog[f"optimisation.{name}"]) == "false"
    assert others(demo.figures.computing.catalog[f"optimisation.{name}"]) == "true"


@pytest.mark.parametrize(
    ("name", "below"),
    [
        ("greenways.park_circle", True),
        ("heritage.height_check", False),
        ("planning.land_use_account", True),
        ("energy.meter_hourly", False),
        ("indicators.statement", False),
    ],
)
def test_who_may_not_see_a_layer_sees_nothing_that_its_domain_makes_of_it(
    demo: cities.OpenCity, monkeypatch: Any, name: str, below: bool
) -> None:
    """Whichever layer below it is hidden; a table that tells it row by row (heritage) has none below."""
    catalog = demo.figures.catalog
    table, layers = catalog[name], rights.layers_below(catalog[name], catalog)
    assert bool(layers) == below
    request = SimpleNamespace(roles_seen=frozenset(), city=demo)
    for hidden in layers or [each for each in catalog.tables if each.startswith("layer.")]:
        monkeypatch.setattr(rights, "hidden_from", lambda _, hidden=hidden: frozenset({hidden}))
        limit = rights.limit_of(request)
        assert limit is not None and (limit(table) == "false") == below, hidden
