"""Words in two languages, side by side where they are used: `{% t "能源" "Energy" %}`; and keys, dates and names of data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from scicity.cockpit import digits
from scicity.vocabulary import terms

register = template.Library()
_stamps: dict[str, str] = {}
_manifests: dict[str, dict[str, Any]] = {}
SHOWN_FIELDS = 3  # of an entry of the audit trail; more are folded
LONGEST_TOLD = 200  # characters of one field of an entry of the audit trail
LONG = 14  # characters; longer texts in a table get room


def language() -> str:
    """The reader's language, `zh` or `en`."""
    return "zh" if (get_language() or "zh").startswith("zh") else "en"


@register.simple_tag(name="t")
def translate(zh: str, en: str, **values: Any) -> str:
    """The text in the reader's language; `{name}` is filled from the arguments, escaped."""
    text = zh if language() == "zh" else en
    if not values:
        return mark_safe(text)  # noqa: S308  (both texts stand in the template)
    filled = {name: value if isinstance(value, SafeString) else word(value) for name, value in values.items()}
    return format_html(text, **filled)


@register.filter
def either(thing: Any) -> str:
    """The `zh` or `en` of a pair, a mapping or an object that has both."""
    if isinstance(thing, (tuple, list)):
        return str(thing[0] if language() == "zh" else thing[1])
    if isinstance(thing, Mapping):
        return str(thing.get(language()) or thing.get("en") or thing.get("zh") or "")
    return str(getattr(thing, language(), ""))


@register.filter
def name(row: Any) -> str:
    """The name of a row with `name_zh` and `name_en`."""
    if not row:
        return ""
    return str(row.get(f"name_{language()}") or row.get("name_zh") or row.get("name_en") or "")


@register.filter
def word(value: Any) -> str:
    """A key, a date or a count of rows as text: what says which figure is meant, never a figure itself."""
    if value is None or value == "":
        return digits.UNKNOWN
    if isinstance(value, (date, datetime)):
        return digits.moment(value, ZoneInfo("UTC"))
    if isinstance(value, bool):
        return digits.written(value, language())
    return str(value)


@register.filter
def count(value: Any) -> str:
    """How many rows, pages or people there are, with thousands separators."""
    return digits.plain(digits.exact(value))


@register.simple_tag(takes_context=True)
def moment(context: Mapping[str, Any], value: Any) -> str:
    """A date or an instant in the district's time zone, as `<time>`."""
    if value is None:
        return digits.UNKNOWN
    zone = context["city"].district.calendar.tz
    stamp = value.isoformat()
    return format_html('<time datetime="{}">{}</time>', stamp, digits.moment(value, zone))


@register.simple_tag(takes_context=True)
def day(context: Mapping[str, Any], value: datetime | None) -> str:
    """The district's day of an instant, as `<time>`: where the hour says nothing."""
    return moment(context, value and value.astimezone(context["city"].district.calendar.tz).date())


@register.simple_tag(name="term")
def term_word(term: str, **options: Any) -> str:
    """A word of the vocabulary with a link to its place in the glossary; `link=False` gives the word alone."""
    known = terms().get(term)
    if known is None:
        return conditional_escape(term.replace("_", " "))
    shown = known.name(language()) or term
    if options.get("link", True) is False:
        return conditional_escape(shown)
    return format_html('<a class="term" href="/glossary/#term-{}" title="{}">{}</a>', term, known.definition, shown)


@register.simple_tag
def asset(path: str) -> str:
    """The address of a static file with a stamp of its content, so that a change is never hidden by a browser's cache."""
    from django.conf import settings

    if path not in _stamps or settings.DEBUG:
        import hashlib
        from pathlib import Path

        found = finders.find(path)
        _stamps[path] = hashlib.sha256(Path(found).read_bytes()).hexdigest()[:10] if found else ""
    return f"{static(path)}?v={_stamps[path]}"


@register.simple_tag(takes_context=True)
def moment_or_word(context: Mapping[str, Any], value: Any) -> str:
    """A key or a text of a row: instants in the district's time, everything else as it stands."""
    return moment(context, value) if isinstance(value, datetime) else conditional_escape(word(value))


def is_long(text: str) -> bool:
    """Whether a text needs room in a table: Chinese breaks anywhere, Latin words at their spaces."""
    return len(text) > LONG if not text.isascii() else len(text) > 2 * LONG and " " in text


@register.simple_tag(takes_context=True)
def plain_cell(context: Mapping[str, Any], row: Mapping[str, Any], column: str) -> str:
    """A cell that is no figure: a key, a date, a text, a mark."""
    value = row[column]
    if isinstance(value, str) and is_long(value):
        return format_html('<span class="long">{}</span>', value)
    return moment_or_word(context, value)


@register.simple_tag
def either_of(thing: Any) -> str:
    """As the filter `either`, for `as`."""
    return either(thing)


@register.filter
def below(navigation: Any, here: str) -> tuple[Any, ...]:
    """The entries below the section that a page belongs to, with the section's first page in front."""
    for entry in navigation or ():
        if entry.name == here and entry.below:
            return (entry, *entry.below)
    return ()


@register.filter
def holds(menu: Any, here: str) -> bool:
    """Whether the section that a page belongs to stands in a menu."""
    return any(entry.name == here for entry in menu.below)


def title_of(table: Any) -> str:
    """The name of a table in the reader's language; of readings and nameless registers the term that they are named by."""
    known = terms().get(table.name.rpartition(".")[2])
    return (table.title_zh if language() == "zh" else table.title_en) or (known.name(language()) if known else table.name)


@register.simple_tag
def table_title(table: Any) -> str:
    """The name of a table in the reader's language with a link to it."""
    title = title_of(table)
    return format_html('<a href="/data/{}/">{}</a>', table.name, title)


@register.simple_tag
def islands() -> str:
    """The scripts and styles of charts and maps, as the build's manifest names them; nothing where they are not built."""
    parts = []
    for entry in [each for each in _built().values() if each.get("isEntry")]:
        parts += [format_html('<link rel="stylesheet" href="{}">', static(f"built/{css}")) for css in entry.get("css", ())]
        parts.append(format_html('<script type="module" src="{}"></script>', static(f"built/{entry['file']}")))
    return mark_safe("".join(parts))  # noqa: S308  (each part was escaped)


@register.simple_tag
def preload(island: str) -> str:
    """Has the browser fetch an island's scripts and styles beside the entry that will ask for them: they come sooner."""
    manifest = _built()
    found, todo = {}, [key for key in manifest if key.endswith(f"/islands/{island}.ts")]
    while todo:
        key = todo.pop()
        if key not in found and key in manifest:
            found[key] = manifest[key]
            todo += manifest[key].get("imports", ())
    styles = dict.fromkeys(css for entry in found.values() for css in entry.get("css", ()))
    parts = [format_html('<link rel="modulepreload" href="{}">', static(f"built/{entry['file']}")) for entry in found.values()]
    parts += [format_html('<link rel="stylesheet" href="{}">', static(f"built/{css}")) for css in styles]
    return mark_safe("".join(parts))  # noqa: S308  (each part was escaped)


def _built() -> dict[str, Any]:
    """The manifest of the built front end; empty where it is not built."""
    from pathlib import Path

    from django.conf import settings

    built = Path(__file__).parents[1] / "static" / "built"
    found = next((file for file in (built / ".vite" / "manifest.json", built / "manifest.json") if file.exists()), None)
    if found is None:
        return {}
    stamp = f"{found}@{found.stat().st_mtime_ns}"
    if stamp not in _manifests or settings.DEBUG:
        _manifests[stamp] = json.loads(found.read_text(encoding="utf-8"))
    return _manifests[stamp]


@register.filter
def at(mapping: Mapping[Any, Any], key: Any) -> Any:
    """What a mapping holds at a key, or None."""
    return mapping.get(key)


@register.filter
def subject(row: Mapping[str, Any]) -> str:
    """Whom or what a statement is about, and in English what it measures."""
    return str(row["subject_zh"]) if language() == "zh" else f"{row['subject_en']}: {row['measure_en']}".replace("_", " ")


@register.filter
def words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


@register.simple_tag(takes_context=True)
def zone_name(context: Any, zone: str | None) -> str:
    """The name of a zone in the reader's language; the register is read once for a page."""
    known = context.render_context.get("zone names")
    if known is None:
        known = context.render_context["zone names"] = {row["zone"]: name(row) for row in context["city"].rows("district.zone")}
    return conditional_escape(known.get(zone) or zone or "")


# Uses that the registers of buildings name most; another one is shown as it is named.
USES = {
    "residential": ("住宅", "residential"),
    "dormitory": ("宿舍", "dormitory"),
    "university": ("高校", "university"),
    "school": ("学校", "school"),
    "office": ("办公", "office"),
    "laboratory": ("实验", "laboratory"),
    "hospital": ("医院", "hospital"),
    "hotel": ("酒店", "hotel"),
    "mall": ("商场", "mall"),
    "retail": ("商业", "retail"),
    "museum": ("博物馆", "museum"),
    "data_centre": ("数据中心", "data centre"),
    "factory": ("厂房", "factory"),
    "workshop": ("车间", "workshop"),
    "boiler_house": ("锅炉房", "boiler house"),
    "power_station": ("电站", "power station"),
    "station": ("车站", "station"),
}


@register.filter
def use_word(use: str | None) -> str:
    """The use of a building in the reader's language."""
    return either(USES.get(use or "", (use or digits.UNKNOWN,) * 2))


@register.filter
def paragraphs(text: str) -> SafeString:
    """A docstring as paragraphs: only empty lines part them."""
    parts = [" ".join(part.split()) for part in text.split("\n\n")]
    return format_html_join("", "<p>{}</p>", ((part,) for part in parts if part))


@register.simple_tag(name="told")
def told_of(value: Any) -> str:
    """What an entry of the audit trail tells of a before or after, a line for each field."""
    if value in (None, "", {}, []):
        return digits.UNKNOWN
    if not isinstance(value, Mapping):
        return format_html('<span class="long file-name">{}</span>', _plain(value))
    pairs = ((key, _plain(each)) for key, each in value.items())
    listed = format_html('<dl class="told-of">{}</dl>', format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", pairs))
    if len(value) <= SHOWN_FIELDS:
        return listed
    return format_html("<details><summary>{}</summary>{}</details>", translate("{n} 项", "{n} fields", n=len(value)), listed)


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_TOLD else f"{text[:LONGEST_TOLD]}…"
