"""What people decide of budgets and do with warnings; and who was told of a warning."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from scicity.domains.control.methods.alarm import ACTIONS
from scicity.domains.control.sources import HOLDERS, shares_of
from scicity.records.models import Record

LONGEST_SHELF = timedelta(days=92)
TIMED = ("shelve", "out_of_service")  # acts that end by themselves
DECISIONS = ("draft", "in_force", "withdrawn")


class Budget(Record):
    """What a scope may use or emit in a year. A draft binds nobody; one in force is changed with a reason, or withdrawn."""

    TABLE = "control.budget_decided"
    RIGHTS: ClassVar = {"officer": ("add", "change", "view"), "leader": ("view",)}

    scope_kind = models.CharField("主体类别 · kind of scope", max_length=20, choices=[(kind, kind) for kind in HOLDERS])
    scope = models.CharField("预算主体 · scope", max_length=120)
    budget_measure = models.CharField("指标 · measure", max_length=60)
    year = models.IntegerField("年 · year", validators=[MinValueValidator(1990), MaxValueValidator(2100)])
    budget = models.DecimalField(
        "预算 · budget", max_digits=18, decimal_places=6, validators=[MinValueValidator(0, "大于 0 · above 0")]
    )
    monthly_shares = models.CharField("逐月比例 · monthly shares", max_length=400, blank=True)
    reason = models.CharField("理由 · reason", max_length=1000)
    decision = models.CharField("状态 · state", max_length=20, choices=[(each, each) for each in DECISIONS], default="draft")

    class Meta:
        ordering = ("-year", "scope_kind", "scope", "budget_measure")
        verbose_name = "预算 · budget"
        verbose_name_plural = "预算 · budgets"
        constraints = (
            models.UniqueConstraint(fields=["scope_kind", "scope", "budget_measure", "year"], name="one_budget_of_a_year"),
        )

    def __str__(self) -> str:
        return f"{self.scope_kind} {self.scope} {self.budget_measure} {self.year}"

    def clean(self) -> None:
        """Raises ValidationError for a budget of nothing and for monthly shares that are no twelve numbers adding up to 1."""
        if self.budget is not None and self.budget <= 0:
            raise ValidationError({"budget": "大于 0 · above 0"})
        if self.monthly_shares:
            try:
                shares_of(self.monthly_shares)
            except ValueError:
                told = "十二个以空格分隔、合计为 1 的数 · twelve numbers with spaces between them that add up to 1"
                raise ValidationError({"monthly_shares": told}) from None


class WarningAct(Record):
    """What somebody did with a warning: acknowledged it, put it aside for a while, took it out of service, wrote a note.

    Written once; another act follows where something else is to hold. `warning` names the occurrence.
    """

    RIGHTS: ClassVar = {"officer": ("add", "view"), "data-officer": ("add", "view"), "leader": ("view",)}

    warning = models.CharField("预警 · warning", max_length=400, db_index=True)
    action = models.CharField("处置 · act", max_length=20, choices=[(each, each) for each in ACTIONS])
    at = models.DateTimeField("时间 · when")
    until = models.DateTimeField("至 · until", null=True, blank=True)
    words = models.CharField("说明 · what was done", max_length=1000, blank=True)
    who = models.CharField("何人 · who", max_length=150)

    class Meta:
        ordering = ("at", "pk")
        verbose_name = "预警处置 · act on a warning"
        verbose_name_plural = "预警处置 · acts on warnings"

    def __str__(self) -> str:
        return f"{self.action} {self.warning}"

    def clean(self) -> None:
        """Raises ValidationError for a note without words, and for acts that need an end and have none that can be."""
        if self.action == "note" and not self.words.strip():
            raise ValidationError({"words": "请写明做了什么 · say what was done"})
        if self.action in TIMED:
            if self.until is None or not self.at < self.until <= self.at + LONGEST_SHELF:
                told = f"此后 {LONGEST_SHELF.days} 天之内的时刻 · a time within {LONGEST_SHELF.days} days"
                raise ValidationError({"until": told})
        elif self.until is not None:
            raise ValidationError({"until": "此类处置没有期限 · this act has no end"})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps a new act. Raises ValueError for one that is kept already."""
        if self.pk is not None:
            raise ValueError("an act on a warning is never changed; another one follows it")
        super().save(*args, **kwargs)


class Told(models.Model):
    """That a role was told of an occurrence of a warning, and when: once, whatever runs twice or starts anew."""

    warning = models.CharField(max_length=400)
    role = models.CharField(max_length=60)
    at = models.DateTimeField()

    class Meta:
        verbose_name = "预警知会 · told of a warning"
        verbose_name_plural = "预警知会 · told of warnings"
        constraints = (models.UniqueConstraint(fields=["warning", "role"], name="told_once"),)
        indexes = (models.Index(fields=["role", "-at"], name="told_by_role"),)

    def __str__(self) -> str:
        return f"{self.role}: {self.warning}"
