"""What people enter and decide of indicators: values by hand, who owes for which body, revisions, and own assessments."""

from __future__ import annotations

import math
import re
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from scicity.domains.indicators.framework import ISSUES
from scicity.domains.indicators.membership import PURPOSES
from scicity.domains.indicators.methods import revision as rules
from scicity.records.models import Record

WHOLE = "district"
SHORT = RegexValidator(r"^[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?$", "a-z、0-9、- 组成的短名 · a short name of a-z, 0-9 and -")
PERIOD = re.compile(r"(?P<year>(?:19|20|21)[0-9]{2})(?:-(?:H[12]|Q[1-4]|0[1-9]|1[0-2]))?")
LEVELS = 5
STANDARDS = ("iso37101", "iso37108")


def _finite(number: float | None) -> bool:
    return number is not None and math.isfinite(number)


class ManualValue(Record):
    """A value that the body which owes it entered, of a year or a part of one; changed with a reason, never deleted."""

    TABLE = "indicators.manual_value"
    RIGHTS: ClassVar = {
        "data-owner": ("add", "change", "view"),
        "officer": ("add", "change", "view"),
        "data-officer": ("add", "change", "view"),
        "leader": ("view",),
        "authority": ("view",),
    }

    indicator = models.CharField("指标 · indicator", max_length=80, validators=[SHORT])
    zone = models.CharField("分区 · zone", max_length=60, default=WHOLE)
    year = models.IntegerField("年 · year", validators=[MinValueValidator(1900), MaxValueValidator(2199)])
    duty_period = models.CharField("报送期 · period", max_length=10)
    value = models.FloatField("数值 · value")
    document = models.CharField("依据文件 · document", max_length=400)
    responsible_zh = models.CharField("责任单位 · responsible body", max_length=200)
    reason = models.CharField("理由 · reason", max_length=1000, blank=True)
    who = models.CharField("录入人 · who", max_length=150)

    class Meta:
        ordering = ("indicator", "zone", "duty_period")
        verbose_name = "人工录入值 · value entered"
        verbose_name_plural = "人工录入值 · values entered"
        constraints = (models.UniqueConstraint(fields=["indicator", "zone", "duty_period"], name="one_value_of_a_period"),)

    def __str__(self) -> str:
        return f"{self.indicator} {self.zone} {self.duty_period}"

    def clean(self) -> None:
        """Raises ValidationError for a period that is none, a value that is no number, a change without why."""
        found = PERIOD.fullmatch(self.duty_period or "")
        if found is None or int(found["year"]) != self.year:
            raise ValidationError({"duty_period": "例如 · such as 2024, 2024-H1, 2024-Q3, 2024-05"})
        if not _finite(self.value):
            raise ValidationError({"value": "应为数字 · a number"})
        if self.pk is not None and not self.reason.strip():
            raise ValidationError({"reason": "改动须写明理由 · a change needs its reason"})


class DutyHolder(Record):
    """That somebody enters values for a body; who that is stays out of the lake."""

    RIGHTS: ClassVar = {"officer": ("add", "delete", "view"), "data-officer": ("add", "delete", "view"), "leader": ("view",)}

    who = models.CharField("人员 · account", max_length=150)
    responsible_zh = models.CharField("责任单位 · responsible body", max_length=200)

    class Meta:
        ordering = ("responsible_zh", "who")
        verbose_name = "数据责任人 · data owner of a body"
        verbose_name_plural = "数据责任人 · data owners of bodies"
        constraints = (models.UniqueConstraint(fields=["who", "responsible_zh"], name="one_holder_of_a_body"),)

    def __str__(self) -> str:
        return f"{self.who}: {self.responsible_zh}"


class Revision(Record):
    """A revision of an indicator system on its way: proposed, consulted on, adopted or rejected, or withdrawn."""

    TABLE = "indicators.revision"
    RIGHTS: ClassVar = {
        "officer": ("add", "change", "view"),
        "authority": ("decide", "view"),
        "leader": ("decide", "view"),
        "expert": ("view",),
        "reviewer": ("view",),
    }

    proposal_title = models.CharField("标题 · title", max_length=200)
    framework = models.CharField("指标体系 · framework", max_length=80, validators=[SHORT])
    edition = models.CharField("新版本 · new edition", max_length=80, validators=[SHORT])
    revision_stage = models.CharField(
        "阶段 · stage", max_length=20, choices=[(each, each) for each in rules.STAGES], default="proposed"
    )
    document = models.CharField("文件 · document", max_length=400)
    consulted_from = models.DateField("征求意见起 · consulted from", null=True, blank=True)
    consulted_to = models.DateField("征求意见止 · consulted to", null=True, blank=True)
    decided_on = models.DateField("决定日期 · decided on", null=True, blank=True)
    effective_on = models.DateField("施行日期 · effective on", null=True, blank=True)
    reason = models.CharField("理由 · reason", max_length=1000, blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name = "指标体系修订 · revision"
        verbose_name_plural = "指标体系修订 · revisions"
        permissions = (("decide_revision", "Can decide on a revision"),)
        constraints = (models.UniqueConstraint(fields=["framework", "edition"], name="one_revision_of_an_edition"),)

    def __str__(self) -> str:
        return f"{self.proposal} {self.framework} {self.edition} {self.revision_stage}"

    @property
    def proposal(self) -> str:
        """The number of the revision as tables name it."""
        return f"r{self.pk}"

    @property
    def open(self) -> bool:
        """Whether it is on its way still."""
        return self.revision_stage in rules.NEXT

    def clean(self) -> None:
        """Raises ValidationError for a step that may not follow what is kept, or lacks its days or reason."""
        kept = type(self).objects.filter(pk=self.pk).values_list("revision_stage", flat=True).first() if self.pk else None
        found = rules.faults(
            kept,
            self.revision_stage,
            self.consulted_from,
            self.consulted_to,
            self.decided_on,
            self.effective_on,
            self.reason,
        )
        names = {"stage": "revision_stage", "valid_from": "effective_on"}
        if found:
            raise ValidationError({names.get(name, name): f"应为 · expected: {told}" for name, told in found.items()})

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises ValueError: a revision is withdrawn, not deleted."""
        raise ValueError("a revision is withdrawn, never deleted")


class RevisionItem(Record):
    """One change that a revision asks for, while it is on its way."""

    TABLE = "indicators.revision_item"
    RIGHTS: ClassVar = {"officer": ("add", "delete", "view"), "authority": ("view",), "leader": ("view",)}

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="items")
    indicator = models.CharField("指标 · indicator", max_length=80, validators=[SHORT])
    zone = models.CharField("分区 · zone", max_length=60, default=WHOLE)
    year = models.IntegerField("目标年 · target year", validators=[MinValueValidator(0), MaxValueValidator(2199)])
    revision_change = models.CharField("修订内容 · change", max_length=20, choices=[(each, each) for each in rules.CHANGES])
    value = models.FloatField("目标值 · target", null=True, blank=True)
    value_high = models.FloatField("上限 · upper end", null=True, blank=True)
    revision_words = models.CharField("说明 · words", max_length=1000, blank=True)

    class Meta:
        ordering = ("pk",)
        verbose_name = "修订内容 · change proposed"
        verbose_name_plural = "修订内容 · changes proposed"
        constraints = (
            models.UniqueConstraint(fields=["revision", "indicator", "zone", "year"], name="one_change_of_an_indicator"),
        )

    def __str__(self) -> str:
        return f"{self.proposal} {self.indicator} {self.year} {self.revision_change}"

    @property
    def proposal(self) -> str:
        """The number of its revision."""
        return f"r{self.revision_id}"

    def clean(self) -> None:
        """Raises ValidationError for a target without a number or year, words that are missing, and what is decided already."""
        if self.revision_id and not Revision.objects.get(pk=self.revision_id).open:
            raise ValidationError("已决定或撤回的修订不再改动 · a revision that is decided or withdrawn is not changed")
        targets = self.revision_change in ("target", "target_withdrawn")
        if targets != bool(self.year):
            raise ValidationError({"year": "目标须有年份，其他修订为 0 · a target has a year, other changes 0"})
        if self.revision_change == "target" and (
            self.value is None or self.value != self.value or abs(self.value) == float("inf")
        ):
            raise ValidationError({"value": "应为数字 · a number"})
        if self.revision_change in ("added", "definition") and not self.revision_words.strip():
            raise ValidationError({"revision_words": "请写明定义 · say the definition"})

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Takes a change back. Raises ValueError where the revision is decided or withdrawn."""
        if not self.revision.open:
            raise ValueError("a revision that is decided or withdrawn is not changed")
        return super().delete(*args, **kwargs)


class RevisionComment(Record):
    """What somebody said of a revision: seen by the district's staff alone, unless it is open. Written once."""

    RIGHTS: ClassVar = {
        "officer": ("add", "view"),
        "authority": ("add", "view"),
        "leader": ("add", "view"),
        "expert": ("add",),
        "reviewer": ("add", "view"),
        "enterprise": ("add",),
        "resident": ("add",),
    }

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="comments")
    who = models.CharField("何人 · who", max_length=150)
    words = models.CharField("意见 · comment", max_length=2000)
    private = models.BooleanField("仅工作人员可见 · for staff alone", default=True)

    class Meta:
        ordering = ("pk",)
        verbose_name = "修订意见 · comment on a revision"
        verbose_name_plural = "修订意见 · comments on revisions"

    def __str__(self) -> str:
        return f"r{self.revision_id} {self.who}"

    def clean(self) -> None:
        """Raises ValidationError for an empty comment, and for one on what is decided already."""
        if not self.words.strip():
            raise ValidationError({"words": "请写明意见 · say something"})
        if self.revision_id and not Revision.objects.get(pk=self.revision_id).open:
            raise ValidationError("已决定或撤回 · it is decided or withdrawn")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps a new comment. Raises ValueError for one that is kept already."""
        if self.pk is not None:
            raise ValueError("a comment is never changed")
        super().save(*args, **kwargs)


class Maturity(Record):
    """How far an issue is managed for a purpose, by the district's own assessment."""

    TABLE = "indicators.maturity"
    RIGHTS: ClassVar = {"officer": ("add", "change", "view"), "leader": ("view",), "authority": ("view",)}

    crosswalk_scheme = models.CharField("标准 · standard", max_length=20, choices=[(each, each) for each in STANDARDS])
    iso37101_purpose = models.CharField("目的 · purpose", max_length=60, choices=[(each, each) for each in PURPOSES])
    iso37101_issue = models.CharField("议题 · issue", max_length=60, choices=[(each, each) for each in ISSUES])
    maturity = models.IntegerField("成熟度 · maturity", validators=[MinValueValidator(1), MaxValueValidator(LEVELS)])
    maturity_words = models.CharField("依据 · what it rests on", max_length=1000)
    assessed_on = models.DateField("评定日期 · assessed on")

    class Meta:
        ordering = ("crosswalk_scheme", "iso37101_purpose", "iso37101_issue")
        verbose_name = "成熟度自评 · own assessment"
        verbose_name_plural = "成熟度自评 · own assessments"
        constraints = (
            models.UniqueConstraint(
                fields=["crosswalk_scheme", "iso37101_purpose", "iso37101_issue"], name="one_maturity_of_a_cell"
            ),
        )

    def __str__(self) -> str:
        return f"{self.crosswalk_scheme} {self.iso37101_purpose}/{self.iso37101_issue}: {self.maturity}"
