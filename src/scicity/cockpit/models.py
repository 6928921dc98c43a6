"""People, what they did to access and records, and the logins that failed."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models, transaction
from django.utils import timezone

from scicity.cockpit import chain


class Person(AbstractUser):
    """Someone with an account; roles are groups (`roles.py`)."""

    must_change_password = models.BooleanField(default=False)
    enterprise = models.CharField(
        max_length=60,
        blank=True,
        help_text="企业角色只看到本企业的数据：企业登记表中的标识 · the enterprise (of the register) whose rows the role sees",
    )
    language = models.CharField(
        max_length=10,
        blank=True,
        choices=[("zh", "中文"), ("en", "English")],
        help_text="通知所用的语言；未选时为城区的首选语言 · the language of notices; the district's first where none is chosen",
    )

    class Meta(AbstractUser.Meta):
        verbose_name = "人员 · person"
        verbose_name_plural = "人员 · people"


class AuditHead(models.Model):
    """The newest entry of the audit trail: one row, whose lock makes writers follow one another: the chain never forks."""

    number = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default=chain.BEGINNING)

    def __str__(self) -> str:
        return f"{self.number} {self.digest}"

    @classmethod
    def held(cls) -> AuditHead:
        """The head, kept from all others until the transaction that is under way ends."""
        found = cls.objects.select_for_update().filter(pk=1).first()
        if found is None:
            cls.objects.get_or_create(pk=1)
            found = cls.objects.select_for_update().get(pk=1)
        return found


class WrittenOnce(models.QuerySet):  # type: ignore[type-arg]
    """Entries are written one by one, and stay as they are."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("entries of the audit trail are written one by one and never changed")

    update = delete = bulk_create = bulk_update = _refuse  # type: ignore[assignment]


class AuditEntry(models.Model):
    """Who did what, when, and how it was before and after. Entries are written once and never changed; each follows from the
    one before it (`chain.py`)."""

    number = models.BigIntegerField(unique=True, editable=False)
    at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="audit_entries")
    who_number = models.BigIntegerField(null=True, blank=True, editable=False)  # stays when the account goes
    who_name = models.CharField(max_length=150, blank=True, db_index=True)
    action = models.CharField(max_length=60, db_index=True)
    subject = models.CharField(max_length=200, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    previous = models.CharField(max_length=64, editable=False)
    digest = models.CharField(max_length=64, editable=False, unique=True)

    objects = WrittenOnce.as_manager()

    class Meta:
        ordering = ("-number",)
        verbose_name = "审计记录 · audit entry"
        verbose_name_plural = "审计记录 · audit trail"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.who_name}: {self.action} {self.subject}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Writes a new entry behind the newest. Raises ValueError for one that is already written."""
        if self.pk is not None:
            raise ValueError("an audit entry is never changed")
        self.who_number, self.before, self.after = self.who_id, chain.plain(self.before), chain.plain(self.after)
        self.who_name, self.subject = chain.clean(self.who_name)[:150], chain.clean(self.subject)[:200]
        with transaction.atomic():
            head = AuditHead.held()
            self.number, self.previous = head.number + 1, head.digest
            self.digest = chain.digest_of(self.__dict__, self.previous)
            super().save(force_insert=True)
            AuditHead.objects.filter(pk=head.pk).update(number=self.number, digest=self.digest)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises ValueError: an audit entry stays."""
        raise ValueError("an audit entry is never deleted")


class Device(models.Model):
    """Someone's device or gateway that may send readings: a secret of which only a digest is kept, and its own datastreams."""

    name = models.SlugField(max_length=60, unique=True)
    digest = models.CharField(max_length=64, editable=False)
    datastreams = models.TextField(
        help_text="一行一个数据流，* 表示任意字符 · a datastream a line, * stands for any characters"
    )
    made_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)
        verbose_name = "采集设备 · device"
        verbose_name_plural = "采集设备 · devices"

    def __str__(self) -> str:
        return self.name


class FailedLogin(models.Model):
    """One failed login; counted for a while to slow down guessing."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    username = models.CharField(max_length=150, db_index=True)
    address = models.CharField(max_length=64, db_index=True)

    class Meta:
        verbose_name = "登录失败 · failed login"
        verbose_name_plural = "登录失败 · failed logins"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.username}"
