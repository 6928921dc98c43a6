"""Documents come back with a back-up, closed to others; what was sent meanwhile does not make one that is named go missing."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scicity.cockpit.place import Place
from scicity.documents import keeping
from scicity.kernel.problems import Refused
from scicity.operation import backup
from scicity.operation.backup import back_up, content_of, read_manifest
from scicity.operation.restore import restore
from tests.operation.running import HOME, district, environment, scicity

ATTACHED = """
import io, json, sys
from tests.documents.served import give_subjects, prepare
give_subjects()
prepare()
from scicity import documents
from scicity.cockpit.models import Person
from scicity.notices import notify
from tests.documents import files
wang = Person.objects.get(username="wang")
file = io.BytesIO(files.PDF)
file.name = "图.pdf"
version = documents.attach(wang, "energy.case:wang", "drawing", "plan", file)
notify([wang], "energy.case:wang", "已收到", "received")
from scicity.documents import uploading, attaching
begun = uploading.begin(wang, attaching.Place("energy.case:wang", "drawing", "half"), "a.dxf", 100)
uploading.receive(begun, 0, [b"half of it"])
"""
ASKED = """
import json
from scicity.cockpit.first import prepare_records
prepare_records()
from scicity.documents.models import Upload, Version
from scicity.notices.models import Notice
from scicity.cockpit import trail
told = {"versions": list(Version.objects.values_list("name", "sha256")),
        "notices": list(Notice.objects.values_list("text_zh", "state")),
        "uploads": list(Upload.objects.values_list("offset", flat=True)), "holds": trail.verified().fault is None}
print(json.dumps(told))
"""


def run(code: str, state: Path, folder: Path, **more: str) -> str:
    told = environment(state, SCICITY_DISTRICT=str(folder), **more)
    told["PYTHONPATH"] = f"{HOME / 'src'}:{HOME}"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_documents_and_notices_come_back(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    settings = {}
    if kind == "postgresql":
        settings["SCICITY_DATABASE"] = request.getfixturevalue("postgres").address
    folder = district(tmp_path, 9)
    run(ATTACHED, tmp_path / "state", folder, **settings)
    before = json.loads(run(ASKED, tmp_path / "state", folder, **settings).splitlines()[-1])
    assert len(before["versions"]) == 1 and before["uploads"] == [10] and before["holds"]
    done = scicity(tmp_path / "state", "backup", "--to", str(tmp_path / "to"), "--district", str(folder), **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    more = ["--replace"] if settings else []
    done = scicity(tmp_path / "other", "restore", "--from", str(tmp_path / "to"), "--district", str(folder), *more, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(run(ASKED, tmp_path / "other", folder, **settings).splitlines()[-1]) == before
    name, digest = before["versions"][0]
    content = keeping.path_of(tmp_path / "other" / "small", digest)
    assert hashlib.sha256(content.read_bytes()).hexdigest() == digest and name == "图.pdf"
    assert stat.S_IMODE(content.stat().st_mode) == 0o600
    assert {stat.S_IMODE(each.stat().st_mode) for each in (content.parent, content.parent.parent)} == {0o700}
    manifest = next((tmp_path / "to").glob("small-*.json"))
    assert not [path for path in read_manifest(manifest)["files"] if path.startswith(("uploads", "mail", "secret"))]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A state with one content."""
    made = Place(district(tmp_path, 9), tmp_path / "state")
    made.state.mkdir(parents=True)
    with keeping.incoming(made.state, [b"the plan"], 100) as kept:
        keeping.keep(made.state, kept)
    return made


def test_a_content_that_is_kept_while_a_back_up_runs_is_whole_in_it_or_not_in_it(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = backup._link

    def meanwhile(*arguments: Any) -> None:
        with keeping.incoming(place.state, [b"another " * 1000], 10**6) as kept:
            keeping.keep(place.state, kept)
            link(*arguments)

    monkeypatch.setattr(backup, "_link", meanwhile)
    manifest = back_up(place, tmp_path / "to").manifest
    for path, (digest, size, _) in read_manifest(manifest)["files"].items():
        assert content_of(manifest.parent, digest).stat().st_size == size
        assert not path.startswith("documents/") or path.endswith(digest), "a content is named by its digest"
    other = Place(place.district, tmp_path / "other")
    restore(other, manifest)
    digest = hashlib.sha256(b"the plan").hexdigest()
    assert keeping.path_of(other.state, digest).read_bytes() == b"the plan"


def test_a_content_that_is_known_is_not_read_again_and_damage_is_named(place: Place, tmp_path: Path) -> None:
    first = back_up(place, tmp_path / "to")
    assert back_up(place, tmp_path / "to").fresh == 0
    digest = hashlib.sha256(b"the plan").hexdigest()
    content = content_of(tmp_path / "to", digest)
    content.unlink()
    content.write_bytes(b"the flan")
    with pytest.raises(Refused, match=digest):
        restore(Place(place.district, tmp_path / "other"), first.manifest)


def test_contents_are_kept_once_and_never_written_over(tmp_path: Path) -> None:
    with keeping.incoming(tmp_path, [b"the ", b"plan"], 8) as kept:
        first = keeping.keep(tmp_path, kept)
        inode = first.stat().st_ino
        assert keeping.keep(tmp_path, kept) == first and first.stat().st_ino == inode
    assert not list((tmp_path / "uploads").iterdir()) and first.stat().st_nlink == 1
    first.write_bytes(b"damaged by a disk")
    with keeping.incoming(tmp_path, [b"the plan"], 8) as kept, pytest.raises(OSError, match="damaged"):
        keeping.keep(tmp_path, kept)
    with pytest.raises(OverflowError), keeping.incoming(tmp_path, io.BytesIO(b"x" * 9), 8):
        pass
    assert not list((tmp_path / "uploads").iterdir())
    for wrong in ("", "../../secret", "A" * 64, "0" * 63, "0" * 64 + "\n"):
        with pytest.raises(ValueError, match="SHA-256"):
            keeping.path_of(tmp_path, wrong)
