"""Finds what the domains bring to the cockpit; a domain is listed nowhere.

A domain that has pages brings a package `pages` with `NAVIGATION` (a `dict` with `zh`, `en`, `order`, the `menu` of `MENUS`
that it stands in, and, below `pages`, further entries with `path`), a module `pages.urls`, and where it has something for the
leader's screen a module `pages.leader` with `cards(city)`. A package `pages/<name>/` with `PAGE` (`zh`, `en`) and
`show(request)` is one more page, at `/<domain>/<name>/`. `api.py` brings a ninja `router`.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

DOMAINS = "scicity.domains"
# name: zh, en. What stands in none is an entry by itself.
MENUS = {
    "promises": ("承诺与评估", "Promises"),
    "energy": ("能源与碳", "Energy and carbon"),
    "city": ("城市", "City"),
    "data": ("数据", "Data"),
}


@dataclass(frozen=True)
class Entry:
    """One entry of the navigation."""

    name: str
    path: str
    zh: str
    en: str
    order: int
    below: tuple[Entry, ...] = ()
    menu: str = ""


@cache
def domains() -> tuple[str, ...]:
    """Names of all domains, sorted."""
    package = importlib.import_module(DOMAINS)
    return tuple(sorted(info.name for info in pkgutil.iter_modules(package.__path__) if info.ispkg))


def module(domain: str, name: str) -> ModuleType | None:
    """A module of a domain, or None where it has none."""
    full = f"{DOMAINS}.{domain}.{name}"
    try:
        found = importlib.util.find_spec(full)
    except ModuleNotFoundError:  # the package that would hold it is missing
        return None
    return importlib.import_module(full) if found else None


@cache
def with_pages() -> tuple[str, ...]:
    """Domains that bring pages."""
    return tuple(domain for domain in domains() if folder(domain, "pages/urls.py").exists())


@cache
def single_pages(domain: str) -> dict[str, ModuleType]:
    """The pages of a domain that are packages of their own, by name."""
    names = sorted(init.parent.name for init in folder(domain, "pages").glob("*/__init__.py"))
    found = {name: module(domain, f"pages.{name}") for name in names}
    return {name: page for name, page in found.items() if page is not None and hasattr(page, "PAGE")}


def folder(domain: str, part: str) -> Path:
    """A path inside of a domain."""
    return Path(str(importlib.import_module(DOMAINS).__path__[0])) / domain / part


def folders(part: str) -> list[Path]:
    """The folders that domains have at this path, which may hold `*`."""
    return [found for domain in domains() for found in sorted(folder(domain, ".").glob(part)) if found.is_dir()]


OWN = (
    Entry("overview", "/", "总览", "Overview", 0),
    Entry(
        "reports",
        "/reports/",
        "报告",
        "Reports",
        700,
        (
            Entry("reports", "/reports/annual/", "年度监测报告", "Annual report", 700),
            Entry("reports", "/open-data/", "开放数据", "Open data", 700),
        ),
    ),
    Entry("map", "/map/", "地图", "Map", 50),
    Entry("ogc", "/ogc/", "图层交换", "Exchange of layers", 730, menu="data"),
    Entry("data", "/data/", "数据表", "Tables", 900, menu="data"),
    Entry("glossary", "/glossary/", "术语", "Glossary", 910, menu="data"),
)


@cache
def navigation() -> tuple[Entry, ...]:
    """The entries of all domains and of the cockpit, in order."""
    found = list(OWN)
    for domain in with_pages():
        told: dict[str, Any] = getattr(importlib.import_module(f"{DOMAINS}.{domain}.pages"), "NAVIGATION", {})
        if not told:
            continue
        order = int(told.get("order", 500))
        below = tuple(
            Entry(domain, f"/{domain}/{page['path']}", page["zh"], page["en"], order) for page in told.get("pages", ())
        ) + tuple(
            Entry(domain, f"/{domain}/{name}/", page.PAGE["zh"], page.PAGE["en"], order)
            for name, page in single_pages(domain).items()
        )
        found.append(Entry(domain, f"/{domain}/", told["zh"], told["en"], order, below, told.get("menu", "")))
    return tuple(sorted(found, key=lambda entry: (entry.order, entry.name)))


@cache
def menus() -> tuple[Entry, ...]:
    """The navigation as it is shown: what stands in a menu is below it, at its first one's place; a menu of one is that."""
    found: dict[str, Entry] = {}
    for entry in navigation():
        if not entry.menu:
            found[entry.path] = entry
            continue
        zh, en = MENUS[entry.menu]
        menu = found.setdefault(entry.menu, Entry(entry.menu, "", zh, en, entry.order, menu=entry.menu))
        found[entry.menu] = replace(menu, below=(*menu.below, entry))
    return tuple(each.below[0] if not each.path and len(each.below) == 1 else each for each in found.values())
