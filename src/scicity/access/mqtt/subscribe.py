"""The subscriber: messages from a broker to the inbox, acknowledged when they are on stable storage.

Messages that come close together share one commit. While the inbox refuses, nothing is acknowledged, and the broker holds back
and keeps what it may send no more of: back-pressure instead of loss.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import numpy as np
import paho.mqtt.client as paho
import pyarrow as pa
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from scicity.access.files.readings import typed_columns
from scicity.access.http.decode import Reading
from scicity.access.inbox import Inbox, InboxFull, Unread
from scicity.access.mqtt.forms import OWN, SPARKPLUG, TOPICS, read
from scicity.access.mqtt.sparkplug import REBIRTH, Births, Payload
from scicity.access.storage import StorageRefused
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL

MOST_TOGETHER = 5_000  # messages of one commit, and
MOST_BYTES_TOGETHER = 64 << 20  # of them, or one message more
MOST_BYTES = 4 << 20  # of a message; larger bodies are for HTTP
LARGEST_PACKET = 64 << 20  # [byte] that a broker may send us (MQTT 5); of larger ones nothing comes
KEPT_OF_TOO_LARGE = 64 << 10  # [byte] of a message that is too large, for people to see
MOST_UNACKNOWLEDGED = 10_000  # that a broker may have under way to us
PLACE = "mqtt "  # in front of a topic, as problems name where a message came from
RETRY = 1.0  # [s] between two tries where the inbox refuses
KEPT_SESSION = 0xFFFFFFFF  # the broker keeps our session for as long as it can
log = logging.getLogger(__name__)
_one = msgspec.json.Decoder(Reading | list[Reading])


class Sender(Protocol):
    """Somebody's device."""

    def not_its_own(self, datastreams: Sequence[str]) -> list[str]:
        """The datastreams that it may not send for."""


@dataclass
class Message:
    """A message as it came, and what acknowledges it."""

    topic: str
    payload: bytes
    arrived: datetime
    acknowledge: Callable[[], object] = lambda: None


@dataclass
class Reader:
    """Makes of messages what the inbox keeps. `sender_of` gives the device of a name; None where there is none, or no more."""

    inbox: Inbox
    sender_of: Callable[[str], Sender | None]
    births: Births = field(default_factory=dict)

    def take(self, messages: Sequence[Message], stopped: Callable[[], bool] = lambda: False) -> list[Message]:
        """Puts messages on stable storage, and then acknowledges them; gives those whose numbers no birth told.

        Where the inbox refuses it tries again until it is `stopped`, and acknowledges nothing before it has succeeded.
        """
        unborn: list[Message] = []
        self._until_kept(messages, lambda: unborn.extend(self._keep(messages)), stopped)
        return unborn

    def set_aside(self, message: Message, fault: Exception, stopped: Callable[[], bool]) -> None:
        """Keeps a message that we fail to read among those that could not be read, and acknowledges it, as `take` does."""
        problems = Problems()
        problems.add("syntax", PLACE + message.topic, found=repr(fault)[:200], expected="a message that can be read")
        self._until_kept([message], lambda: self._keep_unread(message, problems), stopped)

    @staticmethod
    def _until_kept(messages: Sequence[Message], keep: Callable[[], None], stopped: Callable[[], bool]) -> None:
        while not stopped():
            try:
                keep()
            except (InboxFull, StorageRefused) as error:
                log.warning("messages wait at the broker: %s", error)
                threading.Event().wait(RETRY)
                continue
            for message in messages:
                message.acknowledge()
            return

    def _keep(self, messages: Sequence[Message]) -> list[Message]:
        """Puts messages on stable storage; gives those whose numbers no birth told."""
        names, tables, of, unborn, unread = [], [], [], [], []
        for message, said in zip(messages, self._plain(messages), strict=True):
            problems = Problems()
            rows, timed = (said, True) if said is not None else self._read(message, problems)
            if len(problems):
                unborn += [message] if any(problem.field == "alias" for problem in problems) else []
                unread.append((message, problems))
            elif rows.num_rows:
                names.append(_name(message, timed))
                tables.append(rows)
                of.append(np.full(rows.num_rows, len(names) - 1))
        for message, problems in unread:
            self._keep_unread(message, problems)
        if tables:
            rows = pa.concat_tables(tables)
            self.inbox.put_messages(names, rows, np.concatenate(of), max(m.arrived for m in messages), "mqtt")
        return unborn

    def _keep_unread(self, message: Message, problems: Problems) -> None:
        shown = message.payload if len(message.payload) <= MOST_BYTES else message.payload[:KEPT_OF_TOO_LARGE]
        self.inbox.keep_unread(_name(message, True), PLACE + message.topic, message.arrived, "mqtt", problems, shown)

    def again(self, unread: Unread) -> bool:
        """Reads a message again that could not be read, with what is known by now; whether it could, and its readings wait."""
        message, problems = Message(unread.place.removeprefix(PLACE), unread.content, unread.arrived), Problems()
        rows, timed = self._read(message, problems)
        if len(problems):
            return False
        self.inbox.put_messages([_name(message, timed)], rows, np.zeros(rows.num_rows), message.arrived, "mqtt")
        self.inbox.forget_unread([unread.id])
        return True

    def _plain(self, messages: Sequence[Message]) -> list[pa.Table | None]:
        """The rows of what nearly every message is, readings in our own form, all converted at once; None of others."""
        found: list[pa.Table | None] = [None] * len(messages)
        whose, readings = [], []
        for number, message in enumerate(messages):
            levels = message.topic.split("/")
            if levels[0] != OWN or levels[2:] != ["readings"] or len(message.payload) > MOST_BYTES:
                continue
            try:
                told = _one.decode(message.payload)
            except (msgspec.DecodeError, ValueError, RecursionError):
                continue
            own = told if isinstance(told, list) else [told]
            sender = self.sender_of(levels[1])
            if own and sender is not None and not sender.not_its_own([each.datastream for each in own]):
                whose.append((number, len(own)))
                readings += own
        if not readings:
            return found
        columns = [[getattr(each, name) for each in readings] for name in ARRIVAL.names]
        told = pa.table(columns, names=ARRIVAL.names)
        rows = typed_columns(told, "mqtt", 1, Problems())
        if rows is None:
            return found  # one of them is faulty: each is read by itself then
        at = 0
        for number, count in whose:
            found[number] = rows.slice(at, count)
            at += count
        return found

    def _read(self, message: Message, problems: Problems) -> tuple[pa.Table, bool]:
        place = PLACE + message.topic
        if len(message.payload) > MOST_BYTES:
            problems.add(
                "too-large", place, found=f"{len(message.payload)} bytes", expected=f"at most {MOST_BYTES} in a message"
            )
            return ARRIVAL.empty_table(), True
        said = read(message.topic, message.payload, place, message.arrived, problems, self.births)
        if said is None:
            return ARRIVAL.empty_table(), True
        for name, rows in said.rows.items():
            sender = self.sender_of(name)
            if sender is None:
                problems.add("sender", place, found=name, expected="a device that may send")
                continue
            others = sender.not_its_own(rows.column("datastream").unique().to_pylist())
            if others:
                problems.add("sender", place, found=", ".join(others[:5]), expected=f"datastreams that {name} may send for")
        return pa.concat_tables([ARRIVAL.empty_table(), *said.rows.values()]), said.timed


def _size(message: Message | None) -> int:
    return 0 if message is None else len(message.payload)


def _name(message: Message, timed: bool) -> str:
    digest = hashlib.sha256(message.topic.encode() + b"\0" + message.payload)
    if not timed:
        digest.update(message.arrived.isoformat().encode())
    return digest.hexdigest()[:32]


class Subscriber:
    """Stays connected to a broker at `mqtt://[user@]host[:port][?version=3.1.1&share=group]` (`mqtts` with TLS).

    `share` names a group of subscribers between which the broker divides the messages (`$share`, MQTT 5).
    """

    def __init__(self, name: str, address: str, reader: Reader, password: str | None = None) -> None:
        self.reader, self._waiting, self._ended = reader, queue.SimpleQueue[Message | None](), threading.Event()
        where, asked = urlsplit(address), {key: values[-1] for key, values in parse_qs(urlsplit(address).query).items()}
        version = paho.MQTTv311 if asked.get("version") == "3.1.1" else paho.MQTTv5
        group = asked.get("share")
        self.topics = [(f"$share/{group}/{topic}" if group else topic, 1) for topic in TOPICS]
        keeps = {"clean_session": False} if version == paho.MQTTv311 else {}
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=version, manual_ack=True, reconnect_on_failure=True, **keeps
        )
        if where.username:
            self.client.username_pw_set(unquote(where.username), password)
        if where.scheme == "mqtts":
            self.client.tls_set()
        self.client.reconnect_delay_set(1, 60)
        self.client.on_connect, self.client.on_message = self._connected, self._came
        self.client.on_disconnect = lambda *_: log.warning("the broker of %s is away", name)
        self.host, self.port = where.hostname or "127.0.0.1", where.port or (8883 if where.scheme == "mqtts" else 1883)
        self._told: Properties | None = None
        if version == paho.MQTTv5:
            self._told = Properties(PacketTypes.CONNECT)
            self._told.SessionExpiryInterval = KEPT_SESSION
            self._told.ReceiveMaximum = MOST_UNACKNOWLEDGED
            self._told.MaximumPacketSize = LARGEST_PACKET

    def begin(self) -> None:
        """Connects, now or as soon as the broker is there, and takes what comes until `end`."""
        more = {} if self._told is None else {"clean_start": False, "properties": self._told}
        self.client.connect_async(self.host, self.port, keepalive=30, **more)
        self.client.loop_start()
        self._thread = threading.Thread(target=self._take, name="mqtt", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Takes what has come, and leaves; the broker keeps the session."""
        self._ended.set()
        self._waiting.put(None)
        self._thread.join()
        self.client.disconnect()
        self.client.loop_stop()

    def _connected(self, client: paho.Client, _data: object, _flags: object, reason: object, _properties: object) -> None:
        if str(reason) != "Success":
            log.error("the broker refuses: %s", reason)
            return
        client.subscribe(self.topics)

    def _came(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        arrived, mid, qos = datetime.now(UTC), message.mid, message.qos
        self._waiting.put(Message(message.topic, message.payload, arrived, lambda: client.ack(mid, qos)))

    def _take(self) -> None:
        while True:
            together = [self._waiting.get()]
            size = _size(together[0])
            while len(together) < MOST_TOGETHER and size < MOST_BYTES_TOGETHER and not self._waiting.empty():
                together.append(self._waiting.get())
                size += _size(together[-1])
            messages = [message for message in together if message is not None]
            for message in self._taken(messages) if messages else []:
                self._ask_for_birth(message.topic)
            if None in together:
                return

    def _taken(self, messages: Sequence[Message]) -> list[Message]:
        """Takes messages. A fault of ours holds up none but the message that it is about, which is kept to be looked at: a
        broker sends again only when it is connected to anew."""
        try:
            return self.reader.take(messages, self._ended.is_set)
        except Exception as fault:
            log.exception("%d messages could not be taken", len(messages))
            if len(messages) > 1:
                half = len(messages) // 2
                return self._taken(messages[:half]) + self._taken(messages[half:])
            self.reader.set_aside(messages[0], fault, self._ended.is_set)
            return []

    def _ask_for_birth(self, topic: str) -> None:
        levels = topic.split("/")
        asked = Payload()
        metric = asked.metrics.add()
        metric.name, metric.datatype, metric.boolean_value = REBIRTH.encode(), 11, True
        self.client.publish(f"{SPARKPLUG}/{levels[1]}/NCMD/{levels[3]}", asked.SerializeToString(), qos=0)
