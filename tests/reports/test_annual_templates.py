"""Templates of the annual report: what they may say, faults with line and remedy, and what a hostile one comes to."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.kernel.problems import Problems
from scicity.reports.annual import template_files
from scicity.reports.annual.asking import WORDS
from scicity.reports.annual.template import DEEPEST, LARGEST, MOST_FAULTS, MOST_PLACES, Choice, read


def text_of(nodes) -> str:
    return " | ".join("".join(piece.text for piece in node.pieces) for node in nodes if not isinstance(node, Choice))


def test_a_template_is_text_with_placeholders() -> None:
    found = read(
        "# Head **{{ year }}**\n\nA *b* {{ value some-indicator year=2022 }}.\n\n1. one\n2. two\n   - below\n\n> said\n\n---\n"
    )
    assert found.faults == ()
    assert [node.kind for node in found.nodes] == ["heading", "paragraph", "item", "item", "item", "quote", "break"]
    head, paragraph, *items = found.nodes
    assert head.level == 1 and head.pieces[1].asked.word == "year" and head.pieces[1].bold
    assert [piece.slanted for piece in paragraph.pieces] == [False, True, False, False, False]
    assert paragraph.pieces[3].asked.options == {"year": "2022"} and paragraph.pieces[3].asked.line == 3
    assert [(item.level, item.mark) for item in items[:3]] == [(1, "1."), (1, "2."), (2, "•")]


def test_chinese_lines_are_joined_without_a_space() -> None:
    assert text_of(read("科学\n城 and\nmore").nodes) == "科学城 and more"


def test_a_table_of_text_holds_placeholders() -> None:
    (rows,) = read("| what | how |\n|---|---|\n| energy | {{ cell energy.zone_yearly.energy carrier=heat }} |\n").nodes
    assert rows.kind == "rows" and len(rows.rows) == 2 and rows.rows[1][1][0].asked.word == "cell"


def test_conditions_stand_on_lines_of_their_own() -> None:
    (choice,) = read("{{ if not table a.b }}\nno\n{{ else }}\nyes\n{{ if closed }}\nin\n{{ end }}\n{{ end }}").nodes
    assert choice.condition.negated and text_of(choice.then) == "no" and text_of(choice.otherwise) == "yes"
    assert isinstance(choice.otherwise[1], Choice)


@pytest.mark.parametrize(
    ("text", "line", "found", "remedy"),
    [
        ("a\n\n{{ valu x }}", 3, "valu", "Is value meant?"),
        ("{{ value }}", 1, "value", "See the list"),
        ("{{ value a b }}", 1, "value a b", "See the list"),
        ("{{ value a yeer=2022 }}", 1, "yeer", "See the list"),
        ("{{ value a year=22 }}", 1, "22", "See the list"),
        ("{{ value a year=2022 year=2023 }}", 1, "year=2023", "See the list"),
        ("{{ value ../../x;rm }}", 1, "../../x;rm", "See the list"),
        ("{{ }}", 1, "{{ }}", "See the list"),
        ("x {{ year", 1, "{{", "Add the other half"),
        ("x year }}", 1, "}}", "Add the other half"),
        ("text {{ section energy-carriers }} text", 1, "section", "Leave an empty line"),
        ("text {{ if closed }} text", 1, "{{ if closed }}", "Move it to a line"),
        ("{{ if closed }}\ntext", 1, "if", "Add a line {{ end }}"),
        ("\n{{ end }}", 2, "end", "Delete the line"),
        ("{{ else }}", 1, "else", "Delete the line"),
        ("{{ if closd }}\n{{ end }}", 1, "closd", "See the list"),
        ("{{ if status a splendid }}\n{{ end }}", 1, "splendid", "See the list"),
        ("{{ cell a.b }}", 1, "a.b", "See the list"),
        ("{{ table a.b columns=x,,y }}", 1, "x,,y", "See the list"),
        ("{{ indicators years=99 }}", 1, "99", "See the list"),
    ],
)
def test_a_fault_names_line_what_was_found_and_the_remedy(text: str, line: int, found: str, remedy: str) -> None:
    faults = read(text).faults
    assert faults and (faults[0].line, faults[0].found) == (line, found)
    assert faults[0].remedy[1].startswith(remedy) or faults[0].expected[1].endswith("{{ end }}")
    assert all(faults[0].expected) and faults[0].expected[0] != ""


def test_every_example_of_a_placeholder_can_be_read() -> None:
    for word in WORDS.values():
        assert read(word.example).faults == (), word.example


@pytest.mark.parametrize(
    "text",
    [
        "x" * (LARGEST + 1),
        "a\n" * 5_000,
        "y" * 5_000,
        "{{ year }} " * (MOST_PLACES + 1),
        "{{ if closed }}\n" * (DEEPEST + 2) + "{{ end }}\n" * (DEEPEST + 2),
        "- a\n" + "".join(" " * (2 * depth) + "- a\n" for depth in range(1, 40)),
    ],
    ids=["large", "lines", "long line", "placeholders", "conditions", "lists"],
)
def test_too_much_is_a_fault_and_no_work(text: str) -> None:
    assert read(text).faults


@pytest.mark.parametrize(
    "text",
    [
        "*" * 3_900,
        "> " * 1_900,
        "[" * 3_900,
        "`" * 3_900,
        "_a " * 1_300 + "\n" + "**b" * 1_300,
        "|" * 3_900 + "\n|---|\n",
        "\\" * 3_900,
    ],
    ids=["stars", "quotes", "brackets", "ticks", "emphasis", "bars", "escapes"],
)
def test_what_is_nested_without_end_is_read_soon(text: str) -> None:
    begun = time.process_time()
    read("\n\n".join([text] * 40))
    assert time.process_time() - begun < 20


def test_many_faults_are_listed_up_to_a_limit() -> None:
    assert len(read("{{ nothing }}\n\n" * (MOST_FAULTS + 50)).faults) == MOST_FAULTS


def test_markup_of_others_is_text() -> None:
    text = (
        "<script>alert(1)</script> [x](javascript:1) ![p](file:///etc/passwd) #set page(fill: red) $x$ {% load x %} ${7*7} @ref"
    )
    found = read(text)
    assert found.faults == () and text_of(found.nodes) == text


def test_control_characters_and_private_signs_are_replaced() -> None:
    found = text_of(read("a\x01b\x0bc\ue0000\ue001d\u202ee").nodes)
    assert found == "a\ufffdb\ufffdc\ufffd0\ufffdd\ufffde"


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("{}#*-_>|= \n\tabifendelse1.中\ue000\ue001\x00"), max_size=300))
def test_nothing_breaks_the_reading(text: str) -> None:
    found = read(text)
    for fault in found.faults:
        assert 1 <= fault.line <= text.count("\n") + 1 and fault.column >= 1


def test_the_check_of_a_district_tells_of_its_templates(tmp_path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "annual.zh.md").write_text("# 好\n\n{{ valu x }}\n", encoding="utf-8")
    (tmp_path / "reports" / "anual.en.md").write_text("# x\n", encoding="utf-8")
    problems = Problems()
    template_files.check(tmp_path, problems)
    told = {(each.code, each.file, each.row) for each in problems}
    assert told == {("report-template", "reports/annual.zh.md", 3), ("file-unknown", "reports/anual.en.md", None)}


def test_the_templates_that_come_with_the_program_have_no_fault(tmp_path) -> None:
    for language in template_files.LANGUAGES:
        assert read(template_files.template_of(tmp_path, language)).faults == ()
