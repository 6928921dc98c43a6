"""The records of planning: what was observed of targets, and what was decided of conflicts between plans."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Max

from scicity.records.models import Record

PROPOSED, AGREED, DISMISSED, REOPENED = "proposed", "agreed", "dismissed", "reopened"
ACTS = (PROPOSED, AGREED, DISMISSED, REOPENED)
# After which act (None: none so far) another one may follow.
FOLLOWS: dict[str | None, tuple[str, ...]] = {
    None: (PROPOSED, DISMISSED),
    PROPOSED: (PROPOSED, AGREED, DISMISSED),
    AGREED: (REOPENED,),
    DISMISSED: (REOPENED,),
    REOPENED: (PROPOSED, DISMISSED),
}
LONGEST = 1_000


class Observation(Record):
    """What was seen of a target of a plan on a day. One of a day; it is changed with a reason."""

    TABLE = "planning.observation"
    RIGHTS: ClassVar = {"officer": ("add", "change", "view"), "authority": ("add", "change", "view"), "leader": ("view",)}

    plan = models.CharField("规划 · plan", max_length=120)
    plan_target = models.CharField("目标 · target", max_length=120)
    observed_on = models.DateField("监测日期 · observed on")
    value = models.FloatField("数值 · value")
    note = models.CharField("说明 · note", max_length=LONGEST, blank=True)

    class Meta:
        ordering = ("plan", "plan_target", "-observed_on")
        verbose_name = "规划监测 · observation of a plan"
        verbose_name_plural = "规划监测 · observations of plans"
        constraints = (
            models.UniqueConstraint(
                fields=["plan", "plan_target", "observed_on"],
                name="one_observation_of_a_day",
                violation_error_message="当日已有监测值 · there is a value of this day already",
            ),
        )

    def __str__(self) -> str:
        return f"{self.plan} {self.plan_target} {self.observed_on}"

    def clean(self) -> None:
        """Raises ValidationError for what is no number."""
        if self.value is not None and not abs(self.value) < float("inf"):
            raise ValidationError({"value": "应为有限数 · a finite number"})


class Resolution(Record):
    """An act on a conflict: proposed, agreed, dismissed, reopened, with its reason. Written once; another act follows.

    `place` is the conflict's shape then (WKB, hexadecimal), by which a later edition's conflict is known again.
    """

    TABLE = "planning.resolution"
    RIGHTS: ClassVar = {"officer": ("add", "view"), "authority": ("add", "view"), "leader": ("view",)}

    conflict = models.CharField("冲突 · conflict", max_length=40, db_index=True)
    act_number = models.PositiveIntegerField()
    plan = models.CharField(max_length=120)
    against = models.CharField(max_length=160)
    resolution_act = models.CharField("处置 · act", max_length=20, choices=[(each, each) for each in ACTS])
    reason = models.CharField("理由 · reason", max_length=LONGEST)
    decided_on = models.DateField()
    restricted_to = models.CharField(max_length=400, blank=True)
    place = models.TextField(blank=True)
    who = models.CharField(max_length=150)

    class Meta:
        ordering = ("conflict", "act_number")
        verbose_name = "冲突处置 · act on a conflict"
        verbose_name_plural = "冲突处置 · acts on conflicts"
        constraints = (models.UniqueConstraint(fields=["conflict", "act_number"], name="one_act_on_a_conflict_of_a_number"),)

    def __str__(self) -> str:
        return f"{self.conflict} {self.act_number} {self.resolution_act}"

    @property
    def geometry(self) -> bytes | None:
        """Where the conflict was then."""
        return bytes.fromhex(self.place) if self.place else None

    def clean(self) -> None:
        """Raises ValidationError for an act that cannot follow the last one, or that agrees to one's own proposal."""
        last = Resolution.objects.filter(conflict=self.conflict, act_number__lt=self.act_number or 0).last()
        if self.resolution_act not in FOLLOWS[last.resolution_act if last else None]:
            told = "此时不能如此处置 · this act cannot follow the last one"
            raise ValidationError({"resolution_act": told})
        if self.resolution_act == AGREED and last is not None and last.who == self.who:
            told = "同意须由提议人以外的人作出 · who proposed does not agree"
            raise ValidationError({"resolution_act": told})
        if not self.reason.strip():
            raise ValidationError({"reason": "请写明理由 · say why"})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps a new act with the number that follows. Raises ValueError for one that is kept already."""
        if self.pk is not None:
            raise ValueError("an act on a conflict is never changed; another one follows it")
        newest = Resolution.objects.filter(conflict=self.conflict).aggregate(last=Max("act_number"))["last"]
        self.act_number = (newest or 0) + 1
        super().save(*args, **kwargs)
