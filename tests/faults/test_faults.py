"""A district with far more than forty faults in one folder: one check tells all of them, and nothing is loaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scicity.city import City
from scicity.kernel.problems import Problem, Refused
from tests.faults import seeds

DEMO = Path(__file__).parents[2] / "districts" / "demo"
GOLDEN = Path(__file__).parent / "golden.csv"  # file,row,field,code
FAULTS = 80  # at least so many, each of another kind or in another place
SAYS_NOTHING_FOUND = ("field-missing", "value-missing", "file-missing")
OF_THE_WHOLE_FILE = ("file-kind", "file-unknown", "parquet", "too-large")


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "demo"
    shutil.copytree(DEMO, folder)
    seeds.seed_all(folder)
    return folder


@pytest.fixture(scope="module")
def told(faulty: Path) -> list[Problem]:
    _, problems = City(faulty, faulty.parent / "checked").check()
    return list(problems)


def command(folder: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    state = {"SCICITY_STATE": str(folder.parent / "state"), "SCICITY_HOME": str(folder.parent)}
    run = [sys.executable, "-m", "scicity", name, str(folder), *options]
    return subprocess.run(run, env=os.environ | state, capture_output=True, text=True, timeout=120, check=False)


def test_one_check_tells_every_fault(told: list[Problem]) -> None:
    expected = GOLDEN.read_text(encoding="utf-8").splitlines()[1:]
    assert seeds.lines_of(told) == expected
    assert len(set(expected)) >= FAULTS


def test_each_problem_says_where_what_and_how_to_mend_it(told: list[Problem]) -> None:
    for problem in told:
        assert problem.expected and problem.remedy, problem
        assert problem.found or problem.code in SAYS_NOTHING_FOUND, problem
        assert problem.row or problem.field or problem.code in OF_THE_WHOLE_FILE, problem
        assert len(str(problem)) < 1_500 and str(problem).isprintable(), problem


def test_check_ends_with_status_1_and_json_and_nothing_is_loaded(faulty: Path, told: list[Problem]) -> None:
    checked = command(faulty, "check", "--json")
    assert checked.returncode == 1 and "Traceback" not in checked.stderr
    assert [row["code"] for row in json.loads(checked.stdout)["problems"]] == [problem.code for problem in told]
    loaded = command(faulty, "load")
    assert loaded.returncode == 1 and "Traceback" not in loaded.stderr
    assert f"{len(told)} problems; nothing was loaded." in loaded.stdout
    assert sorted(path.name for path in faulty.parent.iterdir()) == ["demo", "outside.csv"]


def test_of_files_outside_of_the_folder_nothing_is_told(told: list[Problem]) -> None:
    assert not [problem for problem in told if "secret" in str(problem)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, ["district.toml,,,file-missing"]),
        ('[district]\nslug = "demo\n', ["district.toml,2,,syntax"]),
        ("[district]\nslug = 'demo'\nname = {zh = '示'}\ntimezone = 'UTC'\n", ["district.toml,,zone,zone-root"]),
        ("district = 5\nzone = 7\n", ["district.toml,,district,value", "district.toml,,zone,value"]),
        (
            "[district]\nslug = '../../etc'\nname = 'x'\ntimezone = ['UTC']\n[lake]\nbuckets = 'many'\n"
            "[[zone]]\nzone = 'district'\nname_zh = ['a']\nname_en = 'a'\n"
            "[[zone]]\nzone = 'a'\nparent = 'b'\nname_zh = 'a'\nname_en = 'a'\n"
            "[[zone]]\nzone = 'b'\nparent = 'a'\nname_zh = 'b'\nname_en = 'b'\n",
            [
                *(f"district.toml,,{field},value" for field in ("lake.buckets", "name", "slug", "timezone")),
                *("district.toml,7,name_zh,value", "district.toml,11,parent,circle", "district.toml,16,parent,circle"),
            ],
        ),
        (b"\xff\xfe[\x00", ["district.toml,1,,encoding"]),
    ],
    ids=["missing", "syntax", "no-root", "no-tables", "odd-values", "utf-16"],
)
def test_a_settings_file_that_hides_the_rest(tmp_path: Path, settings: str | bytes | None, expected: list[str]) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    if settings is not None:
        (folder / "district.toml").write_bytes(settings if isinstance(settings, bytes) else settings.encode())
    city = City(folder, tmp_path / "state")
    with pytest.raises(Refused) as refused:
        city.load()
    assert seeds.lines_of(refused.value.problems) == expected
    assert not (tmp_path / "state").exists()
    assert city.district.slug in ("demo", "odd")
