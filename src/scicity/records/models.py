"""The base of a domain's records, and the outbox that tells which tables are due to be published.

A domain declares `recorded("control.budget", columns=…, grain=…)` in its tables, and in its `models.py` a model
`Budget(Record)` with this `TABLE`; each record is a row of the table, its columns the attributes of the same names. A save
or deletion and its entry in the outbox are one transaction: the lake learns of every change that was kept, and of no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

from django.db import models, transaction
from django.db.models import F

from scicity.kernel.computing import Computing


class Due(models.Model):
    """A table of records: how often they were changed, and up to which change the lake has them."""

    table = models.CharField(max_length=120, primary_key=True)
    changed = models.BigIntegerField(default=0)
    published = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.table}: {self.published} of {self.changed}"

    @classmethod
    def note(cls, table: str) -> None:
        """Notes a change; within the transaction of the change itself."""
        cls.objects.get_or_create(table=table)
        cls.objects.filter(table=table).update(changed=F("changed") + 1)


class OneByOne(models.QuerySet):  # type: ignore[type-arg]
    """Records are saved one by one, so that each is checked, published and in the audit trail."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("records are saved one by one, so that each is checked, published and in the audit trail")

    update = bulk_create = bulk_update = _refuse  # type: ignore[assignment]

    def delete(self) -> tuple[int, dict[str, int]]:
        """Deletes one by one."""
        with transaction.atomic():
            return sum(record.delete()[0] for record in self), {}


class Record(models.Model):
    """What somebody entered or decided. `because` is why it was changed this time; it stands in the audit trail.

    `RIGHTS` says what the roles may do with it at first (`add`, `change`, `delete`, `view`); administrators can change that.
    """

    TABLE: ClassVar[str] = ""
    RIGHTS: ClassVar[Mapping[str, tuple[str, ...]]] = {"officer": ("add", "change", "delete", "view"), "leader": ("view",)}

    entered_at = models.DateTimeField(auto_now=True, editable=False)
    because: str = ""

    objects = OneByOne.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Checks and keeps the record, and notes that its table is due. Raises ValidationError and keeps nothing then."""
        with transaction.atomic():
            self.full_clean()
            super().save(*args, **kwargs)
            self._note()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Deletes the record, and notes that its table is due."""
        with transaction.atomic():
            done = super().delete(*args, **kwargs)
            self._note()
            return done

    def row(self, columns: tuple[str, ...]) -> dict[str, Any]:
        """The record as a row of its table; empty text is null."""
        found = {column: getattr(self, column) for column in columns}
        return {column: None if value == "" else value for column, value in found.items()}

    @classmethod
    def laid_over(cls, computing: Computing) -> list[str]:
        """Called when the lake has the table of these records as they are; which other tables that changed."""
        return []

    def _note(self) -> None:
        if self.TABLE:
            Due.note(self.TABLE)
