"""What is said to be met is proven by a test, and nothing is proven that is not said."""

from __future__ import annotations

from pathlib import Path

from scicity.access.sensorthings.requirements import PREFIX, met, requirements
from scicity.reference import sensorthings

HOME = Path(__file__).parents[2]


def test_each_requirement_that_is_met_has_a_test_and_no_test_names_another() -> None:
    proven = sensorthings.proofs(HOME)
    said = {each.name: each.state for each in requirements()}
    assert sorted(set(proven) - set(said)) == []
    assert [name for name, state in said.items() if (state != "not") != (name in proven)] == []


def test_each_requirement_stands_once_and_those_met_whole_are_told() -> None:
    names = [each.name for each in requirements()]
    assert len(set(names)) == len(names)
    assert met() == [PREFIX + each.name for each in requirements() if each.state == "met" and not each.why]


def test_a_test_without_its_mark_would_be_missed(tmp_path: Path) -> None:
    """The page is rendered from tests: take one away, and the requirement has none."""
    file = tmp_path / "tests" / "sensorthings" / "test_one.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        '@pytest.mark.meets("a/b", "c")\ndef test_it():\n    pass\n\n\ndef test_other():\n    pass\n', encoding="utf-8"
    )
    assert sensorthings.proofs(tmp_path) == {
        "a/b": [(str(file.relative_to(tmp_path)), "test_it")],
        "c": [(str(file.relative_to(tmp_path)), "test_it")],
    }
    assert sensorthings.proofs(tmp_path, {file}) == {}
