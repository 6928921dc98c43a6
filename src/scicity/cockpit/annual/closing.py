"""Closing an annual report: what is frozen, for whom it is, and what has come out otherwise since.

Four documents are frozen at once: in Chinese and English, as the staff sees them and as the public does. They are rendered from
what was kept, so that the same numbers stand there as long as the records do, whatever the lake lets go of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from scicity.cockpit import digits
from scicity.cockpit.annual.models import ReportClosing, ReportContent, ReportTemplate
from scicity.cockpit.city import OpenCity
from scicity.kernel.lineage import Figure
from scicity.opendata.public import domains_of, seen_by_all
from scicity.reports.annual import files, making
from scicity.reports.annual.parts import Document, digest_of, kept, restored
from scicity.reports.told import either

LANGUAGES = files.LANGUAGES
STAFF, PUBLIC = "staff", "public"


class ReportRefused(ValueError):  # noqa: N818  (reads as what happened)
    """An act that cannot be: what is wrong in Chinese and in English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass(frozen=True)
class Difference:
    """A number of a closed report beside what it is known to be now; `now` None is one that is no longer there."""

    was: Figure
    now: Figure | None
    corrected: Any = None  # of a closed period: what its correction says


def template_in_force(city: Any, language: str) -> tuple[str, str]:
    """The text of the template that counts, and what it is: `version 3`, or `file` of the district or the program."""
    found = ReportTemplate.objects.filter(language=language, decision="in_force").order_by("-number").first()
    if found is not None:
        return found.text, f"version {found.number}"
    text = files.template_of(city.district.folder, language)
    return text, f"file {digest_of(text.encode('utf-8', 'surrogatepass'))[:12]}"


def current(year: int) -> ReportClosing | None:
    """The act by which the report of a year is closed now; None while it is open."""
    last = ReportClosing.objects.filter(year=year).order_by("-id").first()
    return last if last is not None and last.action == "closed" else None


def closed_years() -> dict[int, ReportClosing]:
    """The years whose reports are closed now."""
    found: dict[int, ReportClosing] = {}
    for act in ReportClosing.objects.order_by("id"):
        if act.action == "closed":
            found[act.year] = act
        else:
            found.pop(act.year, None)
    return found


def broken() -> int | None:
    """The number of the first act that was changed or does not follow from the one before it; None where all do."""
    before = ""
    for act in ReportClosing.objects.order_by("id"):
        if act.previous != before or act.sealed() != act.digest:
            return int(act.pk)
        before = act.digest
    return None


def live(city: OpenCity, year: int, language: str, domains: Any = None) -> Document:
    """The report of a year as it stands now. Raises Faulty."""
    return making.made(city, template_in_force(city, language)[0], year, language, domains)


def close(city: OpenCity, year: int, who: str, reason: str, now: datetime) -> ReportClosing:
    """Closes the report of a year. Raises ReportRefused; `city` is the whole of it."""
    _check(reason)
    if current(year) is not None:
        raise ReportRefused(f"{year} 年报告已经关闭", f"the report of {year} is closed already")
    if year not in making.years_of(city):
        raise ReportRefused(f"{year} 年没有数据", f"there are no figures of {year}")
    documents, templates = {}, {}
    tables: dict[str, int] = {}
    count = 0
    public, domains = seen_by_all(city), domains_of(city)
    with transaction.atomic():
        for language in LANGUAGES:
            text, name = template_in_force(city, language)
            for audience, seen, of in ((STAFF, city, None), (PUBLIC, public, domains)):
                try:
                    document = making.made(seen, text, year, language, of)
                except making.Faulty as faulty:
                    first = faulty.faults[0]
                    zh = f"模板（{language}）第 {first.line} 行：{first.expected[0]}"
                    en = f"the template ({language}), line {first.line}: {first.expected[1]} expected"
                    raise ReportRefused(zh, en) from None
                documents[f"{language}-{audience}"] = ReportContent.keep(kept(document))
                if audience == STAFF:
                    count = max(count, len(document.figures))
                    tables |= {table: version for table, (version, _) in document.read.items()}
            templates[language] = f"{name} {ReportContent.keep(text.encode('utf-8', 'surrogatepass'))}"
        act = ReportClosing(action="closed", year=year, at=now, who=who, reason=reason, documents=documents, figures=count,
                            templates=templates, tables=tables)  # fmt: skip
        return _kept(act)


def reopen(year: int, who: str, reason: str, now: datetime) -> ReportClosing:
    """Opens the report of a year again; what was closed stays kept. Raises ReportRefused."""
    _check(reason)
    if current(year) is None:
        raise ReportRefused(f"{year} 年报告未关闭", f"the report of {year} is not closed")
    return _kept(ReportClosing(action="reopened", year=year, at=now, who=who, reason=reason))


def _check(reason: str) -> None:
    if not reason.strip():
        raise ReportRefused("请写明理由", "a reason is needed")
    if broken() is not None:
        raise ReportRefused("关闭记录已被改动", f"act {broken()} does not follow from the one before it")


def _kept(act: ReportClosing) -> ReportClosing:
    with transaction.atomic():
        last = ReportClosing.objects.order_by("-id").first()
        act.previous = last.digest if last is not None else ""
        act.digest = act.sealed()
        act.because = act.reason
        act.save()
        return act


def document_of(act: ReportClosing, language: str, audience: str, zone: Any) -> Document:
    """A document as it was closed, saying so. Raises LookupError where it is missing or was changed."""
    document = restored(ReportContent.fetch(act.documents[f"{language}-{audience}"]))
    when = digits.moment(act.at, zone)
    zh = f"本报告已于 {when} 关闭（第 {act.pk} 号，{act.who}）；数值按关闭时列出。"
    en = f"This report was closed on {when} (act {act.pk}, {act.who}); its numbers stand as they were then."
    return replace(document, standing=either(language, zh, en))


def template_of(act: ReportClosing, language: str) -> str:
    """The template by which a report was closed."""
    return ReportContent.fetch(act.templates[language].rpartition(" ")[2]).decode("utf-8", "surrogatepass")


_differences: dict[tuple[Any, ...], list[Difference]] = {}


def differences(city: OpenCity, act: ReportClosing, language: str, audience: str) -> list[Difference]:
    """The numbers of a closed report that are known otherwise by now, in its order, each once."""
    old = restored(ReportContent.fetch(act.documents[f"{language}-{audience}"]))
    lake = city.figures.lake
    state = tuple(lake.snapshot(name).version for name in old.read), len(city.closings.acts())
    key = (str(lake.root), act.digest, language, audience, state)
    if key not in _differences:
        if len(_differences) > 40:
            _differences.clear()
        _differences[key] = _compared(city, old, template_of(act, language), audience)
    return _differences[key]


def _compared(city: OpenCity, old: Document, template: str, audience: str) -> list[Difference]:
    domains = domains_of(city) if audience == PUBLIC else None
    new, _ = making.tried(city, template, old.year, old.language, domains)
    now: Mapping[str, Figure] = {figure.address: figure for figure in new.figures}
    corrected = {
        address: each.after for act in city.closings.closed().values() for address, each in city.closings.standing(act).items()
    }
    found: dict[str, Difference] = {}
    for figure in old.figures:
        other = now.get(figure.address)
        if figure.address in corrected and other is not None and other.closed:
            found.setdefault(figure.address, Difference(figure, other, corrected[figure.address]))
        elif other is None or not _same(other.value, figure.value):
            found.setdefault(figure.address, Difference(figure, other))
    return [each for each in found.values() if each.corrected is None or not _same(each.corrected, each.was.value)]


def _same(one: Any, other: Any) -> bool:
    """Whether two values are one number."""
    if one is None or other is None or isinstance(one, (str, bool)) or isinstance(other, (str, bool)):
        return one == other
    return digits.exact(one) == digits.exact(other)
