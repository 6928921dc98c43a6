"""What people record of annual reports: versions of the template, and the acts by which a report is closed or reopened."""

from __future__ import annotations

import gzip
import zlib
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from scicity.records.models import Record
from scicity.reports.annual.parts import digest_of
from scicity.reports.annual.template import LARGEST, read

LANGUAGES = ("zh", "en")
DECISIONS = ("draft", "in_force")
ACTIONS = ("closed", "reopened")


class WrittenOnce(Record):
    """A record that is never changed nor deleted: what follows is a record of its own."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps a new record. Raises ValueError for one that is kept already."""
        if self.pk is not None:
            raise ValueError("this record is written once")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises ValueError: the record stays."""
        raise ValueError("this record stays")


class ReportTemplate(WrittenOnce):
    """A version of the template of a language. The newest one in force counts; without any, the file of the district."""

    RIGHTS: ClassVar = {
        "officer": ("add", "view"),
        "data-officer": ("add", "view"),
        "authority": ("add", "view"),
        "leader": ("view",),
    }

    language = models.CharField("语言 · language", max_length=2, choices=[(each, each) for each in LANGUAGES])
    number = models.PositiveIntegerField("版本 · version")
    text = models.TextField("正文 · text", max_length=LARGEST)
    decision = models.CharField("状态 · state", max_length=20, choices=[(each, each) for each in DECISIONS])
    words = models.CharField("说明 · what was changed", max_length=400)
    who = models.CharField("何人 · who", max_length=150)

    class Meta:
        ordering = ("language", "-number")
        verbose_name = "年报模板 · template of the annual report"
        verbose_name_plural = "年报模板 · templates of the annual report"
        constraints = (models.UniqueConstraint(fields=["language", "number"], name="one_version_of_a_template"),)

    def __str__(self) -> str:
        return f"{self.language} {self.number} ({self.decision})"

    def clean(self) -> None:
        """Raises ValidationError for a text that cannot be read as a template, with the first fault."""
        faults = read(self.text).faults
        if faults:
            told = f"{faults[0].line}: {faults[0].expected[0]} · {faults[0].expected[1]}"
            raise ValidationError({"text": told})


class ReportClosing(WrittenOnce):
    """A signed act: the report of a year was closed, or opened again. `documents` are the digests of what was closed.

    `previous` is the digest of the act before it, so that none is taken out unnoticed.
    """

    RIGHTS: ClassVar = {
        "leader": ("add", "view"),
        "authority": ("add", "view"),
        "officer": ("view",),
        "data-officer": ("view",),
    }

    action = models.CharField("行为 · act", max_length=20, choices=[(each, each) for each in ACTIONS])
    year = models.PositiveIntegerField("年 · year", validators=[MinValueValidator(1990), MaxValueValidator(2100)])
    at = models.DateTimeField("时间 · when")
    who = models.CharField("何人 · who", max_length=150)
    reason = models.CharField("理由 · reason", max_length=1000)
    documents = models.JSONField("文件摘要 · digests of the documents", default=dict, blank=True)
    templates = models.JSONField("模板 · templates", default=dict, blank=True)
    tables = models.JSONField("数据表版本 · versions of tables", default=dict, blank=True)
    figures = models.PositiveIntegerField("数值个数 · numbers", default=0)
    previous = models.CharField("前一记录的摘要 · digest of the act before", max_length=64, blank=True)
    digest = models.CharField("摘要 · digest", max_length=64)

    class Meta:
        ordering = ("-id",)
        verbose_name = "年报关闭 · closing of an annual report"
        verbose_name_plural = "年报关闭 · closings of annual reports"

    def __str__(self) -> str:
        return f"{self.year} {self.action} {self.digest[:12]}"

    def told(self) -> str:
        """What the digest is of."""
        parts = (self.action, self.year, self.at.isoformat(), self.who, self.reason, self.previous, self.figures)
        maps = (self.documents, self.templates, self.tables)
        return repr((*parts, *(sorted(each.items()) for each in maps)))

    def sealed(self) -> str:
        """The digest of the act as it stands."""
        return digest_of(self.told().encode())


class ReportContent(models.Model):
    """A document or template that was closed, by its digest; kept once, whoever closes it how often."""

    digest = models.CharField(max_length=64, primary_key=True)
    packed = models.BinaryField()

    class Meta:
        verbose_name = "年报内容 · content of an annual report"

    def __str__(self) -> str:
        return self.digest[:12]

    @classmethod
    def keep(cls, content: bytes) -> str:
        """Keeps bytes; their digest."""
        digest = digest_of(content)
        cls.objects.get_or_create(digest=digest, defaults={"packed": gzip.compress(content, mtime=0)})
        return digest

    @classmethod
    def fetch(cls, digest: str) -> bytes:
        """The bytes of a digest. Raises LookupError where they are missing or were changed."""
        found = cls.objects.filter(digest=digest).first()
        try:
            content = gzip.decompress(bytes(found.packed)) if found is not None else None
        except (OSError, EOFError, zlib.error):
            content = None
        if content is None or digest_of(content) != digest:
            raise LookupError(f"the content {digest[:12]} is missing or was changed")
        return content
