"""What people enter of data sheets: an item met or not, or its points, with the document that shows it."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from scicity.records.models import Record

MOST_POINTS = Decimal(10_000)


class SheetEntry(Record):
    """What somebody entered of an item of a data sheet; it goes before the register. Changed with a reason, never deleted."""

    TABLE = "buildings.sheet_entered"
    RIGHTS: ClassVar = {
        "reviewer": ("add", "change", "view"),
        "officer": ("add", "change", "view"),
        "leader": ("view",),
        "authority": ("view",),
    }

    sheet = models.CharField("评分表 · data sheet", max_length=80)
    score_item = models.CharField("条文 · item", max_length=80)
    met = models.BooleanField("满足 · met", null=True, blank=True)
    points = models.DecimalField(
        "得分 · points",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(MOST_POINTS)],
    )
    document = models.CharField("依据文件 · document", max_length=400)
    reason = models.CharField("理由 · reason", max_length=1000, blank=True)
    who = models.CharField("录入人 · who", max_length=150)

    class Meta:
        ordering = ("sheet", "score_item")
        verbose_name = "评分表填报 · entry of a data sheet"
        verbose_name_plural = "评分表填报 · entries of data sheets"
        constraints = (models.UniqueConstraint(fields=["sheet", "score_item"], name="one_entry_of_an_item"),)

    def __str__(self) -> str:
        return f"{self.sheet} {self.score_item}"

    def clean(self) -> None:
        """Raises ValidationError for an entry that says both or nothing, and for a change without why."""
        if (self.met is None) == (self.points is None):
            raise ValidationError({"points": "满足与否或得分，二者居其一 · met or not, or points: one of both"})
        if self.pk is not None and not self.reason.strip():
            raise ValidationError({"reason": "改动须写明理由 · a change needs its reason"})
