"""The audit trail: logins, roles and rights are written down where they change, whoever changes them."""

from __future__ import annotations

from contextvars import ContextVar
from decimal import Decimal
from types import NoneType
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import connection
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from scicity.cockpit.models import AuditEntry, AuditHead, Person
from scicity.records.models import Record

acting: ContextVar[HttpRequest | None] = ContextVar("acting", default=None)
WATCHED = ("username", "is_active", "is_staff", "is_superuser", "must_change_password", "enterprise")
CHANGES = {"post_add": "role-given", "post_remove": "role-taken", "post_clear": "roles-cleared"}


def hold() -> None:
    """Takes the audit trail for the transaction that is under way. Whoever locks rows of their own before the first record is
    saved calls this first: all take the trail before anything else, and so no two wait for each other."""
    AuditHead.held()


def write(action: str, subject: str = "", before: Any = None, after: Any = None, who: Model | None = None) -> AuditEntry:
    """Writes an entry; who acts and from where comes from the request under way unless `who` is given."""
    request = acting.get()
    if who is None and request is not None and getattr(request, "user", None) is not None:
        who = request.user if request.user.is_authenticated else None
    return AuditEntry.objects.create(
        who=who if who is None or who.pk else None,
        who_name=getattr(who, "username", ""),
        action=action,
        subject=subject[:200],
        before=before,
        after=after,
        address=request.META.get("REMOTE_ADDR") or None if request is not None else None,
    )


@receiver(user_logged_in)
def _logged_in(sender: Any, user: Person, **_: Any) -> None:
    write("login", user.username, who=user)


@receiver(user_logged_out)
def _logged_out(sender: Any, user: Person | None, **_: Any) -> None:
    if user is not None:
        write("logout", user.username, who=user)


@receiver(user_login_failed)
def _failed(sender: Any, credentials: dict[str, Any], **_: Any) -> None:
    write("login-failed", str(credentials.get("username", ""))[:150])


@receiver(pre_save, sender=Person)
def _before(sender: Any, instance: Person, **_: Any) -> None:
    kept = Person.objects.filter(pk=instance.pk).first() if instance.pk else None
    instance.kept_state = {name: getattr(kept, name) for name in WATCHED} if kept else None
    instance.kept_password = kept.password if kept else None


@receiver(post_save, sender=Person)
def _after(sender: Any, instance: Person, created: bool, **_: Any) -> None:
    now = {name: getattr(instance, name) for name in WATCHED}
    before = getattr(instance, "kept_state", None)
    if created:
        write("person-made", instance.username, after=now)
    elif before is not None and before != now:
        changed = [name for name in WATCHED if before[name] != now[name]]
        write("person-changed", instance.username, {n: before[n] for n in changed}, {n: now[n] for n in changed})
    if not created and getattr(instance, "kept_password", None) not in (None, instance.password):
        write("password-changed", instance.username)


@receiver(m2m_changed, sender=Person.groups.through)
def _roles(sender: Any, instance: Model, action: str, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:
    if action == "pre_clear" and not reverse:
        instance.kept_roles = sorted(instance.groups.values_list("name", flat=True))
    if action not in CHANGES:
        return
    if reverse:  # people added to a group
        for person in Person.objects.filter(pk__in=pk_set or ()):
            write(CHANGES[action], person.username, after={"roles": [str(instance)]})
        return
    now = sorted(instance.groups.values_list("name", flat=True))
    moved = set(Group.objects.filter(pk__in=pk_set or ()).values_list("name", flat=True))
    before = {"post_add": sorted(set(now) - moved), "post_remove": sorted(set(now) | moved)}.get(
        action, getattr(instance, "kept_roles", [])
    )
    write(CHANGES[action], instance.username, {"roles": before}, {"roles": now})


@receiver(pre_save)
def _record_before(sender: Any, instance: Model, **_: Any) -> None:
    if isinstance(instance, Record):
        if connection.in_atomic_block:
            hold()
        kept = type(instance).objects.filter(pk=instance.pk).first() if instance.pk else None
        instance.kept_record = _told(kept) if kept else None


@receiver(post_save)
def _record_after(sender: Any, instance: Model, created: bool, **_: Any) -> None:
    if isinstance(instance, Record):
        before, after = getattr(instance, "kept_record", None) or {}, _told(instance)
        changed = {name: value for name, value in after.items() if created or before.get(name) != value}
        was = {name: before[name] for name in changed if name in before}
        _write_record("record-made" if created else "record-changed", instance, was or None, changed)


@receiver(pre_delete)
def _record_goes(sender: Any, instance: Model, **_: Any) -> None:
    if isinstance(instance, Record) and connection.in_atomic_block:
        hold()


@receiver(post_delete)
def _record_deleted(sender: Any, instance: Model, **_: Any) -> None:
    if isinstance(instance, Record):
        _write_record("record-deleted", instance, _told(instance), None)


def _write_record(action: str, record: Record, before: Any, after: Any) -> None:
    if record.because:
        after = (after or {}) | {"because": record.because}
    write(action, f"{record._meta.label} {record.pk}: {record}", before, after)


def _told(record: Record) -> dict[str, Any]:
    """The fields of a record, as JSON can tell them."""
    found = {field.attname: getattr(record, field.attname) for field in record._meta.concrete_fields}
    plain = (bool, int, float, str, NoneType)
    return {name: value if isinstance(value, plain) else _text(value) for name, value in found.items()}


def _text(value: Any) -> str:
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)
