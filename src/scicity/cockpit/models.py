"""People, what they did to access and records, and the logins that failed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models


class Person(AbstractUser):
    """Someone with an account; roles are groups (`roles.py`)."""

    must_change_password = models.BooleanField(default=False)
    enterprise = models.CharField(
        max_length=60,
        blank=True,
        help_text="企业角色只看到本企业的数据：企业登记表中的标识 · the enterprise (of the register) whose rows the role sees",
    )

    class Meta(AbstractUser.Meta):
        verbose_name = "人员 · person"
        verbose_name_plural = "人员 · people"


class AuditEntry(models.Model):
    """Who did what, when, and how it was before and after. Entries are written once and never changed."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="audit_entries")
    who_name = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=60, db_index=True)
    subject = models.CharField(max_length=200, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        ordering = ("-at", "-id")
        verbose_name = "审计记录 · audit entry"
        verbose_name_plural = "审计记录 · audit trail"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.who_name}: {self.action} {self.subject}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Writes a new entry. Raises ValueError for one that is already written."""
        if self.pk is not None:
            raise ValueError("an audit entry is never changed")
        super().save(*args, **kwargs)

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
