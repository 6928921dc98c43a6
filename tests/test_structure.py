"""The shape that the design asks for, held file by file: names, sizes, what a domain holds, what may stand in no file."""

from __future__ import annotations

import ast
import csv
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "scicity"
WRITTEN = (".py", ".ts", ".css", ".html")
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "misc"}
KERNEL_FILES = 15  # modules
LARGEST = 5_000_000  # bytes of a text that is looked through
LONGEST = 450  # lines; about 400 is what is meant
# What a domain may hold beside modules of its own; the same names in each.
FOLDERS = {"methods", "indicators", "pages", "golden", "migrations", "standards", "networks"}
# Python that a domain may hold beside its folders: these, and modules that hold sources or tables for `tables.py`.
MODULES = {"__init__", "tables", "models", "admin", "api", "apps", "documents", "holdings", "limits", "reminders"}
# Hosts of registries and places of one machine; a lock, a document or a script that names one works nowhere else.
ELSEWHERE = re.compile(
    r"(?:files\.pythonhosted|pypi|registry\.npmjs|npmmirror|registry\.yarnpkg|conda)\.(?:org|com)|[\w.-]+\.(?:internal|corp|lan)\b"
    r"|/(?:root|work|Users)/|(?<![\w.])/home/\w|(?<![\d.])(?:10|192\.168)\.\d+\.\d+\.\d+\b"
)
BINARY = {".parquet", ".pbf", ".png", ".jpg", ".woff2", ".in"}
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
    beside = {path.stem for path in domain.glob("*.py")} - MODULES
    assert beside <= reached_from_tables(domain), "a module that tables.py does not lead to belongs into methods/ or pages/"
    if "methods" in folders:
        assert list(domain.glob("golden/test_*.py")), "methods without a golden case"
    if "pages" in folders:
        assert {"__init__.py", "urls.py"} <= {path.name for path in (domain / "pages").iterdir()}


def reached_from_tables(domain: Path) -> set[str]:
    """The modules of a domain that its tables.py or its api.py imports, by itself or through one another."""
    found: set[str] = set()
    waiting = [name for name in ("tables", "api") if (domain / f"{name}.py").is_file()]
    package = f"scicity.domains.{domain.name}"
    while waiting:
        tree = ast.parse((domain / f"{waiting.pop()}.py").read_text(encoding="utf-8"))
        names = {
            f"{node.module}.{alias.name}" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        mine = {name.removeprefix(f"{package}.").split(".")[0] for name in names if name.startswith(f"{package}.")}
        new = {name for name in mine if (domain / f"{name}.py").is_file()} - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("golden", sorted(SOURCE.glob("*/*/golden")), ids=named)
def test_known_answers_are_asked_for(golden: Path) -> None:
    assert list(golden.glob("test_*.py*")), "a folder of known answers without a test"


def test_no_file_names_a_registry_or_a_place_of_one_machine() -> None:
    found = {}
    for path in FILES:
        if path.suffix not in BINARY and path != Path(__file__) and path.stat().st_size < LARGEST:
            told = ELSEWHERE.search(path.read_text(encoding="utf-8"))
            if told:
                found[named(path)] = told[0]
    assert found == {}


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


def test_problems_are_sorted_and_each_code_stands_once() -> None:
    with (SOURCE / "vocabulary" / "problems.csv").open(encoding="utf-8", newline="") as rows:
        codes = [row["code"] for row in csv.DictReader(rows)]
    assert codes == sorted(set(codes))


def test_locks_hold_every_dependency_within_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    own = [Requirement(text) for text in project["dependencies"]]
    extras = project["optional-dependencies"]
    extra = [Requirement(text) for name, texts in extras.items() for text in texts if name != "fuzz"]  # no test needs it
    for lock, asked in (("requirements.lock", own), ("requirements-test.lock", [*own, *extra])):
        held = dict(
            re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)
        )
        versions = {re.sub(r"[-_.]+", "-", name): version for name, version in held.items()}
        missing = [
            str(need)
            for need in asked
            if not need.specifier.contains(versions.get(canonical(need.name), "0"), prereleases=True)
        ]
        assert missing == [], lock
        assert [need.name for need in asked if canonical(need.name) not in versions] == [], lock


def canonical(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_hooks_are_the_projects_own_and_download_nothing() -> None:
    told = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in told["repos"]] == ["local"]
    hooks = told["repos"][0]["hooks"]
    assert all(hook["language"] == "system" for hook in hooks)
    tools = {hook["entry"].split()[0] for hook in hooks}
    assert tools == {".venv/bin/ruff", ".venv/bin/lint-imports", ".venv/bin/mypy"}


def test_the_door_is_a_short_script_of_the_plain_shell() -> None:
    text = (ROOT / "scicity").read_text(encoding="utf-8")
    assert text.startswith("#!/bin/sh\n")
    assert len(text.splitlines()) <= 120
    assert subprocess.run(["sh", "-n", ROOT / "scicity"], check=False).returncode == 0
