"""Renders the reference in docs/reference/ from the code and the data; with --check only says where it is not as rendered."""

import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from scicity.commands import HOME, Json, say, stop


def run(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail where a page is not as rendered.")] = False,
    as_json: Json = False,
) -> None:
    from scicity.reference import FOLDER, pages

    folder = HOME / FOLDER
    if not (HOME / "src" / "scicity").is_dir():
        stop(f"{HOME} is not the folder of SciCity; run ./scicity docs there", as_json)
    if check:
        stale = stale_pages(HOME, folder)
        if stale:
            stop(f"not as rendered: {', '.join(stale)}; run ./scicity docs and commit them", as_json)
        say({"stale": []}, "the reference is as rendered.", as_json)
        return
    written = []
    rendered = pages(HOME)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in rendered:
            old.unlink()
    for name, text in rendered.items():
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text:
            (folder / name).write_text(text, encoding="utf-8")
            written.append(f"{FOLDER}/{name}")
    say({"written": written}, "\n".join(["written:", *written] if written else ["the reference was as rendered."]), as_json)


def stale_pages(home: Path, folder: Path) -> list[str]:
    """The pages that are not as rendered. A part that git does not hold yet may be missing from them."""
    from scicity.reference import pages

    found = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.md")}
    rendered = pages(home)
    stale = sorted(name for name in {*found, *rendered} if found.get(name) != rendered.get(name))
    fresh = uncommitted(home)
    if stale and fresh:
        without = pages(home, fresh)
        stale = [name for name in stale if found.get(name) != without.get(name)]
    return stale


def uncommitted(home: Path) -> frozenset[Path]:
    """The files that are new and not yet in git; none where there is no git."""
    if not shutil.which("git"):
        return frozenset()
    command = ["git", "ls-files", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=home, capture_output=True, check=False)  # noqa: S603  (our own command)
    return frozenset(home / name for name in listed.stdout.decode().split("\0") if name)
