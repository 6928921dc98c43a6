"""Writes the skeleton of a new part, in a folder of its own: nothing else is edited, for parts are found, not registered."""

import keyword
import os
import re
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from scicity.commands import HOME, Json, say, stop

SCAFFOLDS = Path(__file__).parents[1] / "scaffolds"
# Where each kind lies, and what its name looks like; DOMAIN is the part of the name before the dot.
PLACES = {
    "domain": "src/scicity/domains/NAME",
    "method": "src/scicity/domains/DOMAIN",
    "page": "src/scicity/domains/DOMAIN",
    "protocol": "src/scicity/access/NAME",
    "indicator": "districts/DOMAIN",
    "district": "districts/NAME",
}
INSIDE = {"method": "energy.night_share", "page": "energy.peaks", "indicator": "demo.energy-per-area"}
WORD = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
DASHED = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
# Nothing that Python, YAML, TOML or HTML would take for its own.
PLAIN = re.compile(r"[^\"'{}\\\[\]$:#,<>%&\s]+(?: [^\"'{}\\\[\]$:#,<>%&\s]+)*")
LONGEST = 30  # characters of a name
DATA = ("district", "indicator")  # their names are identifiers of files, not of Python
# What to do next, by kind; the last step is the same for all.
STEPS = {
    "domain": ("declare what its tables say, in the words of vocabulary/terms.csv", "./scicity test $folder/golden"),
    "method": ("write what it tells, with units, errors and source, and its known answers", "./scicity test $folder/golden"),
    "page": ("show what it is about: the README of the cockpit names every tag", "./scicity up, and open /$domain/$name/"),
    "protocol": ("put messages of real devices into recordings/, and read them", "./scicity test tests/test_protocols.py"),
    "indicator": ("say what was promised, by which document, and how it is measured", "./scicity check $folder"),
    "district": ("fill in district.toml and registers/", "./scicity check $folder, then ./scicity up $folder"),
}
LAST_STEP = "./scicity docs, which renders the reference anew; then commit"


def run(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(PLACES)}.", show_default=False)],
    name: Annotated[str, typer.Argument(help="Its name; with its place in front, energy.night_share, is --in said shortly.")],
    inside: Annotated[str, typer.Option("--in", help="The domain of a method or page, the district of an indicator.")] = "",
    zh: Annotated[str, typer.Option(help="What it is called in Chinese; the same as in English, unless said.")] = "",
    en: Annotated[str, typer.Option(help="What it is called in English.")] = "",
    as_json: Json = False,
) -> None:
    if kind not in PLACES:
        stop(f"there is no kind {kind!r}; choose one of {', '.join(PLACES)}", as_json)
    domain, _, own = name.rpartition(".") if kind in INSIDE and not inside else (inside, "", name)
    if inside and kind not in INSIDE:
        stop(f"a {kind} lies in nothing else: leave --in out", as_json)
    if kind in INSIDE and not domain:
        stop(f"a {kind} is named with its place, like {INSIDE[kind]}, or with --in", as_json)
    pattern = DASHED if kind in DATA else WORD
    parts = (own, domain or own)
    if not all(pattern.fullmatch(part) and not keyword.iskeyword(part) and len(part) <= LONGEST for part in parts):
        sign = "-" if kind in DATA else "_"
        stop(f"{name!r} is no name here: small letters, digits and {sign}, a letter first, at most {LONGEST}", as_json)
    folder = HOME / filled_path(PLACES[kind], domain, own)
    if domain and not folder.is_dir():
        stop(f"there is no folder {folder.relative_to(HOME)}", as_json)
    english = en or own.replace("_", " ").replace("-", " ").capitalize()
    words = {"domain": domain, "name": own, "dashed": own.replace("_", "-"), "en": english, "zh": zh or english}
    for text in (english, zh or english):
        if not PLAIN.fullmatch(text) or len(text) > 2 * LONGEST:
            stop(f"{text!r} is no plain name: at most {2 * LONGEST} characters, no quotes, brackets, signs", as_json)
    files = rendered(kind, folder, words)
    if not folder.resolve().is_relative_to(HOME) or any(not file.resolve().is_relative_to(folder.resolve()) for file in files):
        stop(f"{folder.relative_to(HOME)} leads out of {HOME.name}", as_json)
    if kind == "page" and not (folder / "pages" / "__init__.py").exists():
        stop(f"{domain} has no board yet: write pages/__init__.py and pages/urls.py as `scicity new domain` does", as_json)
    taken = [file for file in files if os.path.lexists(file)] or ([folder] if not domain and os.path.lexists(folder) else [])
    if taken:
        stop(f"{taken[0].relative_to(HOME)} is there already; nothing was written", as_json)
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as new:
            new.write(text)
    written = [str(file.relative_to(HOME)) for file in files]
    told = {"domain": domain, "name": own, "folder": str(folder.relative_to(HOME))}
    steps = [*(Template(step).substitute(told) for step in STEPS[kind]), LAST_STEP]
    lines = ["written:", *(f"  {file}" for file in written), "next:", *(f"  {n}. {step}" for n, step in enumerate(steps, 1))]
    say({"kind": kind, "name": name, "written": written, "next": steps}, "\n".join(lines), as_json)


def filled_path(path: str, domain: str, name: str) -> str:
    """A path of a scaffold with the names in it."""
    return path.replace("DOMAIN", domain).replace("NAME", name)


def rendered(kind: str, folder: Path, words: dict[str, str]) -> dict[Path, str]:
    """The files of a new part with their texts; a package's own file stays as it is where there is one."""
    scaffold = SCAFFOLDS / kind
    found = {}
    for source in sorted(scaffold.rglob("*.txt")):
        place = filled_path(str(source.relative_to(scaffold)), words["domain"], words["name"]).removesuffix(".txt")
        if source.name == "__init__.py.txt" and (folder / place).exists() and kind == "method":
            continue
        found[folder / place] = Template(source.read_text(encoding="utf-8")).substitute(words)
    return found
