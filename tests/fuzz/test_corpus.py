"""What the fuzzer kept is decoded again: nothing but problems may come of it. `tools/fuzz.py` makes it grow."""

from __future__ import annotations

import random

import pytest
from tools.fuzz_targets import CORPUS, TARGETS, Broken, Target, check

KEPT_FILES, KEPT_BYTES = 200, 300_000
KEPT = {name: sorted((CORPUS / name).glob("*.in")) for name in TARGETS}


def changed(payload: bytes, most: int) -> bytes:
    """Stands for the fuzzer: turns some bytes."""
    rng, made = random.Random(payload), bytearray(payload[:most])
    for _ in range(3 if made else 0):
        made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_kept_is_decoded_or_refused_with_problems(name: str) -> None:
    assert KEPT[name], "nothing is kept: run tools/fuzz.py"
    for file in KEPT[name]:
        check(TARGETS[name], file.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_mutated_within_their_frames_are_decoded_or_refused(name: str) -> None:
    rng = random.Random(1)
    for seed in TARGETS[name].seeds():
        check(TARGETS[name], seed)
        for _ in range(5):
            check(TARGETS[name], TARGETS[name].mutate(seed, 4_096, rng, changed))


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_kept_stays_small(name: str) -> None:
    assert len(KEPT[name]) <= KEPT_FILES and sum(file.stat().st_size for file in KEPT[name]) <= KEPT_BYTES


def test_most_mutated_frames_get_through_to_be_read() -> None:
    """Or the fuzzer would only ever find that sums are wrong."""
    rng, told = random.Random(1), {"cjt188": "check", "dlt645": "check", "hj212": "crc"}
    for name in told:
        whole = 0
        for seed in TARGETS[name].seeds():
            made = TARGETS[name].mutate(seed, 4_096, rng, changed)
            again = TARGETS[name].mutate(made, 4_096, rng, lambda payload, _: payload)
            whole += made == again
        assert whole > 0.8 * len(list(TARGETS[name].seeds())), name


@pytest.mark.parametrize("fault", [ValueError("x"), KeyError("x"), RecursionError()])
def test_an_exception_of_a_decoder_is_a_finding(fault: Exception) -> None:
    def decode(*_: object) -> None:
        raise fault

    with pytest.raises(type(fault)):
        check(Target("x", decode, lambda: iter(())), b"")
    with pytest.raises(Broken, match="without a problem"):
        check(Target("x", lambda *_: None, lambda: iter(())), b"")
