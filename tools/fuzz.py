"""Coverage-guided fuzzing of the decoders (`pip install 'scicity[fuzz]'`), each in a process of its own, one after the other:

    .venv/bin/python -m tools.fuzz hj212 mqtt --seconds 600
    .venv/bin/python -m tools.fuzz --all --seconds 600

Nothing but what a decoder collects as problems may come of any payload; everything else is a finding. A finding is kept in
`--work`, and is mended with a recording. What reaches new code is kept below tests/fuzz/corpus, few and small, and replayed by
the tests. Figures of each run go to `--work`/report.csv.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

INSTRUMENTED = ["scicity.access", "scicity.kernel.problems"]
LONGEST = 4_096  # [byte] of a payload
MEMORY = 2_048  # [MB] of a process, beyond which it is a finding
SLOW = 10  # [s] of one payload, beyond which it is a finding
KEPT_FILES, KEPT_BYTES = 200, 300_000  # of a target's corpus
BLIND = 0.3  # share of mutations that know nothing of the payload
STATUS = re.compile(r"#(\d+)\s.*?cov: (\d+) ft: (\d+).*?(?:exec/s: (\d+))?")
EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
REPORT = ("target", "seconds", "executions", "edges", "features", "findings", "corpus_files", "corpus_bytes")


def main() -> None:
    """Runs what is asked for; ends with 1 where anything was found."""
    from tools.fuzz_targets import TARGETS

    options = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__.partition("\n")[0])
    options.add_argument("protocols", nargs="*", help=f"of {', '.join(TARGETS)}, or beginnings of them")
    options.add_argument("--all", action="store_true", help="every decoder")
    options.add_argument("--seconds", type=int, default=600, help="of each decoder")
    options.add_argument("--jobs", type=int, default=1, help="decoders at once")
    options.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "scicity-fuzz", help="findings and figures")
    asked = options.parse_args()
    unknown = [name for name in asked.protocols if not any(target.startswith(name) for target in TARGETS)]
    if unknown or not (asked.all or asked.protocols):
        options.error(f"protocols of {', '.join(TARGETS)}, or --all; found {', '.join(unknown) or 'none'}")
    chosen = [name for name in TARGETS if asked.all or name.startswith(tuple(asked.protocols))]
    asked.work.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max(asked.jobs, 1)) as pool:
        told = list(pool.map(lambda name: run(name, asked.seconds, asked.work), chosen))
    sys.exit(1 if any(each["findings"] for each in told) else 0)


def run(name: str, seconds: int, work: Path) -> dict[str, int | str]:
    """Fuzzes one target for so long, keeps its corpus small, and gives the figures of REPORT."""
    from tools.fuzz_targets import CORPUS, TARGETS

    growing, findings = work / name / "corpus", work / name / "findings"
    for folder in (growing, findings, CORPUS / name):
        folder.mkdir(parents=True, exist_ok=True)
    _forget_mended(name, findings)
    for seed in TARGETS[name].seeds():
        (growing / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    executions = edges = features = 0
    begun = time.monotonic()
    with (work / name / "log").open("w", encoding="utf-8") as log:
        while (left := seconds - int(time.monotonic() - begun)) > 0:
            words = work / name / "words"
            words.write_text(_dictionary(TARGETS[name].words), encoding="utf-8")
            told = [f"-max_total_time={left}", f"-artifact_prefix={findings}/", "-print_final_stats=1"]
            told += [f"-dict={words}"] if TARGETS[name].words else []
            limits = [f"-max_len={LONGEST}", f"-timeout={SLOW}", f"-rss_limit_mb={MEMORY}"]
            done = _fuzzer(name, findings, [*told, *limits, str(growing), str(CORPUS / name)])
            log.write(done)
            last = max(STATUS.findall(done), key=lambda found: int(found[0]), default=("0", "0", "0", ""))
            counted = EXECUTED.search(done)
            executions += int(counted[1] if counted else last[0])
            edges, features = max(edges, int(last[1])), max(features, int(last[2]))
            if not int(last[0]):
                raise SystemExit(f"{name}: the fuzzer does not run:\n{done[-2_000:]}")
    files, size = _keep(name, work, [growing, CORPUS / name], CORPUS / name)
    found = len(list(findings.iterdir()))
    figures = (name, round(time.monotonic() - begun), executions, edges, features, found, files, size)
    told_before = (work / "report.csv").exists()
    with (work / "report.csv").open("a", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([figures] if told_before else [REPORT, figures])
    report = dict(zip(REPORT, figures, strict=True))
    print(", ".join(f"{key} {value}" for key, value in report.items()), flush=True)
    return report


def _forget_mended(name: str, findings: Path) -> None:
    """Lets go of findings of earlier runs of which nothing but problems comes by now; what ended the process stays."""
    from tools.fuzz_targets import TARGETS, check

    for file in findings.glob("*.in"):
        with suppress(Exception):
            check(TARGETS[name], file.read_bytes())
            file.unlink()


def _fuzzer(name: str, findings: Path, arguments: list[str]) -> str:
    command = [sys.executable, "-m", "tools.fuzz", "--one", name, str(findings), *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stderr  # noqa: S603


def _keep(name: str, work: Path, grown: list[Path], kept: Path) -> tuple[int, int]:
    """Keeps the fewest and smallest payloads that reach the same code, and gives how many and how large they are."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        merged = Path(folder) / "merged"
        merged.mkdir()
        _fuzzer(name, Path(folder), ["-set_cover_merge=1", f"-max_len={LONGEST}", str(merged), *map(str, grown)])
        payloads = sorted((file.read_bytes() for file in merged.iterdir()), key=len)
    if payloads:
        for file in kept.iterdir():
            file.unlink()
    size = 0
    for count, payload in enumerate(payloads):
        if count == KEPT_FILES or size + len(payload) > KEPT_BYTES:
            break
        (kept / f"{hashlib.sha256(payload).hexdigest()[:16]}.in").write_bytes(payload)
        size += len(payload)
    return len(list(kept.iterdir())), size


def _dictionary(words: tuple[bytes, ...]) -> str:
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words)


def one(name: str, findings: Path, arguments: list[str]) -> None:
    """The fuzzer itself, in a process of its own. A finding is kept once for each place that it comes from, and it goes on."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tools.fuzz_targets import TARGETS, check
    target, known = TARGETS[name], set[str]()

    def each(payload: bytes) -> None:
        try:
            check(target, payload)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            where = f"{type(error).__name__} at {Path(frames[-1].filename).name}:{frames[-1].lineno}"
            where += " from " + " ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-4:-1])
            digest = hashlib.sha256(where.encode()).hexdigest()[:12]
            if digest not in known and not (findings / f"{digest}.in").exists():
                (findings / f"{digest}.in").write_bytes(payload)
                print(f"FOUND {digest} {where}: {error!r}"[:500], file=sys.stderr, flush=True)
            known.add(digest)

    def mutated(payload: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)  # noqa: S311  (the fuzzer's own, so that a run can be had again)
        if rng.random() < BLIND:
            return atheris.Mutate(payload, most)
        return target.mutate(payload, most, rng, lambda part, limit: atheris.Mutate(part, max(limit, 1)))[:most]

    again = shlex.join(
        [sys.executable, "-m", "tools.fuzz", "--one", name, str(findings)]
    )  # so a merge begins its own processes
    atheris.Setup([again, *arguments], each, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    else:
        main()
