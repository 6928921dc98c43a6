"""What people enter of certificates on the page: acts of the ledger."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from scicity.domains.carbon.certificates import PERIOD_OF_USE
from scicity.domains.carbon.methods.certificates import ACTIONS, CANCELLED, TRANSFERRED
from scicity.records.models import Record

LEAST = Decimal("0.001")  # [kWh]


class CertificateAct(Record):
    """An act on certificates: bought, transferred, or cancelled (used) for a period. Whether it counts the ledger tells.

    An act is not changed: a wrong one is taken out, and the audit trail has both.
    """

    TABLE = "carbon.certificate_act"
    RIGHTS: ClassVar = {"officer": ("add", "delete", "view"), "leader": ("view",)}

    certificate = models.CharField("绿证批次 · certificates", max_length=120)
    action = models.CharField("行为 · action", max_length=20, choices=[(each, each) for each in ACTIONS])
    event_on = models.DateField("发生日期 · day of the act")
    enterprise = models.CharField("企业 · enterprise", max_length=120)
    recipient = models.CharField("受让企业 · recipient", max_length=120, blank=True)
    certificate_volume = models.DecimalField(
        "电量 · electricity [kWh]", max_digits=18, decimal_places=6, validators=[MinValueValidator(LEAST)]
    )
    used_period = models.CharField("使用时段 · period of use", max_length=13, blank=True)
    used_hour = models.DateTimeField(null=True, blank=True, editable=False)
    source = models.CharField("凭证 · evidence", max_length=1000)

    class Meta:
        ordering = ("-event_on", "-pk")
        verbose_name = "绿证事件 · act on certificates"
        verbose_name_plural = "绿证事件 · acts on certificates"

    def __str__(self) -> str:
        return f"{self.event}: {self.action} {self.certificate}, {self.enterprise}"

    @property
    def event(self) -> str:
        """The number of the act among those of the register."""
        return f"record-{self.pk:06d}" if self.pk else "record"

    @property
    def origin(self) -> str:
        """Entered by hand."""
        return "manual"

    def clean(self) -> None:
        """Raises ValidationError for a use without its period and a transfer without its recipient, or the other way round."""
        told: dict[str, Any] = {}
        if self.action == CANCELLED and not PERIOD_OF_USE.fullmatch(self.used_period):
            told["used_period"] = "2023、2023-05 或 2023-05-01T07 · 2023, 2023-05 or 2023-05-01T07"
        elif self.action != CANCELLED and self.used_period:
            told["used_period"] = "仅使用（核销）时填写 · only for what is used (cancelled)"
        if self.action == TRANSFERRED and self.recipient in ("", self.enterprise):
            told["recipient"] = "填写另一家受让企业 · another enterprise that receives them"
        elif self.action != TRANSFERRED and self.recipient:
            told["recipient"] = "仅转让时填写 · only for what is transferred"
        if told:
            raise ValidationError(told)
