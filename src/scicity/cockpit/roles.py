"""Roles: groups of Django's own, made at the first start; and that start's administrator."""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import secrets
from dataclasses import dataclass

from django.apps import apps
from django.contrib.auth.management import _get_all_permissions
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest

from scicity.cockpit import audit
from scicity.cockpit.models import AuditEntry, Person
from scicity.records.models import Record

# name: zh, en. What a role may do hangs on permissions of the domains' models; a district can change them in /admin/.
ROLES = {
    "administrator": ("管理员", "Administrator"),
    "leader": ("领导", "Leader"),
    "officer": ("业务人员", "Officer"),
    "data-officer": ("数据管理员", "Data officer"),
    "authority": ("主管部门", "Authority"),
    "reviewer": ("评审员", "Reviewer"),
    "expert": ("专家", "Expert"),
    "data-owner": ("数据责任人", "Data owner"),
    "applicant": ("申请单位", "Applicant"),
    "enterprise": ("企业", "Enterprise"),
    "resident": ("居民", "Resident"),
}
ADMINISTRATOR = "administrator"
GIVEN = "rights-given"
READERS = (ADMINISTRATOR, "authority")  # of the audit trail
KEEPERS = (ADMINISTRATOR, "data-officer")  # they see what is held of arriving readings, and replay it


@dataclass(frozen=True)
class OneTime:
    """An account that was just made, with the password that must be changed at the first login."""

    username: str
    password: str


def prepare() -> OneTime | None:
    """Brings the records up to date and makes the roles; makes an administrator where there is nobody yet.

    Returns the new administrator's one-time password, which is kept nowhere, or None. Django must be set up.
    """
    if not _migrated():
        call_command("migrate", interactive=False, verbosity=0)
    _close_to_others()
    there = set(Group.objects.values_list("name", flat=True))
    for role in (role for role in ROLES if role not in there):
        Group.objects.get_or_create(name=role)
    _give_rights()
    if Person.objects.exists():
        return None
    made = OneTime(ADMINISTRATOR, secrets.token_urlsafe(12))
    person = Person.objects.create_superuser(made.username, password=made.password, must_change_password=True)
    person.groups.add(Group.objects.get(name=ADMINISTRATOR))
    return made


def keeps_data(request: HttpRequest) -> bool:
    """Whether whoever asks may see and replay what is held of arriving readings."""
    person = request.user
    return person.is_authenticated and (person.is_superuser or person.groups.filter(name__in=KEEPERS).exists())


def reads_trail(request: HttpRequest) -> bool:
    """Whether whoever asks may read the audit trail."""
    person = request.user
    return person.is_authenticated and (person.is_superuser or person.groups.filter(name__in=READERS).exists())


def _migrated() -> bool:
    """Whether every migration of every app is recorded as made, and what follows the last of them is there: the permissions.

    Told by the migrations' names, so that a start at which nothing is to be done loads none of them.
    """
    found = set()
    for app in apps.get_app_configs():
        spec = importlib.util.find_spec(f"{app.name}.migrations")
        places = spec.submodule_search_locations if spec else None
        found |= {(app.label, each.name) for each in pkgutil.iter_modules(places or ()) if each.name[0] not in "_~"}
    if not found <= MigrationRecorder(connection).applied_migrations().keys():
        return False
    due = {(model._meta.app_label, code) for model in apps.get_models() for code, _ in _get_all_permissions(model._meta)}
    return due <= set(Permission.objects.values_list("content_type__app_label", "codename"))


def _give_rights() -> None:
    """Gives the roles what a model of records says of them, once for each model: a district may change it after that."""
    given = set(AuditEntry.objects.filter(action=GIVEN).values_list("subject", flat=True))
    for model in apps.get_models():
        if not issubclass(model, Record) or model._meta.label in given:
            continue
        kind = ContentType.objects.get_for_model(model)
        for role, rights in model.RIGHTS.items():
            names = [f"{right}_{model._meta.model_name}" for right in rights]
            Group.objects.get(name=role).permissions.add(*Permission.objects.filter(content_type=kind, codename__in=names))
        audit.write(GIVEN, model._meta.label, after={role: list(rights) for role, rights in model.RIGHTS.items()})


def _close_to_others() -> None:
    from django.conf import settings

    file = settings.DATABASES["default"]["NAME"]
    for path in (str(file), f"{file}-wal", f"{file}-shm"):
        if os.path.exists(path):  # noqa: PTH110  (an in-memory database has a name that is no path)
            os.chmod(path, 0o600)  # noqa: PTH101
