"""Forms of indicators: values entered, revisions proposed and decided, maturities assessed; each by right alone."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest

from scicity.domains.indicators.models import (
    PERIOD,
    WHOLE,
    DutyHolder,
    ManualValue,
    Maturity,
    Revision,
    RevisionComment,
    RevisionItem,
)

LONGEST = 2_000
ALL_BODIES = ("officer", "data-officer")
Faults = dict[str, str]


def sent(request: HttpRequest, *names: str) -> dict[str, str]:
    """The fields of a form as texts of bounded length."""
    return {name: request.POST.get(name, "").strip()[:LONGEST] for name in names}


def allow(request: HttpRequest, right: str) -> None:
    """Raises PermissionDenied for somebody without a right."""
    if not request.user.has_perm(f"indicators.{right}"):
        raise PermissionDenied


def bodies(request: HttpRequest) -> set[str] | None:
    """The bodies that somebody may enter values for: None is all, for officers; a data owner has those entered for him."""
    person = request.user
    if person.is_superuser or person.groups.filter(name__in=ALL_BODIES).exists():
        return None
    return set(DutyHolder.objects.filter(who=person.get_username()).values_list("responsible_zh", flat=True))


def enter(request: HttpRequest) -> Faults:
    """Keeps a value that was entered by hand. Raises PermissionDenied for an indicator of another body."""
    allow(request, "add_manualvalue")
    told = sent(request, "indicator", "zone", "duty_period", "value", "document", "reason")
    zone = told["zone"] or WHOLE
    rows = request.city.rows("indicators.membership", ["indicator", "responsible_zh"], where={"indicator": told["indicator"]})
    owners = [row["responsible_zh"] for row in rows if row["responsible_zh"]]
    if not owners:
        return {"indicator": "没有责任单位的指标 · no such indicator with a responsible body"}
    mine = bodies(request)
    if mine is not None and not mine & set(owners):
        raise PermissionDenied
    if zone != WHOLE and zone not in {row["zone"] for row in request.city.rows("district.zone", ["zone"])}:
        return {"zone": "没有这个分区 · no such zone"}
    found = PERIOD.fullmatch(told["duty_period"])
    with transaction.atomic():
        key = {"indicator": told["indicator"], "zone": zone, "duty_period": told["duty_period"]}
        record = ManualValue.objects.filter(**key).first()
        if record is not None:
            allow(request, "change_manualvalue")
        record = record or ManualValue(**key)
        record.year = int(found["year"]) if found else 0
        record.value = number(told["value"])
        record.document, record.reason, record.because = told["document"], told["reason"], told["reason"]
        record.responsible_zh = next((each for each in owners if mine is None or each in mine), owners[0])
        record.who = request.user.get_username()
        return keep(record)


def hold(request: HttpRequest) -> Faults:
    """Keeps, or takes back, that somebody enters values for a body."""
    told = sent(request, "who", "responsible_zh", "drop")
    if told["drop"].isascii() and told["drop"].isdecimal():
        allow(request, "delete_dutyholder")
        DutyHolder.objects.filter(pk=int(told["drop"][:9])).delete()
        return {}
    allow(request, "add_dutyholder")
    if told["responsible_zh"] not in {row["responsible_zh"] for row in request.city.rows("indicators.membership")}:
        return {"responsible_zh": "没有这个单位 · no such body"}
    return keep(DutyHolder(who=told["who"], responsible_zh=told["responsible_zh"]))


def assess(request: HttpRequest) -> Faults:
    """Keeps a maturity by own assessment."""
    allow(request, "add_maturity")
    told = sent(request, "crosswalk_scheme", "iso37101_purpose", "iso37101_issue", "maturity", "maturity_words", "assessed_on")
    key = {name: told[name] for name in ("crosswalk_scheme", "iso37101_purpose", "iso37101_issue")}
    with transaction.atomic():
        record = Maturity.objects.filter(**key).first()
        if record is not None:
            allow(request, "change_maturity")
        record = record or Maturity(**key)
        record.maturity = int(told["maturity"]) if told["maturity"].isascii() and told["maturity"].isdecimal() else None
        record.maturity_words, record.assessed_on = told["maturity_words"], day(told["assessed_on"])
        record.because = told["maturity_words"]
        return keep(record)


def propose(request: HttpRequest) -> tuple[Revision | None, Faults]:
    """Keeps a new revision."""
    allow(request, "add_revision")
    told = sent(request, "proposal_title", "framework", "edition", "document")
    if told["framework"] not in {row["framework"] for row in request.city.rows("indicators.framework", ["framework"])}:
        return None, {"framework": "没有这个体系 · no such framework"}
    if request.city.rows("indicators.edition", ["edition"], where={"framework": told["framework"], "edition": told["edition"]}):
        return None, {"edition": "已有这个版本 · there is such an edition"}
    record = Revision(**told)
    faults = keep(record)
    return (None if faults else record), faults


def step(request: HttpRequest, record: Revision) -> Faults:
    """Takes a revision a step on: consulted, adopted, rejected or withdrawn."""
    told = sent(request, "stage", "consulted_from", "consulted_to", "decided_on", "effective_on", "reason")
    deciding = told["stage"] in ("adopted", "rejected")
    allow(request, "decide_revision" if deciding else "change_revision")
    with transaction.atomic():
        record = Revision.objects.select_for_update().get(pk=record.pk)
        record.revision_stage = told["stage"]
        if told["stage"] == "consulted":
            record.consulted_from, record.consulted_to = day(told["consulted_from"]), day(told["consulted_to"])
        if deciding:
            record.decided_on, record.effective_on = day(told["decided_on"]), day(told["effective_on"])
        record.reason = record.because = told["reason"]
        return keep(record)


def ask(request: HttpRequest, record: Revision) -> Faults:
    """Keeps a change that a revision asks for, or takes one back."""
    told = sent(request, "indicator", "revision_change", "year", "value", "value_high", "revision_words", "drop")
    if told["drop"].isascii() and told["drop"].isdecimal():
        allow(request, "delete_revisionitem")
        try:
            record.items.filter(pk=int(told["drop"][:9])).delete()
        except ValueError as error:
            return {"all": str(error)}
        return {}
    allow(request, "add_revisionitem")
    known = {row["indicator"] for row in request.city.rows("indicators.indicator", ["indicator"])}
    if told["indicator"] not in known:
        return {"indicator": "没有这个指标 · no such indicator"}
    item = RevisionItem(revision=record, indicator=told["indicator"], revision_change=told["revision_change"])
    item.year = int(told["year"]) if told["year"].isascii() and told["year"].isdecimal() and len(told["year"]) == 4 else 0
    for name in ("value", "value_high"):
        setattr(item, name, number(told[name]) if told[name] else None)
    item.revision_words = item.because = told["revision_words"]
    return keep(item)


def comment(request: HttpRequest, record: Revision) -> Faults:
    """Keeps what somebody says of a revision."""
    allow(request, "add_revisioncomment")
    told = sent(request, "words", "open")
    return keep(
        RevisionComment(revision=record, who=request.user.get_username(), words=told["words"], private=told["open"] != "yes")
    )


def keep(record: Any) -> Faults:
    """Saves a record; what is wrong with it by field where it cannot be kept."""
    try:
        record.save()
    except ValidationError as error:
        if hasattr(error, "message_dict"):
            return {("all" if name == "__all__" else name): " ".join(told) for name, told in error.message_dict.items()}
        return {"all": " ".join(error.messages)}
    return {}


def number(text: str) -> float:
    """A number as people write it; not a number where it is none."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return float("nan")


def day(text: str) -> date | None:
    """A day of a form; None where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
