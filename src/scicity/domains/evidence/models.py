"""What people decide of findings, and the drafts of reports that they keep."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models

from scicity.records.models import Record

SETTLEMENTS = ("accepted", "correction", "note", "reopened")
SETTLED = ("accepted", "correction", "note")
LONGEST_FINDING = 1_000  # characters of its name
LONGEST_DRAFT = 2 << 20  # bytes of a draft's statements


class Settlement(Record):
    """What was decided of a finding: the reading is accepted, a correction was asked for, a note; or it was opened again.

    It holds while the statements say what they said then (`claims_digest`); what went before stands in the audit trail.
    """

    TABLE = "evidence.settlement"
    RIGHTS: ClassVar = {
        "officer": ("add", "change", "view"),
        "data-officer": ("add", "change", "view"),
        "reviewer": ("add", "change", "view"),
        "leader": ("view",),
    }

    finding = models.CharField("核查发现 · finding", max_length=LONGEST_FINDING, db_index=True)
    claims_digest = models.CharField("陈述摘要 · digest of statements", max_length=16)
    settlement = models.CharField("结论 · settlement", max_length=20, choices=[(each, each) for each in SETTLEMENTS])
    note = models.CharField("说明 · note", max_length=1000, blank=True)
    who = models.CharField("何人 · who", max_length=150)

    class Meta:
        ordering = ("finding", "pk")
        verbose_name = "核查结论 · settlement"
        verbose_name_plural = "核查结论 · settlements"
        constraints = (models.UniqueConstraint(fields=["finding", "claims_digest"], name="one_settlement"),)

    def __str__(self) -> str:
        return f"{self.settlement} {self.finding}"

    def clean(self) -> None:
        """Raises ValidationError for a settlement without words: each says why."""
        if not self.note.strip():
            raise ValidationError({"note": "请写明理由 · say why"})


class Draft(Record):
    """The statements of a draft that somebody wants to keep; they are checked anew whenever they are looked at."""

    RIGHTS: ClassVar = {
        "officer": ("add", "delete", "view"),
        "data-officer": ("add", "delete", "view"),
        "reviewer": ("add", "delete", "view"),
    }

    name = models.CharField("名称 · name", max_length=120)
    content = models.TextField("陈述 · statements", max_length=LONGEST_DRAFT)
    text = models.TextField("正文 · text", max_length=LONGEST_DRAFT, blank=True)
    who = models.CharField("何人 · who", max_length=150)

    class Meta:
        ordering = ("-entered_at", "pk")
        verbose_name = "报告草稿 · draft"
        verbose_name_plural = "报告草稿 · drafts"

    def __str__(self) -> str:
        return self.name
