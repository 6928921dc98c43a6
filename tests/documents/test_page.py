"""The form of uploads in a browser: cut, reloaded, gone on with, refused; and without scripts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from scicity.documents import keeping
from tests.documents import files
from tests.documents.test_resuming import Served, content, shared
from tests.operation.running import HOME, until

CHROMIUM = Path("/usr/bin/chromium")
BUILT = HOME / "src" / "scicity" / "cockpit" / "static" / "built" / ".vite" / "manifest.json"
PLACE = "/documents/of/energy.case:wang-{}/"  # one server for all tests here, a subject for each
LENGTH = 30_000_000
WAIT = 120_000  # [ms] for a busy machine

__all__ = ["shared"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
    pytest.mark.skipif(not BUILT.exists(), reason="the front end is not built"),
]


@pytest.fixture
def chromium() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def page_of(served: Served, chromium, subject: int, language: str, **more):
    context = chromium.new_context(locale=language, viewport={"width": 390, "height": 900}, **more)
    cookie = {"name": "sessionid", "value": served.sessions["wang"], "url": f"http://127.0.0.1:{served.port}"}
    context.add_cookies([cookie])
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(f"http://127.0.0.1:{served.port}{PLACE.format(subject)}")
    return page


@pytest.mark.parametrize(
    ("subject", "language", "words"),
    [
        (
            1,
            "en-US",
            {"left": "Not finished last time", "go": "Go on", "title": "Title", "type": "type of file", "send": "Upload"},
        ),
        (2, "zh-CN", {"left": "上次未传完", "go": "继续", "title": "标题", "type": "不允许的文件类型", "send": "上传"}),
    ],
)
def test_an_upload_goes_on_after_a_cut_and_a_reload(
    shared: Served, chromium, tmp_path: Path, subject: int, language: str, words
) -> None:
    file, digest = tmp_path / "总图.dxf", hashlib.sha256()
    length = LENGTH + subject  # a content that the server has not seen
    with file.open("wb") as out:
        for piece in content(0, length):
            out.write(piece)
            digest.update(piece)
    page = page_of(shared, chromium, subject, language)
    page.wait_for_selector("form.upload[data-script]")
    page.set_input_files("#upload-file", files={"name": "a.exe", "mimeType": "application/pdf", "buffer": b"MZ"})
    page.click("form.upload button.primary")
    page.wait_for_selector(f"[role=alert]:has-text('{words['type']}')")

    sent: list[str] = []

    def cut(route, request) -> None:
        sent.append(request.headers.get("upload-offset", ""))
        if len(sent) > 2:
            route.abort()
        else:
            route.continue_()

    page.route(
        "**/documents/uploads/*", lambda route, request: cut(route, request) if request.method == "PATCH" else route.continue_()
    )
    page.fill("#upload-title", "Plan 总图")
    page.set_input_files("#upload-file", file)
    page.locator("form.upload button.primary").press("Enter")
    until(lambda: page.evaluate("document.querySelector('form.upload progress').value > 0.4"), "two pieces came")
    assert page.evaluate("document.activeElement.closest('.acts') !== null"), "the keyboard stands on what pauses"
    page.reload()
    page.unroute_all(behavior="ignoreErrors")
    page.wait_for_selector(f"text={words['left']}")
    offsets: list[str] = []
    page.on(
        "request",
        lambda request: offsets.append(request.headers.get("upload-offset", "")) if request.method == "PATCH" else None,
    )
    page.set_input_files("#upload-file", file)
    page.click("form.upload button.primary")
    page.wait_for_selector("table.documents")
    assert int(offsets[0]) >= 8 << 20, "it did not begin anew"
    assert keeping.path_of(shared.state / "small", digest.hexdigest()).stat().st_size == length
    assert "总图.dxf" in page.inner_text("table.documents")


def test_a_content_that_is_refused_is_told_in_words(shared: Served, chromium) -> None:
    page = page_of(shared, chromium, 3, "zh-CN")
    page.wait_for_selector("form.upload[data-script]")
    page.set_input_files("#upload-file", files={"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"MZ" * 500})
    page.click("form.upload button.primary")
    page.wait_for_selector("[role=alert]:has-text('文件类型不可接受')")
    assert not page.is_disabled("#upload-file"), "another one can be chosen"


def test_without_scripts_the_form_sends_a_small_file(shared: Served, chromium) -> None:
    page = page_of(shared, chromium, 4, "en-US", java_script_enabled=False)
    assert "without scripts" in page.inner_text("#upload-says")
    page.set_input_files("#upload-file", files={"name": "图.pdf", "mimeType": "application/pdf", "buffer": files.PDF})
    page.click("form.upload button.primary")
    assert "Added" in page.inner_text(".messages") and "图.pdf" in page.inner_text("table.documents")
