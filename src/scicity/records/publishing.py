"""Publishes records to the lake: of each table that is due all rows anew, then the outbox learns up to which change that was.

A process that ends in between publishes the same rows again, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from django.apps import apps
from django.db import close_old_connections
from django.db.models import F

from scicity.kernel.computing import Computing
from scicity.kernel.tables import Catalog, Recorded
from scicity.records.models import Due, Record


def models_of(catalog: Catalog) -> Iterator[tuple[Recorded, type[Record]]]:
    """The tables of records of a catalog, with their models. Raises LookupError for one that is not declared `recorded`."""
    for model in apps.get_models():
        if issubclass(model, Record) and model.TABLE in catalog.tables:
            declared = catalog.tables[model.TABLE]
            if not isinstance(declared, Recorded):
                raise LookupError(f"{model.__name__} is published to {model.TABLE}, which is not declared with `recorded`")
            yield declared, model


def due() -> bool:
    """Whether records were changed that the lake does not have yet. A connection that the database has ended is made anew."""
    close_old_connections()
    return Due.objects.filter(changed__gt=F("published")).exists()


def publish(computing: Computing, *, everything: bool = False) -> list[str]:
    """Brings the tables of records that are due to the lake, or all; those that changed there. Within `Lake.alone`."""
    waiting = set(Due.objects.filter(changed__gt=F("published")).values_list("table", flat=True))
    changed = []
    for table, model in models_of(computing.catalog):
        if everything or table.name in waiting:
            upto = Due.objects.filter(table=table.name).values_list("changed", flat=True).first() or 0
            if computing.put(table, rows_of(table, model)):
                changed.append(table.name)
            changed += model.laid_over(computing)
            Due.objects.filter(table=table.name, published__lt=upto).update(published=upto)
    return changed


def rows_of(table: Recorded, model: type[Record]) -> pa.Table:
    """The rows of a table as its records have them now, each with its place: the table and the record's number."""
    rows: list[dict[str, Any]] = [
        record.row(table.columns) | {"source_file": f"records/{table.name}", "source_row": record.pk}
        for record in model.objects.order_by("pk")
    ]
    return pa.Table.from_pylist(rows, schema=table.schema)
