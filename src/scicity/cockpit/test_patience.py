"""Bodies that come slowly, or never, hold up nobody else; no clock is waited for."""

from __future__ import annotations

import threading
from io import BytesIO

import pytest

from scicity.cockpit import patience
from scicity.cockpit.patience import NOBODY, OTHERS, OWN, WAITING, Body, BodyError, Cut, Patience, TooMany, TooSlow


class Never:
    """A body that does not come before its connection ends."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def read(self, size: int = -1) -> bytes:
        self.ended.wait()
        return b""


def answering(environment, start):
    start("200 OK", [])
    return [environment["wsgi.input"].read()]


def test_a_body_is_read_whole_and_once():
    told = {"CONTENT_LENGTH": "6", "wsgi.input": BytesIO(b"ab\ncd\n beyond it")}
    assert Patience(answering)(told, lambda *_: None) == [b"ab\ncd\n"]
    told = Body(Patience(answering), BytesIO(b"ab\ncd\n"), 6)
    assert (told.readline(), told.read(1), told.read()) == (b"ab\n", b"c", b"d\n")


def test_without_a_length_there_is_no_body():
    for length in (None, "", "0", "-1", "²", "9" * 30):
        told = {"CONTENT_LENGTH": length, "wsgi.input": Never()}
        assert Patience(answering)(told, lambda *_: None) == [b""]


def test_a_body_that_is_cut_is_told():
    with pytest.raises(Cut, match="2 bytes came of 9"):
        Body(working(), BytesIO(b"ab"), 9).of("device")


def test_nobody_sends_more_than_a_page_asks_for():
    with pytest.raises(BodyError):
        Body(working(), Never(), patience.MOST_BYTES + 1).read()


def working(seconds: float = 0.0) -> Patience:
    """As within a request that is worked on."""
    made = Patience(answering, patience=seconds)
    made.working.acquire()
    return made


def waited_for(made: Patience, whose: str, count: int, never: Never) -> None:
    for _ in range(count):
        with pytest.raises(TooSlow):
            made.read(never, 1, whose)


def test_of_one_sender_few_are_waited_for_and_others_go_on():
    made, never = working(), Never()
    waited_for(made, "evil", OWN, never)
    with pytest.raises(TooMany):
        made.read(never, 1, "evil")
    waited_for(made, NOBODY, OTHERS, never)
    with pytest.raises(TooMany):
        made.read(never, 1, NOBODY)
    made.patience = 60.0  # comes at once
    assert made.read(BytesIO(b"a"), 1, "good") == b"a"
    made.patience = 0.0
    for number in range((WAITING - OWN - OTHERS) // OWN):
        waited_for(made, f"evil-{number}", OWN, never)
    with pytest.raises(TooMany):
        made.read(BytesIO(b"a"), 1, "good")
    never.ended.set()
    made._pool.shutdown(wait=True)
    assert made._waiting.total() == 0


def test_while_a_body_is_waited_for_others_are_worked_for(monkeypatch):
    monkeypatch.setattr(patience, "WORKING", 1)
    made, never, begun = Patience(answering, patience=60.0), Never(), threading.Event()
    read = never.read

    def coming(size: int = -1) -> bytes:
        begun.set()
        return read(size) or b"x"

    never.read = coming
    answers: list[list[bytes]] = []
    slow = threading.Thread(target=lambda: answers.append(made({"CONTENT_LENGTH": "1", "wsgi.input": never}, lambda *_: None)))
    slow.start()
    begun.wait()
    assert made({"CONTENT_LENGTH": "1", "wsgi.input": BytesIO(b"y")}, lambda *_: None) == [b"y"]
    never.ended.set()
    slow.join()
    assert answers == [[b"x"]]
