"""Names as hostile people send them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.documents.naming import LONGEST_NAME, MOST_BYTES, RESERVED, safe_line, safe_name, suffix_of


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("图纸 一.pdf", "图纸 一.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\wang\\plan.dwg", "plan.dwg"),
        ("a/b\\..\\", "document"),
        ("..", "document"),
        ("", "document"),
        (".htaccess", "htaccess"),
        ("con.pdf", "_con.pdf"),
        ("LPT1", "_LPT1"),
        ("com¹.txt", "_com¹.txt"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("plan\u202efdp.exe", "planfdp.exe"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie_ x=1.pdf"),
        ("a\x00.pdf", "a.pdf"),
        ("a.pdf. . ", "a.pdf"),
        ('<img src="x">|?*.png', "_img src=_x_____.png"),
        ("\ud800.pdf", "_.pdf"),
        ("~$plan.docx", "_~$plan.docx"),
        ("e\u0301.pdf", "\u00e9.pdf"),
    ],
)
def test_a_name_is_made_safe(given_name: str, safe: str) -> None:
    assert safe_name(given_name) == safe


def test_a_long_name_keeps_its_suffix() -> None:
    made = safe_name("长" * 5000 + ".pdf")
    assert made.endswith(".pdf") and len(made) <= LONGEST_NAME and len(made.encode()) <= MOST_BYTES
    assert len(safe_name("a." + "b" * 5000)) <= LONGEST_NAME


@given(st.text(max_size=400))
def test_any_name_is_safe_and_stays(text: str) -> None:
    made = safe_name(text)
    assert made and len(made) <= LONGEST_NAME and len(made.encode()) <= MOST_BYTES
    assert not set(made) & set('/\\<>:"|?*') and not RESERVED.match(made)
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in made)
    assert made == made.strip(" .") and safe_name(made) == made


@given(st.text(max_size=400))
def test_a_line_is_one_line(text: str) -> None:
    made = safe_line(text, 50)
    assert len(made) <= 50 and len(made.splitlines()) <= 1 and "\u202e" not in made


def test_suffixes() -> None:
    assert [suffix_of(name) for name in ("a.PDF", "a", "a.tar.gz", ".x")] == ["pdf", "", "gz", "x"]
