"""The map in a browser: by keyboard alone, by pointer, at three widths; no finding of axe, no error in the console."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

BUILT = Path(__file__).parents[3] / "src/scicity/cockpit/static/built/.vite/manifest.json"
WAIT = 60_000  # [ms] at most; the machine may be busy

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not BUILT.exists(), reason="the front end is not built"),
]


@pytest.fixture
def opened(live_server, chromium):
    """Opens the map; what a page's console says of errors is told at the end."""
    made, faults = [], []

    def open_at(path: str = "/map/", language: str = "en-US", width: int = 1440, scheme: str = "light"):
        context = chromium.new_context(locale=language, viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(live_server.url + path)
        page.wait_for_selector(".onemap[data-idle]")
        made.append(context)
        return page

    yield open_at
    for context in made:
        context.close()
    assert not faults


def said(page, text: str) -> None:
    """Waits until those who hear the page are told this."""
    page.wait_for_function(
        "text => [...document.querySelectorAll('[role=status]')].some((e) => e.textContent.includes(text))", arg=text
    )


def tab_to(page, selector: str) -> None:
    """Goes forward by Tab alone until something has the focus."""
    for _ in range(120):
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {selector}")


def test_identify_by_keyboard_alone(opened):
    page = opened("/map/?layers=zones,buildings&at=116.40325,40.10325,17,0,0")
    tab_to(page, ".maplibregl-canvas")
    assert page.locator(".crosshair").is_visible()
    page.keyboard.press("Enter")
    said(page, "=New tower")
    page.wait_for_selector('.side-right a[href="/map/features/buildings/b2/"]')
    page.wait_for_function("() => location.search.includes('pick=buildings/b2')")
    page.keyboard.press("Escape")
    page.wait_for_selector(".side-right", state="hidden")


def test_measure_by_keyboard_alone(opened):
    """Two corners 0.004° of latitude apart: 444.2 m on the ellipsoid, whatever the map's own plane says."""
    page = opened("/map/?layers=zones&at=116.405,40.103,15,0,0")
    tab_to(page, "[data-tool=measure]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".side-right output")
    tab_to_map = page.locator(".maplibregl-canvas").first
    tab_to_map.focus()
    page.keyboard.press("Enter")
    said(page, "corner 1")
    page.evaluate("scrollTo(0, 0)")
    for _ in range(2):
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(700)  # the map's own glide
    page.keyboard.press("Enter")
    said(page, "corner 2")
    page.keyboard.press("f")
    page.wait_for_function("() => document.querySelector('.measured').textContent.startsWith('Length')")
    metres = float(re.search(r"([\d.,]+) m", page.inner_text(".measured"))[1].replace(",", ""))
    moved = page.evaluate("Number(new URLSearchParams(location.search).get('at').split(',')[1])") - 40.103
    assert metres == pytest.approx(moved * 111_040, rel=2e-3) and metres > 100  # [m] of a degree of latitude there


def test_what_was_drawn_is_taken_as_geojson(opened):
    page = opened("/map/?layers=zones&at=116.405,40.103,15,0,0")
    page.click("[data-tool=measure]")
    page.click("[data-shape=point]")
    page.locator(".maplibregl-canvas").first.focus()
    page.keyboard.press("Enter")
    said(page, "40.103000°, 116.405000°")
    with page.expect_download() as down:
        page.click("text=Export GeoJSON")
    drawn = json.loads(Path(down.value.path()).read_text())
    assert drawn["geometry"] == {"type": "Point", "coordinates": [pytest.approx(116.405), pytest.approx(40.103)]}


def test_a_layer_is_turned_off_and_on_by_keyboard_alone(opened):
    page = opened("/map/?layers=zones,buildings")
    tab_to(page, "#layer-buildings")
    page.keyboard.press("Space")
    page.wait_for_function("() => new URLSearchParams(location.search).get('layers') === 'zones'")
    assert not page.is_checked("#layer-buildings")
    page.keyboard.press("Space")
    page.wait_for_function("() => new URLSearchParams(location.search).get('layers') === 'zones,buildings'")


def test_time_is_turned_by_keyboard_and_the_map_with_it(opened):
    page = opened("/map/?layers=zones,buildings&at=116.40125,40.10125,17,0,0&time=2018")
    page.locator(".maplibregl-canvas").first.focus()
    page.keyboard.press("Enter")
    said(page, "Old house")
    tab_to(page, "#time-range")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("() => location.search.includes('time=2020')")
    page.wait_for_timeout(500)
    page.locator(".maplibregl-canvas").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => !document.querySelector('.side-right').textContent.includes('Old house')")


def test_select_and_section_by_keyboard_alone(opened):
    page = opened("/map/?layers=buildings,pipes&at=116.403,40.101,16,0,0")
    tab_to(page, "[data-tool=section]")
    page.keyboard.press("Enter")
    page.wait_for_selector('.side-right[data-tool="section"]')
    canvas = page.locator(".maplibregl-canvas").first
    canvas.focus()
    for key in ("ArrowLeft", "Enter", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
        page.wait_for_timeout(700)
    page.keyboard.press("f")
    page.wait_for_selector(".section-picture")
    assert page.locator(".section tbody tr").count() == 2  # the sewer and the main
    canvas.focus()
    page.keyboard.press("s")
    page.wait_for_selector('.side-right[data-tool="select"]')
    page.locator("text=What is in view").focus()
    page.keyboard.press("Enter")
    said(page, "Selected: ")
    assert page.locator(".selected tbody tr").count() >= 3


def test_that_something_is_stand_in_stands_on_the_map_itself(opened):
    page = opened("/map/?layers=zones&language=en")
    page.wait_for_selector(".maplibregl-ctrl-attrib .holds-stand-in:has-text('stand-ins')")
    assert page.locator("[data-layer=zones] .tree-row .badge-stand-in").is_visible()
    page.uncheck("#layer-zones")
    page.wait_for_selector(".maplibregl-ctrl-attrib .holds-stand-in", state="detached")


def test_a_link_opens_the_same_map(opened):
    page = opened("/map/?layers=zones:40,pipes&time=2018&view=under&figure=mapped.zone_yearly.residents&language=zh")
    assert page.is_checked("#layer-pipes") and not page.is_checked("#layer-buildings")
    assert page.input_value("#time-range") == "2018" and page.input_value("#onemap-view") == "under"
    page.wait_for_selector(".figure-legend:not([hidden])")
    assert "2018" in page.inner_text(".figure-legend")
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    assert "layers=zones:40,pipes" in page.evaluate("location.search")


def test_a_figure_on_the_map_follows_the_lake(opened, mapped):
    from . import mapped_city

    page = opened("/map/?layers=zones&figure=reading.air_temperature.value&language=en")
    page.wait_for_selector(".figure-legend:not([hidden])")
    mapped_city.arrive(mapped, [(20, 31.0)])
    mapped.figures.lake.note("changed", {**mapped.figures.lake.told(), "mapped.any": 2**62})
    page.wait_for_function("() => document.querySelector('.figure-legend').textContent.includes('31')")


def test_the_sheet_comes_as_pdf(opened):
    page = opened("/map/?layers=zones,buildings")
    page.click("[data-tool=print]")
    page.select_option("#sheet-scale", "10000")
    page.click("text=Make the PDF")
    page.wait_for_selector(".sheet-made")
    with page.expect_download() as down:
        page.click(".sheet-made")
    assert Path(down.value.path()).read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("language", "width", "scheme"), [("zh-CN", 1920, "light"), ("en-US", 1440, "dark"), ("en-US", 390, "light")]
)
def test_axe_finds_nothing(opened, language, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened("/map/?layers=zones,buildings,pipes&at=116.40325,40.10325,16,0,0", language, width, scheme)
    page.locator(".maplibregl-canvas").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".found li")
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0
    found = [(each["id"], each["nodes"][0]["html"][:160]) for each in Axe().run(page).response["violations"]]
    for tool in ("measure", "select", "section", "figures", "print", "help"):
        page.click(f"[data-tool={tool}]")
        page.wait_for_selector(f'.side-right[data-tool="{tool}"]')
        found += [(tool, each["id"], each["nodes"][0]["html"][:160]) for each in Axe().run(page).response["violations"]]
    assert not found


@pytest.mark.parametrize("path", ["/map/layers/buildings/", "/map/features/buildings/b1/", "/map/features/zones/west/"])
def test_axe_finds_nothing_on_pages_of_layers_and_features(live_server, chromium, path):
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(locale="zh-CN", viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(live_server.url + path)
    found = [(each["id"], each["nodes"][0]["html"][:160]) for each in Axe().run(page).response["violations"]]
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    context.close()
    assert not found and wider <= 0
