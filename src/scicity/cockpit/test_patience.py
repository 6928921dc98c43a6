"""Bodies that come slowly, or never, hold up nobody else; no clock is waited for."""

from __future__ import annotations

import contextlib
import threading
from io import BytesIO

import pytest

from scicity.cockpit import patience
from scicity.cockpit.patience import NOBODY, OTHERS, OWN, WAITING, Body, BodyError, Cut, Patience, TooMany


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


def working() -> Patience:
    """As within a request that is worked on."""
    made = Patience(answering, patience=0.0)
    made.working.acquire()
    return made


def begin(made: Patience, whose: str, count: int, never: Never) -> list[threading.Thread]:
    """So many requests whose bodies are under way."""
    begun = threading.Semaphore(0)

    class Begun:
        def read(self, size: int = -1) -> bytes:
            begun.release()
            return never.read(size)

    def request() -> None:
        with made.working, contextlib.suppress(Cut):
            made.read(Begun(), 1, whose)

    threads = [threading.Thread(target=request) for _ in range(count)]
    for each in threads:
        each.start()
        begun.acquire()
    return threads


def test_of_one_sender_few_bodies_are_under_way_and_others_go_on():
    made, never = working(), Never()
    threads = begin(made, "evil", OWN, never) + begin(made, NOBODY, OTHERS, never)
    for whose in ("evil", NOBODY):
        with pytest.raises(TooMany):
            made.read(never, 1, whose)
    assert made.read(BytesIO(b"a"), 1, "good") == b"a"
    for number in range((WAITING - OWN - OTHERS) // OWN):
        threads += begin(made, f"evil-{number}", OWN, never)
    with pytest.raises(TooMany):
        made.read(BytesIO(b"a"), 1, "good")
    never.ended.set()
    for each in threads:
        each.join()
    assert made.read(BytesIO(b"a"), 1, "evil") == b"a"
    assert not made._coming


def test_a_body_waits_for_its_turn():
    made, never = working(), Never()
    threads = begin(made, "busy", OWN, never)
    made.patience = 60.0
    never_waits = threading.Timer(0.0, never.ended.set)
    never_waits.start()
    assert made.read(BytesIO(b"a"), 1, "busy") == b"a"
    for each in (*threads, never_waits):
        each.join()


def test_while_a_body_is_waited_for_others_are_worked_for(monkeypatch):
    monkeypatch.setattr(patience, "WORKING", 1)
    made, never = Patience(answering), Never()
    threads = begin(made, NOBODY, 3, never)
    assert made({"CONTENT_LENGTH": "1", "wsgi.input": BytesIO(b"y")}, lambda *_: None) == [b"y"]
    never.ended.set()
    for each in threads:
        each.join()
