"""Documents, their versions, and uploads that are under way."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from scicity.documents.naming import KIND, LONGEST_NAME, LONGEST_TITLE, SUBJECT
from scicity.records.models import Record

STATES = (("current", "有效 · current"), ("withdrawn", "已撤回 · withdrawn"))

subject_form = RegexValidator(rf"\A{SUBJECT}\Z", "形如 reviews.case:12 · of the form reviews.case:12")
kind_form = RegexValidator(rf"\A{KIND}\Z", "小写字母、数字和连字符 · small letters, digits, hyphens")


class Document(Record):
    """A document that belongs to a subject; its content stands in its versions."""

    RIGHTS: ClassVar = {}  # the domain that owns the subject says who may, one by one

    subject = models.CharField("归属 · subject", max_length=190, validators=[subject_form])
    kind = models.CharField("类别 · kind", max_length=60, validators=[kind_form])
    title = models.CharField("标题 · title", max_length=LONGEST_TITLE)
    state = models.CharField("状态 · state", max_length=20, choices=STATES, default="current")
    made_at = models.DateTimeField("建立 · made", auto_now_add=True)

    class Meta:
        ordering = ("subject", "kind", "pk")
        verbose_name = "文件 · document"
        verbose_name_plural = "文件 · documents"
        indexes = (models.Index(fields=["subject", "kind"], name="documents_of_a_subject"),)

    def __str__(self) -> str:
        return f"{self.subject} {self.title}"

    @property
    def latest(self) -> Version | None:
        """The newest version."""
        return self.versions.order_by("-number").first()


class Version(Record):
    """One content of a document: written once, never changed. The content lies by its SHA-256 below the state folder."""

    RIGHTS: ClassVar = {}

    document = models.ForeignKey(Document, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField("版本 · version")
    name = models.CharField("文件名 · file name", max_length=LONGEST_NAME)
    media_type = models.CharField("类型 · type", max_length=120)
    size = models.PositiveBigIntegerField("大小 · size [bytes]")
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    note = models.CharField("说明 · note", max_length=1000, blank=True)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    who_name = models.CharField("何人 · who", max_length=150, blank=True)
    at = models.DateTimeField("时间 · when")

    class Meta:
        ordering = ("document", "number")
        verbose_name = "文件版本 · version of a document"
        verbose_name_plural = "文件版本 · versions of documents"
        constraints = (models.UniqueConstraint(fields=["document", "number"], name="one_version_of_a_number"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps a new version. Raises ValueError for one that is kept already."""
        if self.pk is not None:
            raise ValueError("a version of a document is never changed; another one follows it")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises ValueError: a version stays."""
        raise ValueError("a version of a document is never deleted")


class Upload(models.Model):
    """A file that comes in pieces: how much of it is on stable storage. What it is to become is checked again at its end."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    subject = models.CharField(max_length=190, validators=[subject_form])
    kind = models.CharField(max_length=60, validators=[kind_form])
    title = models.CharField(max_length=LONGEST_TITLE)
    note = models.CharField(max_length=1000, blank=True)
    document = models.ForeignKey(Document, models.CASCADE, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=LONGEST_NAME)
    length = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)  # as the sender announced it
    begun_at = models.DateTimeField()
    until = models.DateTimeField(db_index=True)
    version = models.ForeignKey(Version, models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = "上传 · upload"
        verbose_name_plural = "上传 · uploads"
        indexes = (models.Index(fields=["who", "until"], name="uploads_of_a_person"),)

    def __str__(self) -> str:
        return f"{self.id}: {self.offset} of {self.length}"

    def expired(self, now: datetime) -> bool:
        """Whether it was not brought to its end in time."""
        return self.version_id is None and now >= self.until
