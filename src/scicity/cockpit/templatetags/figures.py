"""The only way in which a page prints a number of a table: `{% figure row.figure %}` or `{% cell row "energy" %}`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlencode

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from scicity.cockpit import charts, digits
from scicity.cockpit.opening import is_figure, path_of
from scicity.cockpit.templatetags.words import language, plain_cell
from scicity.kernel.lineage import Figure, Row
from scicity.vocabulary import term, terms

register = template.Library()

# origin: badge zh, badge en, mark in dense tables, what it means zh, en
ORIGINS: dict[str, tuple[str, str, str, str, str]] = {
    "measured": ("实测", "measured", "", "由仪表或监测站测得", "measured by a meter or a station"),
    "reported": ("通报", "reported", "通", "报告所述，并非测得", "stated by a report, not measured"),
    "modelled": ("模拟", "modelled", "模", "由模型算得", "computed by a model"),
    "estimated": ("估算", "estimated", "估", "缺数处按负荷曲线估算", "estimated where readings are missing"),
    "allocated": ("分摊", "allocated", "摊", "由总量分摊而得", "allocated from a total"),
    "manual": ("人工", "manual", "人", "人工录入", "entered by hand"),
    "stand-in": (
        "替代",
        "stand-in",
        "替",
        "借用其他园区的数据，并非本区实测",
        "data of another place, for want of this district's own",
    ),
}
LETTERS = {"reported": "R", "modelled": "M", "estimated": "E", "allocated": "A", "manual": "H", "stand-in": "S"}
# Columns that tell about the figures of their row; they carry no marks themselves.
ABOUT = ("coverage", "stand_in", "flags")
AMOUNT = 9  # digits of a record's number
UNITLESS = ("", "1")
MOST_DRAWN = 20_000
_drawn: dict[tuple[Any, ...], SafeString] = {}
LEAST_TREND = 3  # points; fewer are no line
# What could close a script element or end a line in it, as JSON escapes.
CLOSING = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def badges_of(figure: Figure) -> list[str]:
    """The origins to show beside a figure: its own, and `stand-in` where there is one anywhere below it."""
    found = [figure.origin] if figure.origin and figure.origin not in ("measured", "stand-in") else []
    if figure.origin == "stand-in" or figure.stand_in:
        found.append("stand-in")
    return [origin for origin in found if origin in ORIGINS]


def badge(origin: str, dense: bool = False) -> SafeString:
    """The mark of an origin: a word, or in dense tables one letter whose meaning is read out and shown on hover."""
    zh, en, mark, meaning_zh, meaning_en = ORIGINS[origin]
    chinese = language() == "zh"
    meaning = meaning_zh if chinese else meaning_en
    if dense:
        sign = mark if chinese else LETTERS.get(origin, "")
        return format_html('<abbr class="mark mark-{}" title="{}">{}</abbr>', origin, meaning, sign) if sign else mark_safe("")
    return format_html('<span class="badge badge-{}" title="{}">{}</span>', origin, meaning, zh if chinese else en)


def closed_badge(period: str, dense: bool = False) -> SafeString:
    """The mark of a figure of a closed period."""
    chinese = language() == "zh"
    meaning = (
        f"{period} 已关账；此后的变化见更正"
        if chinese
        else f"{period} is closed; what changed since stands with the corrections"
    )
    form = (
        '<abbr class="mark mark-closed" title="{}">{}</abbr>'
        if dense
        else '<span class="badge badge-closed" title="{}">{}</span>'
    )
    return format_html(form, meaning, ("结" if chinese else "C") if dense else ("已关账" if chinese else "closed"))


def render(
    figure: Figure | None,
    *,
    dense: bool = False,
    full: bool = False,
    unit: bool = True,
    via: Sequence[str] = (),
    at: int | None = None,
    digits_kept: int = digits.SIGNIFICANT,
    bare: bool = False,
    grouped: bool | None = None,
) -> SafeString:
    """A figure as HTML. `at` opens it as of that version; `via` is the path of addresses that led to it; `bare` has no marks.

    Alone it is shown in the unit that people read; in `dense` tables all cells keep the column's own, to be compared
    (`grouped` says otherwise).
    """
    grouped = not dense if grouped is None else grouped
    if figure is None:
        unknown = "未知" if language() == "zh" else "unknown"
        return format_html('<span class="figure unknown" title="{}">—</span>', unknown)
    # All that the text depends on; a page of a thousand figures is mostly drawn from what was drawn before.
    known = (
        figure.closed,
        *(figure.address, figure.version, figure.value, figure.symbol, figure.coverage, figure.stand_in, figure.origin),
        *(language(), dense, full, unit, tuple(via), at, digits_kept, bare, grouped),
    )
    drawn = _drawn.get(known)
    if drawn is None:
        if len(_drawn) >= MOST_DRAWN:
            _drawn.clear()
        drawn = _drawn[known] = _draw(figure, dense, full, unit, via, at, digits_kept, bare, grouped)
    return drawn


def _draw(
    figure: Figure,
    dense: bool,
    full: bool,
    unit: bool,
    via: Sequence[str],
    at: int | None,
    digits_kept: int,
    bare: bool,
    grouped: bool,
) -> SafeString:
    chinese = language() == "zh"
    address = figure.address if at is None else f"{figure.address}@{at}"
    href = path_of(address)
    if via:
        href += "?" + urlencode([("via", step) for step in via])
    of_itself = figure.column in ABOUT
    amount, symbol = figure.value, digits.in_language(figure.symbol, language())
    if grouped and not full:
        amount, symbol = digits.in_larger_unit(amount, symbol, language())
    shown = digits.written(amount, language(), full=full, significant=digits_kept, grouped=grouped)
    unknown = figure.value is None or shown == digits.UNKNOWN
    numeric = not unknown and not isinstance(figure.value, (str, bool))
    symbol = symbol if unit and numeric and symbol not in UNITLESS else ""
    parts = [format_html('<span class="value">{}</span>', shown)]
    if symbol:
        parts.append(format_html('<span class="unit">{}</span>', symbol))
    if unknown:
        title = "未知：没有可用的数据" if chinese else "unknown: there are no data for it"
    elif numeric:
        title = f"{digits.written(figure.value, language(), full=True)} {digits.in_language(figure.symbol, language())}".strip()
        title += "；点开看由来" if chinese else "; open to see where it comes from"
    else:
        title = "点开看由来" if chinese else "open to see where it comes from"
    link = format_html(
        '<a class="figure{}" href="{}" title="{}" data-figure="{}">{}</a>',
        " unknown" if unknown else "",
        href,
        title,
        figure.address,
        mark_safe("".join(parts)),  # noqa: S308  (each part was escaped)
    )
    if of_itself or bare:
        return link
    notes = [badge(origin, dense) for origin in badges_of(figure)]
    if figure.closed:
        notes.append(closed_badge(figure.closed, dense))
    if figure.coverage is not None and figure.coverage < 1 and not dense:
        text = "覆盖" if chinese else "coverage"
        notes.append(format_html('<span class="badge badge-coverage">{} {}</span>', text, digits.share(figure.coverage)))
    elif figure.coverage is not None and figure.coverage < 1:
        text = f"{'数据覆盖' if chinese else 'data coverage'} {digits.share(figure.coverage)}"
        notes.append(format_html('<abbr class="mark mark-coverage" title="{}">◔</abbr>', text))
    return format_html("{}{}", link, format_html_join("", "{}", ((note,) for note in notes)))


@register.simple_tag(name="figure")
def figure_tag(figure: Figure | None, **options: Any) -> SafeString:
    """A figure with unit, badges, coverage and the link that opens it. Options: dense, full, unit, at, via, digits_kept."""
    return render(figure, **options)


@register.simple_tag
def cell(row: Any, column: str, **options: Any) -> SafeString:
    """One column of a row as a figure, as `figure` does; a missing row is unknown."""
    return render(row.figure(column) if row else None, **options)


@register.simple_tag
def amount(value: Any, symbol: str = "") -> SafeString:
    """A number of a record, which is no cell of a table, with its unit."""
    unit = digits.in_language(symbol, language())
    shown = digits.UNKNOWN if value is None else digits.written(value, language(), significant=AMOUNT)
    text = '<span class="value">{}</span>' + (' <span class="unit">{}</span>' if unit not in UNITLESS else "")
    return format_html(text, shown, *([unit] if unit not in UNITLESS else []))


@register.simple_tag
def share(value: Any) -> str:
    """A coverage or share from 0 to 1 that describes figures beside it."""
    return digits.share(value) if value is not None else digits.UNKNOWN


@register.simple_tag
def origin(name: str, dense: bool = False) -> SafeString | str:
    """The badge of an origin."""
    return badge(name, dense) if name in ORIGINS else name or digits.UNKNOWN


@register.inclusion_tag("cockpit/parts/marks.html")
def marks() -> dict[str, Any]:
    """The legend of the marks in dense tables."""
    return {"origins": [name for name in ORIGINS if name != "measured"]}


@register.simple_tag
def spark(figures: Iterable[Figure], label: str = "") -> SafeString:
    """A small line of figures as SVG, drawn on the server; unknown figures leave a gap. The figures stand beside it."""
    values = [None if f.value is None else float(f.value) for f in figures]
    known = [value for value in values if value is not None]
    if len(known) < LEAST_TREND:
        return mark_safe("")
    low, high = min(known), max(known)
    reach = (high - low) or 1.0
    step = 116 / max(1, len(values) - 1)
    runs: list[list[str]] = [[]]
    dots = []
    for number, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        x, y = 2 + number * step, 30 - 26 * (value - low) / reach
        runs[-1].append(f"{x:.1f},{y:.1f}")
        dots.append((f"{x:.1f}", f"{y:.1f}"))
    lines = format_html_join("", '<polyline points="{}"/>', ((" ".join(run),) for run in runs if len(run) > 1))
    return format_html(
        '<svg class="spark" viewBox="0 0 120 34" preserveAspectRatio="xMinYMid meet" role="img" aria-label="{}">'
        '{}<circle cx="{}" cy="{}" r="2.4"/></svg>',
        label,
        lines,
        *dots[-1],
    )


@register.simple_tag
def props(value: Any) -> SafeString:
    """Properties of an island as JSON in a script element that is data, not code."""
    text = json.dumps(_jsonable(value), ensure_ascii=False, separators=(",", ":"))
    safe = text.translate(CLOSING)
    return mark_safe(f'<script type="application/json">{safe}</script>')  # noqa: S308  (no tag can close within)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Figure):
        return None if value.value is None else float(value.value)
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return float(value)


@register.simple_tag
def unit_of(column: str) -> str:
    """The unit of a column, for the head of a table; the cells below then print `unit=False`."""
    symbol = digits.in_language(term(column).symbol, language())
    return f" ({symbol})" if symbol and symbol not in UNITLESS else ""


@register.simple_tag
def why_path(address: str) -> str:
    """The path of the page that opens an address."""
    return path_of(address)


@register.simple_tag
def via_query(steps: Sequence[str]) -> SafeString:
    """The path that led to a figure, as a query."""
    return mark_safe("?" + urlencode([("via", step) for step in steps]) if steps else "")  # noqa: S308  (urlencoded)


@register.simple_tag
def address_words(address: str) -> SafeString:
    """An address in words: what is measured, and of what."""
    head, *pairs = address.partition("@")[0].split("/")
    known = terms().get(head.rpartition(".")[2])
    key = " · ".join(unquote(pair.partition("=")[2]) for pair in pairs)
    return format_html("{} <span>{}</span>", known.name(language()) if known else head, key)


@register.simple_tag(takes_context=True)
def fact(context: Mapping[str, Any], row: Row, column: str, **options: Any) -> SafeString | str:
    """A column of a row: a figure where it measures something, otherwise its text."""
    if is_figure(row.table.grain, column):
        return render(row.figure(column), **options)
    return plain_cell(context, row, column)


@register.inclusion_tag("cockpit/parts/chart.html", takes_context=True)
def chart(context: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """A chart and its data as a table; what `told` holds stands in `cockpit/README.md`."""
    return {"chart": told, "city": context["city"], "spec": charts.spec(told, language()), **charts.table(told)}
