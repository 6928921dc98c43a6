"""The shape that the design asks for, held file by file: names, sizes, what a domain holds, what may stand in no file."""

from __future__ import annotations

import ast
import csv
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "scicity"
WRITTEN = (".py", ".ts", ".css", ".html")
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "misc"}
KERNEL_FILES = 10  # modules
LONGEST = 450  # lines; about 400 is what is meant
# What a domain may hold beside modules of its own; the same names in each.
FOLDERS = {"methods", "indicators", "pages", "golden", "migrations", "standards", "networks"}
SLUG = re.compile(r'^slug\s*=\s*"([^"]+)"', re.MULTILINE)
PLACES = re.compile(r"://|/(?:root|home|work|opt|tmp)/|^--", re.MULTILINE)


def files() -> list[Path]:
    """The files of the working tree: committed, or new and not ignored; in an archive without git, all that are written."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        return [path for path in SOURCE.rglob("*") if path.suffix in WRITTEN and "node_modules" not in path.parts]
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


FILES = files()
CODE = [path for path in FILES if path.suffix in WRITTEN]
DOMAINS = sorted(path.parent for path in SOURCE.glob("domains/*/__init__.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_named_after_nothing() -> None:
    assert [named(path) for path in FILES if FORBIDDEN & {path.stem, path.parent.name}] == []


def test_files_are_short() -> None:
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST and not name.endswith(".css")} == {}


def test_the_kernel_stays_small() -> None:
    own = SOURCE / "kernel" / "__init__.py"  # says what the package is, and holds no code: it is not counted
    assert [type(part) for part in ast.parse(own.read_text(encoding="utf-8")).body] == [ast.Expr]
    assert len([path for path in own.parent.rglob("*.py") if path != own]) <= KERNEL_FILES


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda path: path.name)
def test_a_domain_has_the_same_parts_as_every_other(domain: Path) -> None:
    assert (domain / "README.md").read_text(encoding="utf-8").startswith(f"# {domain.name}\n")
    assert (domain / "tables.py").is_file()
    folders = {path.name for path in domain.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= FOLDERS
    if "methods" in folders:
        assert list(domain.glob("golden/test_*.py")), "methods without a golden case"
    if "pages" in folders:
        assert {"__init__.py", "urls.py"} <= {path.name for path in (domain / "pages").iterdir()}


def test_the_program_knows_no_district() -> None:
    slugs = {
        found for toml in ROOT.glob("districts/*/district.toml") for found in SLUG.findall(toml.read_text(encoding="utf-8"))
    }
    slugs.discard("demo")  # a word of its own; the invented district is named by its folder
    parts = [
        path for path in CODE if SOURCE in path.parents and "golden" not in path.parts and not path.name.startswith("test_")
    ]
    assert slugs
    assert [named(path) for path in parts if any(slug in path.read_text(encoding="utf-8") for slug in slugs)] == []
    assert [named(path) for path in parts if "districts/demo" in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_locks_name_no_place_and_hash_every_package(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert PLACES.findall(text) == []
    packages = re.split(r"\n(?=\w)", text)[1:]
    assert packages
    assert [package.split("==")[0] for package in packages if "--hash=sha256:" not in package] == []


def test_the_lock_of_the_front_end_names_no_registry() -> None:
    lock = json.loads((SOURCE / "cockpit" / "frontend" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if "resolved" in package or "integrity" not in package] == []


def test_the_vocabulary_is_sorted_and_names_each_word_once() -> None:
    with (SOURCE / "vocabulary" / "terms.csv").open(encoding="utf-8", newline="") as rows:
        terms = [row["term"] for row in csv.DictReader(rows)]
    assert terms == sorted(set(terms))


def test_the_door_is_a_short_script_of_the_plain_shell() -> None:
    text = (ROOT / "scicity").read_text(encoding="utf-8")
    assert text.startswith("#!/bin/sh\n")
    assert len(text.splitlines()) <= 120
    assert subprocess.run(["sh", "-n", ROOT / "scicity"], check=False).returncode == 0
