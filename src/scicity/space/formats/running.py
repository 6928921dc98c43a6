"""Runs `apart.py` on a file and takes what it writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from scicity.kernel.problems import Problems

PROGRAM = Path(__file__).with_name("apart.py")
MEMORY = 6 << 30  # bytes of address space, of which most is never used
SECONDS, SECONDS_PER_MB = 300, 2  # of processor time
KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "TZ", "PROJ_DATA", "GDAL_DATA", "VIRTUAL_ENV")
LONGEST_HEAD = 1 << 20  # bytes of the first line, and of what is read of the error stream


@dataclass
class Running:
    """A file that is read apart: what is said of it first, then its batches."""

    head: dict[str, Any]
    batches: Iterator[pa.RecordBatch]


def run(task: dict[str, Any], file: Path, place: str, problems: Problems) -> Running | None:
    """Begins a task; None where the file is refused before its first batch. What is refused later goes to `problems` then."""
    size = sum(each.stat().st_size for each in file.parent.glob(f"{file.stem}.*") if each.is_file())
    folder = tempfile.mkdtemp(prefix="scicity-layer-")
    limits = {
        "RLIMIT_AS": MEMORY,
        "RLIMIT_CPU": SECONDS + SECONDS_PER_MB * size // (1 << 20),
        "RLIMIT_FSIZE": 20 * size + (1 << 30),
        "RLIMIT_CORE": 0,
    }
    surroundings = {name: os.environ[name] for name in KEPT if name in os.environ}
    surroundings |= {"TMPDIR": folder, "CPL_TMPDIR": folder, "PROJ_NETWORK": "OFF", "OMP_NUM_THREADS": "1"}
    errors = Path(folder, "errors")
    with errors.open("wb") as told:
        process = subprocess.Popen(  # noqa: S603  (our own program)
            [sys.executable, "-P", str(PROGRAM), json.dumps(task | {"file": str(file.resolve()), "limits": limits})],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=told,
            env=surroundings,
            cwd=folder,
        )
    assert process.stdout is not None  # noqa: S101  (it is a pipe)
    line = process.stdout.readline(LONGEST_HEAD)
    if not line.endswith(b"\n"):
        _end(process, folder, errors, place, problems, None)
        return None
    return Running(json.loads(line), _batches(process, process.stdout, folder, errors, place, problems))


def _batches(
    process: subprocess.Popen[bytes], out: IO[bytes], folder: str, errors: Path, place: str, problems: Problems
) -> Iterator[pa.RecordBatch]:
    number, whole = 0, False
    try:
        try:
            with pa.ipc.open_stream(out) as reader:
                for batch in reader:
                    yield batch
                    number += len(batch)
            whole = True
        except (pa.ArrowInvalid, OSError) as error:  # no batch, or one that was cut off: the end of the process tells why
            whole = "Tried reading schema message" in str(error) or number == 0
    finally:
        if not whole and process.poll() is None and sys.exc_info()[0] is GeneratorExit:
            process.kill()  # nobody wants the rest
            problems = Problems()
        out.close()
        _end(process, folder, errors, place, problems, number)


def _end(
    process: subprocess.Popen[bytes], folder: str, errors: Path, place: str, problems: Problems, number: int | None
) -> None:
    """Waits for the end, and tells what went wrong."""
    code = process.wait()
    with errors.open("rb") as opened:
        opened.seek(max(0, errors.stat().st_size - LONGEST_HEAD))
        last = opened.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    shutil.rmtree(folder, ignore_errors=True)
    if code == 0:
        return
    row = None if number is None else number + 1
    told: dict[str, Any] = {}
    if code == 3:
        try:
            told = json.loads(last)
        except ValueError:
            told = {}
    if told:
        expected = told.get("expected") or "a file that can be read"
        problems.add(told["code"], place, told.get("row") or row, found=told["found"], expected=expected)
        return
    limit = "too much memory or time" if code in (-9, -24, -25) else "which breaks its reader"
    remedy = "Export the file again from the program that made it."
    problems.add("syntax", place, row, found=f"a content {limit} ({code})", expected="a file that can be read", remedy=remedy)
