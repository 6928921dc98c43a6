"""What people edited of layers, and who took which layer: the ledger of exchange."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import shapely
from django.core.exceptions import ValidationError
from django.db import models

from scicity.kernel.computing import Computing
from scicity.records.models import Record
from scicity.space import editing
from scicity.space.register import STRATA

LONGEST = 500  # characters of a name, a class, a source


class Shape(bytes):
    """A geometry as well-known binary, which the audit trail tells in short: its kind, size and digest."""

    def __str__(self) -> str:
        try:
            found = shapely.from_wkb(bytes(self))
        except shapely.errors.ShapelyError:
            return f"{len(self)} bytes"
        box = ", ".join(f"{number:.6f}" for number in found.bounds)
        positions = shapely.get_num_coordinates(found)
        return f"{found.geom_type} of {positions} positions in {box}; {hashlib.sha256(self).hexdigest()[:16]}"


class ShapeField(models.BinaryField):
    """Keeps a `Shape`."""

    def from_db_value(self, value: Any, *_: Any) -> Shape | None:
        """As it is read."""
        return None if value is None else Shape(bytes(value))


class Edit(Record):
    """A feature as a person left it: it stands over the row of the layer's file. `removed`: there is none any more."""

    TABLE = editing.EDIT.name
    RIGHTS: ClassVar = {
        "officer": ("add", "change", "delete", "view"),
        "data-officer": ("add", "change", "delete", "view"),
        "leader": ("view",),
    }

    layer = models.CharField(max_length=100)
    feature = models.CharField(max_length=200)
    removed = models.BooleanField(default=False)
    name_zh = models.CharField(max_length=LONGEST, blank=True)
    name_en = models.CharField(max_length=LONGEST, blank=True)
    feature_class = models.CharField(max_length=LONGEST, blank=True)
    stratum = models.CharField(max_length=20, blank=True, choices=[(each, each) for each in STRATA])
    elevation = models.FloatField(null=True, blank=True)
    height = models.FloatField(null=True, blank=True)
    depth = models.FloatField(null=True, blank=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    restricted_to = models.CharField(max_length=LONGEST, blank=True)
    details = models.TextField(blank=True)
    geometry = ShapeField(null=True, blank=True, editable=False)
    origin = models.CharField(max_length=20)
    source = models.CharField(max_length=LONGEST, blank=True)
    digest = models.CharField(max_length=16, editable=False)
    edited_by = models.CharField(max_length=150, blank=True, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("layer", "feature"), name="ogc_one_edit_each"),)
        ordering = ("layer", "feature")
        verbose_name = "要素编辑 · edited feature"
        verbose_name_plural = "要素编辑 · edited features"

    def __str__(self) -> str:
        return f"{self.layer}/{self.feature}"

    def clean(self) -> None:
        """Holds the ends of its time against each other."""
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise ValidationError({"valid_to": "valid_to is not behind valid_from"})

    @classmethod
    def laid_over(cls, computing: Computing) -> list[str]:
        """Brings the layers to what was edited, where the lake has the edits; those that changed."""
        return editing.overlay(computing)


class Taking(models.Model):
    """Who took features of a layer on one day, in which edition, by which way, under which agreement; how many and how often.

    `person` is empty for those without an account: of them nothing is kept but that they took it.
    """

    layer = models.CharField(max_length=100)
    day = models.DateField()
    person = models.CharField(max_length=150, blank=True)
    roles = models.CharField(max_length=300, blank=True)
    way = models.CharField(max_length=20)  # read, gpkg, geojsonl, tiles
    edition = models.BigIntegerField()  # the version of the layer's table
    agreement_no = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=300, blank=True)
    times = models.BigIntegerField(default=0)
    features = models.BigIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("layer", "day", "person", "way", "edition", "agreement_no", "licence"), name="ogc_one_taking_each"
            ),
        )
        ordering = ("-last_at",)
        indexes = (models.Index(fields=("layer", "-last_at")),)
        verbose_name = "图层取用 · taking of a layer"
        verbose_name_plural = "图层取用 · takings of layers"

    def __str__(self) -> str:
        return f"{self.day} {self.person or '-'}: {self.layer} {self.way} @{self.edition}"
