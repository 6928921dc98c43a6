"""What clients of SensorThings made: entities, and what they said of observations beyond the reading."""

from __future__ import annotations

from django.db import models
from django.db.models import F

LONGEST_KEY = 400


class Described(models.Model):
    """An entity that a client made. `links` tells to which entities it belongs, whose own or of the registers.

    A Thing has `Locations`, a HistoricalLocation `Thing` and `Locations`, a Datastream `Thing`, `Sensor`, `ObservedProperty`.
    """

    kind = models.CharField(max_length=30)  # a set of SensorThings, `Things` …
    key = models.CharField(max_length=LONGEST_KEY)
    owner = models.CharField(max_length=60)  # the device that made it, and alone may change it
    content = models.JSONField(default=dict)
    links = models.JSONField(default=dict)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kind", "key"), name="sensorthings_one_of_each"),)
        ordering = ("kind", "key")
        verbose_name = "SensorThings 实体 · SensorThings entity"
        verbose_name_plural = "SensorThings 实体 · SensorThings entities"

    def __str__(self) -> str:
        return f"{self.kind}('{self.key}')"


class Detail(models.Model):
    """What was said of an observation beyond its reading: times, quality, parameters, and what it is of."""

    datastream = models.CharField(max_length=LONGEST_KEY)
    time = models.DateTimeField()
    content = models.JSONField(default=dict)
    feature = models.CharField(max_length=LONGEST_KEY, blank=True, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("datastream", "time"), name="sensorthings_one_detail_each"),)
        ordering = ("datastream", "time")
        verbose_name = "观测附注 · detail of an observation"
        verbose_name_plural = "观测附注 · details of observations"

    def __str__(self) -> str:
        return f"{self.datastream}@{self.time:%Y-%m-%dT%H:%M:%SZ}"


class Revision(models.Model):
    """A number that grows with every change of entities, so that processes know when theirs are stale."""

    number = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "SensorThings 版本 · SensorThings revision"
        verbose_name_plural = "SensorThings 版本 · SensorThings revisions"

    def __str__(self) -> str:
        return str(self.number)

    @classmethod
    def current(cls) -> int:
        """The number as it stands."""
        return cls.objects.filter(pk=1).values_list("number", flat=True).first() or 0

    @classmethod
    def grow(cls) -> None:
        """One more; within the transaction of the change."""
        if not cls.objects.filter(pk=1).update(number=F("number") + 1):
            cls.objects.get_or_create(pk=1, defaults={"number": 1})
