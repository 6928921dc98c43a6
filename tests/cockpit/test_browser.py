"""Pages in a browser: no error in the console, no serious fault of accessibility, nothing wider than the screen."""

from __future__ import annotations

import pytest

PAGES = [
    "/",
    "/energy/",
    "/environment/",
    "/indicators/",
    "/indicators/statements/?q=PM2.5",
    "/map/",
    "/data/",
    "/glossary/",
    "/accounts/login/",
    "/why/little.daily.energy/meter=m%252F1/day=2021-05-05",
]
SCREENS = [("zh-CN", 1920, "light"), ("zh-CN", 1440, "light"), ("en-US", 1440, "dark"), ("en-US", 390, "light")]
SERIOUS = ("serious", "critical")
SCROLL = """async () => {
  for (let y = 0; y < document.body.scrollHeight; y += 500) { scrollTo(0, y); await new Promise((r) => setTimeout(r, 30)); }
  scrollTo(0, 0);
}"""

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize(("language", "width", "scheme"), SCREENS)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_in_a_browser(live_server, chromium, path, language, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(locale=language, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    answer = page.goto(live_server.url + path)
    page.evaluate(SCROLL)
    page.wait_for_timeout(400)
    assert answer.status == 200
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [v for v in Axe().run(page).response["violations"] if v["impact"] in SERIOUS]
    context.close()
    assert not faults
    assert wider <= 0
    assert not [(v["id"], v["nodes"][0]["html"][:160]) for v in found]


def test_an_open_page_follows_the_lake(live_server, chromium, city, tmp_path):
    from little_city import build, correct  # isort: skip  (put there by conftest)
    from scicity.cockpit import city as cities

    own = build(tmp_path)
    object.__setattr__(own, "place", city.place)
    cities.use(own)
    context = chromium.new_context(locale="en-US")
    page = context.new_page()
    page.goto(live_server.url + "/data/little.total/")
    page.evaluate("window.stayed = true; scrollTo(0, 40)")
    before = page.locator("main a.figure").first.get_attribute("title")
    correct(own, 777_777.0)
    page.wait_for_selector("a.figure.fresh", timeout=10_000)
    assert page.locator("main a.figure").first.get_attribute("title") != before
    assert page.evaluate("window.stayed && document.activeElement === document.body")
    assert "brought up to date" in page.locator("#live").inner_text()
    context.close()
    cities.use(city)


def test_a_page_is_readable_without_scripts(live_server, chromium):
    context = chromium.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(live_server.url + "/why/little.daily.energy/meter=m%252F1/day=2021-05-05")
    assert page.locator("h1").inner_text().startswith("energy")
    assert page.locator("a.figure").count() > 20
    context.close()
