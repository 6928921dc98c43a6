"""Documented or failing: tables, terms, methods, problems, commands, settings say what they are; so does the reference."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from scicity.kernel.district import District
from scicity.kernel.problems import catalogue
from scicity.kernel.tables import READING_PREFIX, Table, discover
from scicity.reference import methods, words
from scicity.vocabulary import terms

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "scicity"
HAN = re.compile(r"[\u4e00-\u9fff]")
# A quantity in a signature; what takes and gives texts, truths and tables alone has no unit.
QUANTITY = re.compile(r"\b(?:float|float64|int64|Fraction|Decimal|Ints|Integers|Floats|Reals)\b")
UNIT = re.compile(r"\[[^\]\n]+\]")
CITED = re.compile(r"\bSources?:")
LINK = re.compile(r"(?<!`)!?\[[^\]\n]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)")
VARIABLE = re.compile(r"\bSCICITY_[A-Z_]+\b")
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("districts/*/*.md"),
    *(page for page in SOURCE.glob("**/*.md") if "node_modules" not in page.parts),
]


def in_code() -> list[Path]:
    """The Python of the program itself: no tests, no scaffolds."""
    return [file for file in SOURCE.rglob("*.py") if "golden" not in file.parts and "node_modules" not in file.parts]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_reference_is_as_rendered() -> None:
    # In a process of its own: the tests of the pages set an environment that others must not see.
    told = {name: value for name, value in os.environ.items() if not VARIABLE.fullmatch(name)} | {"SCICITY_HOME": str(ROOT)}
    command = [sys.executable, "-m", "scicity", "docs", "--check"]
    done = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


FUNCTIONS = [
    pytest.param(module, function, id=f"{domain}.{file.stem}.{function.name}")
    for domain, file, module in methods.modules()
    for function in methods.public_functions(module)
]


@pytest.mark.parametrize(("module", "function"), FUNCTIONS)
def test_a_method_tells_units_errors_and_source(module: ast.Module, function: ast.FunctionDef) -> None:
    said, shared = ast.get_docstring(function) or "", ast.get_docstring(module) or ""
    assert said, "no docstring"
    if QUANTITY.search(methods.called(function)):
        assert UNIT.search(said) or UNIT.search(shared), (
            "quantities without units in brackets, here or at the head of the module"
        )
    for error in raised(function):
        assert re.search(rf"[Rr]aises[^.]*\b{error}\b", said), f"{error} is raised and not told"
    assert CITED.search(said) or CITED.search(shared), "no `Source:`, here or at the head of the module"


def raised(function: ast.FunctionDef) -> set[str]:
    """The errors that a function raises itself."""
    found = set()
    for node in ast.walk(function):
        error = node.exc.func if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) else None
        if isinstance(error, ast.Name | ast.Attribute):
            found.add(error.id if isinstance(error, ast.Name) else error.attr)
    return found


@cache
def tables() -> list[Table]:
    """Every declared table that any district has."""
    return list(discover(district=District(ROOT / "no-district", {"district": {}})).tables.values())


def test_every_table_has_a_text_and_titles_in_both_languages() -> None:
    declared = [table for table in tables() if not table.name.startswith(READING_PREFIX)]
    assert declared
    assert [table.name for table in declared if not table.doc.strip()] == []
    assert [table.name for table in declared if not HAN.search(table.title_zh) or not table.title_en] == []


def test_every_term_and_problem_has_both_languages() -> None:
    assert [term.term for term in terms().values() if not HAN.search(term.zh) or not term.en] == []
    assert [
        code for code, row in catalogue().items() if not all(row.values()) or not HAN.search(row["zh"] + row["remedy_zh"])
    ] == []


def test_every_problem_in_code_is_in_the_catalogue_and_the_reverse() -> None:
    texts = {text for file in in_code() for text in constants(file)}
    assert sorted(set(catalogue()) - texts) == []
    assert sorted({code for file in in_code() for code in codes_added(file)} - set(catalogue())) == []


def constants(file: Path) -> set[str]:
    """Every text that stands in a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def codes_added(file: Path) -> set[str]:
    """The codes of the problems that a file adds: the first argument of `problems.add` and of `Problem`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        to = ast.unparse(node.func)
        if to == "Problem" or re.search(r"(?:problems|faults)\.add$", to):
            found.add(str(node.args[0].value))
    return found


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_link_is_dead(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_command_and_each_of_its_parameters_has_a_help() -> None:
    from typer.main import get_command

    from scicity.__main__ import app

    commands = get_command(app).commands
    assert {file.stem.replace("_", "-") for file in (SOURCE / "commands").glob("[!_]*.py")} == set(commands)
    assert [name for name, command in commands.items() if not (command.help or "").strip()] == []
    silent = [
        f"{name} {told.name}"
        for name, command in commands.items()
        for told in command.params
        if not getattr(told, "help", None)
    ]
    assert silent == []
    assert [name for name, command in commands.items() if not any(told.name == "as_json" for told in command.params)] == []


def test_every_setting_is_told_and_every_setting_told_is_read() -> None:
    told = words.settings_told()
    assert told == sorted(told, key=lambda row: (row["place"], row["setting"]))
    assert [row["setting"] for row in told if not HAN.search(row["zh"]) or not row["en"]] == []
    parts = [ROOT / "scicity", *SOURCE.rglob("*.py"), *ROOT.glob("tools/*"), *ROOT.glob("benchmarks/*.py")]
    read = {name for file in parts if file.is_file() for name in VARIABLE.findall(file.read_text(encoding="utf-8"))}
    assert sorted(row["setting"] for row in told if row["place"] == "environment") == sorted(read)


def test_every_key_of_a_district_is_told() -> None:
    told = {row["setting"] for row in words.settings_told() if row["place"] == "district.toml"}
    texts = {text for file in in_code() for text in constants(file)}
    assert sorted(key for key in told if not set(key.split(".")) <= texts) == []
    for file in ROOT.glob("districts/*/district.toml"):
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
        used = {f"{part}.{key}" for part, keys in settings.items() if isinstance(keys, dict) for key in keys}
        assert sorted(used - told) == [], named(file)
