"""The form of a data sheet: an item is entered by whoever may, and by nobody else."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest

from scicity.domains.buildings.methods import scoring
from scicity.domains.buildings.models import SheetEntry

LONGEST = 1_000
FIELDS = ("score_item", "met", "points", "document", "reason")
Faults = dict[str, str]


def enter(request: HttpRequest, row: Any) -> Faults:
    """Keeps what somebody says of an item of a sheet; what was wrong by field. Raises PermissionDenied."""
    if not request.user.has_perm("buildings.add_sheetentry"):
        raise PermissionDenied
    told = {name: request.POST.get(name, "").strip()[:LONGEST] for name in FIELDS}
    where = {"label_scheme": row["label_scheme"], "score_item": told["score_item"]}
    item = next(iter(request.city.rows("buildings.scheme_item", where=where)), None)
    if item is None:
        return {"score_item": "没有这一条 · no such item of the scheme"}
    met, points = {"yes": True, "no": False}.get(told["met"]), None
    if item["item_kind"] == scoring.SCORED:
        met = None
        points, fault = _points(request, told["points"], item)
        if fault:
            return {"points": fault}
    elif met is None:
        return {"met": "请选择满足或不满足 · met or not met"}
    with transaction.atomic():
        key = {"sheet": row["sheet"], "score_item": told["score_item"]}
        record = SheetEntry.objects.filter(**key).first()
        if record is not None and not request.user.has_perm("buildings.change_sheetentry"):
            raise PermissionDenied
        record = record or SheetEntry(**key)
        record.met, record.points, record.document = met, points, told["document"]
        record.reason, record.because, record.who = told["reason"], told["reason"], request.user.get_username()
        try:
            record.save()
        except ValidationError as error:
            return {name: " ".join(texts) for name, texts in error.message_dict.items()}
    return {}


def _points(request: HttpRequest, text: str, item: Any) -> tuple[Decimal | None, str]:
    """The points, or what is wrong with them: a number from 0 to the full score of the item, or of its category."""
    try:
        points = Decimal(text.replace(",", ""))
    except InvalidOperation:
        points = Decimal("NaN")
    most = item["full_score"]
    if most is None:
        where = {"label_scheme": item["label_scheme"], "score_category": item["score_category"]}
        most = next((row["full_score"] for row in request.city.rows("buildings.scheme_category", where=where)), None)
    if not points.is_finite() or points < 0 or (most is not None and points > most):
        until = "" if most is None else f"{most.normalize():f}"
        return None, f"0 至 {until} 的数 · a number from 0 to {until}" if until else "不小于 0 的数 · a number not below 0"
    return points, ""
