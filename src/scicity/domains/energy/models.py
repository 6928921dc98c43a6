"""What people enter of energy: virtual meters."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from scicity.domains.energy.methods import formulas
from scicity.domains.energy.virtual import CARRIERS
from scicity.records.models import Record

NAME = RegexValidator(
    r"\A[A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*\Z",
    "字母、数字、_ . -，以字母开头 · letters, digits, _ . -, a letter first",
)


class VirtualMeter(Record):
    """A meter that is a formula of others, from one day up to another. Whether it may name them the register of meters tells,
    when it is entered and ever after (`energy.virtual_in_force`)."""

    TABLE = "energy.virtual_entered"
    RIGHTS: ClassVar = {
        "officer": ("add", "change", "delete", "view"),
        "enterprise": ("add", "change", "delete", "view"),
        "leader": ("view",),
    }

    meter = models.CharField("虚拟表编号 · meter", max_length=120, validators=[NAME])
    name_zh = models.CharField("中文名称 · name in Chinese", max_length=200)
    name_en = models.CharField("英文名称 · name in English", max_length=200)
    meter_formula = models.CharField("公式 · formula", max_length=formulas.LONGEST)
    carrier = models.CharField("能源 · carrier", max_length=40, choices=[(each, each) for each in CARRIERS])
    building = models.CharField("建筑 · building", max_length=120, blank=True)
    enterprise = models.CharField("企业 · enterprise", max_length=120, blank=True)
    valid_from = models.DateTimeField("开始 · from")
    valid_to = models.DateTimeField("结束（不含） · until", null=True, blank=True)

    class Meta:
        ordering = ("meter", "valid_from")
        verbose_name = "虚拟表 · virtual meter"
        verbose_name_plural = "虚拟表 · virtual meters"
        constraints = (models.UniqueConstraint(fields=["meter", "valid_from"], name="one_formula_of_a_meter_at_a_time"),)

    def __str__(self) -> str:
        return f"{self.meter} = {self.meter_formula[:80]}"

    def clean(self) -> None:
        """Raises ValidationError for a formula that cannot be read, and a time that ends before it begins or is another's."""
        told: dict[str, Any] = {}
        try:
            formulas.parsed(self.meter_formula)
        except formulas.FormulaError as error:
            told["meter_formula"] = (
                f"第 {error.at} 个字符有误 · at character {error.at}: found {error.found[:80]}, expected {error.expected}"
            )
        if self.valid_from is not None:
            if self.valid_to is not None and self.valid_to <= self.valid_from:
                told["valid_to"] = "应晚于开始 · behind the beginning"
            others = VirtualMeter.objects.filter(meter=self.meter).exclude(pk=self.pk)
            before = others if self.valid_to is None else others.filter(valid_from__lt=self.valid_to)
            if before.filter(models.Q(valid_to=None) | models.Q(valid_to__gt=self.valid_from)).exists():
                told["valid_from"] = "与已有公式的时段重叠 · within the time of another formula of this meter"
            if others.exclude(enterprise=self.enterprise).exists():
                told["meter"] = "编号已被占用 · the name is taken"
        if told:
            raise ValidationError(told)
