"""What a file is, by its content alone; and what pretends."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicity.documents.recognising import NotTaken, recognised
from scicity.documents.rules import Rules, rules_of
from scicity.documents.types import TYPES
from scicity.kernel.problems import Problems
from tests.documents import files


def named(content: bytes, tmp_path: Path, suffix: str = "bin") -> str:
    file = tmp_path / "content"
    file.write_bytes(content)
    return recognised(file, suffix)


def test_every_type_is_known_by_its_content(tmp_path: Path) -> None:
    made = files.every(tmp_path)
    assert set(made) == set(TYPES)
    for name, (file_name, content) in made.items():
        assert named(content, tmp_path, file_name.rpartition(".")[2].lower()) == name


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (b"", "pdf"),
        (b"MZ\x90\x00" + bytes(60), "pdf"),
        (b"\x7fELF" + bytes(60), "zip"),
        (b"<!doctype html><script>alert(1)</script>", "csv"),
        (b"  <svg onload=alert(1)>", "csv"),
        (b"a,b\n1,\x00\n", "csv"),
        (b"a,b\n1,\xff\xff\xff\n", "csv"),
        (b"%PDF-1.7\ncut off", "pdf"),
        (b"xx" + files.PDF, "pdf"),
        (files.PDF + files.zipped({"a": b"a"}), "pdf"),
        (files.JPEG + files.zipped({"a": b"a"}), "jpg"),
        (files.png()[:-20], "png"),
        (b"GIF89a" + bytes(20), "png"),
        (b"SQLite format 3\0" + bytes(100), "gpkg"),
        (files.zipped({"a": b"a"})[:-8], "zip"),
        (files.zipped({"../../etc/cron.d/a": b"a"}), "zip"),
        (files.zipped({"C:/windows/a": b"a"}), "zip"),
        (files.zipped({"/a": b"a"}), "zip"),
        (files.zipped({"a": bytes(3_000_000)}), "zip"),
        (files.zipped({f"{n}": b"" for n in range(10_001)}), "zip"),
        (files.docx(**{"word/vbaProject.bin": b"macro"}), "docx"),
        (files.overlapping(), "zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "docx"),
    ],
)
def test_what_pretends_is_not_taken(content: bytes, suffix: str, tmp_path: Path) -> None:
    with pytest.raises(NotTaken):
        named(content, tmp_path, suffix)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (files.lying(bytes(60_000_000), 900_000), "more than 900000 bytes"),  # a bomb that says that it is small
        (files.lying(b"plan" * 50, 4), "more than 4 bytes"),
        (files.lying(b"plan", 400), "4 bytes unpacked"),
        (files.lying(b"plan" * 50, 200, checked=False), "sum of check"),
        (files.lying(b"plan", 4, packed=b"\xff\xff\xff"), "damaged"),
        (files.lying(b"", 0, packed=b""), "cut off"),
        (files.lying(b"", 0, packed=b"\x03\0" + b"hidden"), "behind"),
        (files.zipped({"a": b"a"}).replace(b"\0\0\0a", b"\0\0\0b", 1), "is listed"),
        (files.zipped({"a": b"plan" * 50}).replace(b"\x08\0", b"\x0c\0"), "method 12"),
    ],
)
def test_an_archive_is_as_large_as_it_says(content: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(NotTaken, match=told):
        named(content, tmp_path, "zip")


@pytest.mark.parametrize("packed", [True, False])
def test_an_archive_that_says_what_is_so_is_taken(packed: bool, tmp_path: Path) -> None:
    large = b"".join(b"%d\n" % number for number in range(500_000))  # more than a piece, packed or not
    assert named(files.zipped({"a": large, "图/b": b"", "c": b"c"}, packed), tmp_path, "zip") == "zip"


def test_a_member_under_a_password_or_a_link_is_not_taken(tmp_path: Path) -> None:
    content = bytearray(files.zipped({"a": b"a"}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(NotTaken, match="password"):
        named(bytes(content), tmp_path)
    content = bytearray(files.zipped({"a": b"/etc/passwd"}))
    at = content.index(b"PK\x01\x02") + 38
    content[at : at + 4] = (0o120777 << 16).to_bytes(4, "little")
    with pytest.raises(NotTaken, match="link"):
        named(bytes(content), tmp_path)


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=300), suffix=st.sampled_from(["csv", "zip", "pdf", "x"]), where=st.integers(0, 80))
def test_no_bytes_raise_anything_else(
    content: bytes, suffix: str, where: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for begun in (b"", b"PK\x03\x04", files.PDF, files.zipped({"a": b"a"})[:where], files.png()[:where]):
        try:
            assert named(begun + content, folder, suffix) in TYPES
        except NotTaken as refused:
            assert refused.found and refused.expected and refused.code.startswith("document-")


def test_the_rules_of_a_district_are_checked() -> None:
    problems = Problems()
    told = {"documents": {"size_mb": 0, "unfinished_hours": "2", "types": ["pdf", "exe"], "colour": 1}}
    assert rules_of(told, problems) == Rules()
    assert sorted(str(problem.field) for problem in problems) == [
        "documents.colour",
        "documents.size_mb",
        "documents.types",
        "documents.unfinished_hours",
    ]
    assert rules_of({"documents": {"size_mb": 3, "types": ["jpeg", "pdf"]}}) == Rules(3_000_000, 48, ("jpeg", "pdf"))
    assert rules_of({"documents": {"size_mb": 3, "types": ["jpeg", "pdf"]}}).suffixes == ("jpg", "jpeg", "pdf")
