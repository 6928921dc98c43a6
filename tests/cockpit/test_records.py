"""Records: what a page keeps reaches the lake and heals what depends on it, in the audit trail, by who may."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import connection, models

from scicity.cockpit import roles
from scicity.cockpit.models import AuditEntry, Person
from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import Computing
from scicity.kernel.lake import Lake
from scicity.kernel.lineage import Figures
from scicity.kernel.tables import Catalog, Recorded, derived, discover, recorded
from scicity.records.models import Due, Record
from scicity.records.publishing import due, publish

pytestmark = pytest.mark.django_db
PLAN = recorded("toy.plan", columns=["zone", "year", "energy"], grain=["zone", "year"])

OF_DOMAINS = [table for table in discover().tables.values() if isinstance(table, Recorded)]  # their models are installed


@derived(name="toy.planned", reads={"plan": "toy.plan"}, columns=["year", "energy"], grain=["year"])
def planned(plan: Any) -> Any:
    """All zones of a year."""
    return plan.group_by("year").agg(energy=plan.energy.sum())


@pytest.fixture
def plan(db: None) -> Any:
    """A model of records with its table, for one test."""

    class Plan(Record):
        TABLE = "toy.plan"
        zone = models.CharField(max_length=20)
        year = models.IntegerField()
        energy = models.DecimalField(max_digits=18, decimal_places=6, validators=[MinValueValidator(0)])

        class Meta:
            app_label = "records"
            constraints = (models.UniqueConstraint(fields=["zone", "year"], name="one_plan"),)

        def __str__(self) -> str:
            return f"{self.zone} {self.year}"

    with connection.cursor() as cursor:
        columns = "id integer PRIMARY KEY, entered_at datetime, zone text, year integer, energy decimal"
        cursor.execute(f"CREATE TABLE records_plan ({columns})")
    yield Plan
    apps.all_models["records"].pop("plan")
    apps.clear_cache()


@pytest.fixture
def computing(tmp_path) -> Computing:
    return Computing(Lake(tmp_path / "lake"), Catalog([PLAN, planned, *OF_DOMAINS]), Calendar("Asia/Shanghai"))


def figure(computing: Computing, year: int) -> Any:
    rows = Figures(computing).rows("toy.planned", where={"year": year})
    return rows[0]["energy"] if rows else None


def brought(computing: Computing) -> list[str]:
    with computing.lake.alone():
        publish(computing)
        return [done.table for done in computing.bring_up_to_date()]


def test_what_is_kept_reaches_the_figures_and_says_where_it_stands(plan: Any, computing: Computing) -> None:
    assert not due()
    first = plan(zone="north", year=2026, energy=Decimal("12.5"))
    first.save()
    plan(zone="south", year=2026, energy=Decimal("7.5")).save()
    assert due() and brought(computing) == ["toy.planned"] and not due()
    assert figure(computing, 2026) == Decimal("20")
    assert brought(computing) == []  # again nothing
    first.energy = Decimal("2.5")
    first.save()
    assert brought(computing) == ["toy.planned"] and figure(computing, 2026) == Decimal("10")
    first.delete()
    brought(computing)
    assert figure(computing, 2026) == Decimal("7.5")
    (row,) = Figures(computing).rows("toy.plan")
    assert (row["source_file"], row["source_row"]) == ("records/toy.plan", 2)
    assert Figures(computing).why("toy.plan.energy/zone=south/year=2026").place == "records/toy.plan, row 2"


def test_what_cannot_be_is_not_kept(plan: Any, computing: Computing) -> None:
    plan(zone="north", year=2026, energy=1).save()
    with pytest.raises(ValidationError):
        plan(zone="south", year=2026, energy=-1).save()
    with pytest.raises(ValidationError):
        plan(zone="north", year=2026, energy=2).save()
    brought(computing)
    assert figure(computing, 2026) == 1 and AuditEntry.objects.filter(action__startswith="record-").count() == 1


def test_a_change_that_is_rolled_back_is_never_published(plan: Any, computing: Computing) -> None:
    from django.db import transaction

    with pytest.raises(RuntimeError), transaction.atomic():
        plan(zone="north", year=2026, energy=1).save()
        raise RuntimeError
    assert not due() and not Due.objects.exists() and not AuditEntry.objects.filter(action="record-made").exists()


def test_a_publication_that_ended_in_between_goes_on(plan: Any, computing: Computing, monkeypatch) -> None:
    plan(zone="north", year=2026, energy=1).save()
    put = computing.put

    def killed(*told: Any) -> bool:
        put(*told)
        raise KeyboardInterrupt

    monkeypatch.setattr(computing, "put", killed)
    with pytest.raises(KeyboardInterrupt), computing.lake.alone():
        publish(computing)
    monkeypatch.undo()
    assert due() and (at := computing.lake.snapshot("toy.plan").version) >= 0
    assert brought(computing) == ["toy.planned"] and computing.lake.snapshot("toy.plan").version == at and not due()


def test_a_change_while_it_is_published_is_published_next(plan: Any, computing: Computing, monkeypatch) -> None:
    plan(zone="north", year=2026, energy=1).save()
    put = computing.put

    def meanwhile(*told: Any) -> bool:
        plan(zone="south", year=2026, energy=2).save()
        return put(*told)

    monkeypatch.setattr(computing, "put", meanwhile)
    brought(computing)
    monkeypatch.undo()
    assert figure(computing, 2026) == 1 and due()
    brought(computing)
    assert figure(computing, 2026) == 3


def test_every_change_is_in_the_audit_trail(plan: Any) -> None:
    made = plan(zone="north", year=2026, energy=1)
    made.save()
    made.energy, made.because = 2, "the heating season was long"
    made.save()
    made.delete()
    told = [(e.action, e.before, e.after) for e in AuditEntry.objects.filter(action__startswith="record-").order_by("pk")]
    assert [action for action, _, _ in told] == ["record-made", "record-changed", "record-deleted"]
    assert told[1][1]["energy"] == "1" and told[1][2]["energy"] == "2"
    assert told[1][2]["because"] == "the heating season was long"


def test_records_are_never_changed_by_the_hundred(plan: Any) -> None:
    plan(zone="north", year=2026, energy=1).save()
    for way in (
        lambda: plan.objects.update(energy=3),
        lambda: plan.objects.bulk_create([plan(zone="x", year=1, energy=1)]),
        lambda: plan.objects.bulk_update(plan.objects.all(), ["energy"]),
    ):
        with pytest.raises(TypeError, match="one by one"):
            way()
    assert plan.objects.all().delete()[0] == 1 and AuditEntry.objects.filter(action="record-deleted").count() == 1


def test_roles_have_the_rights_of_a_model_once(plan: Any) -> None:
    from django.contrib.auth.management import create_permissions

    create_permissions(apps.get_app_config("records"), verbosity=0)
    for role in roles.ROLES:
        Group.objects.get_or_create(name=role)
    officer = Person.objects.create_user("officer", password="a long password")
    officer.groups.add(Group.objects.get(name="officer"))
    resident = Person.objects.create_user("resident", password="a long password")
    resident.groups.add(Group.objects.get(name="resident"))
    roles._give_rights()
    assert Person.objects.get(pk=officer.pk).has_perm("records.add_plan")
    assert not Person.objects.get(pk=resident.pk).has_perm("records.view_plan")
    Group.objects.get(name="officer").permissions.remove(Permission.objects.get(codename="delete_plan"))
    roles._give_rights()  # at the next start what the district took away stays away
    assert not Person.objects.get(pk=officer.pk).has_perm("records.delete_plan")


def test_every_model_of_records_has_its_table_declared_and_the_reverse() -> None:
    from scicity.kernel.tables import Recorded, discover

    declared = {name for name, table in discover().tables.items() if isinstance(table, Recorded)}
    assert {model.TABLE for model in apps.get_models() if issubclass(model, Record) and model.TABLE} == declared
