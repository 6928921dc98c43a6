"""Water, gas and heat meters for `dlt645.simulate.Gateway`: for tests, and for trying a district without hardware."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from scicity.access.cjt188 import frames
from scicity.access.cjt188.frames import AHEAD, DAY, HISTORY, LAYOUTS, NOW, STATUS, TOTALS, Frame
from scicity.access.collecting import Connection
from scicity.access.dlt645.identifiers import BEIJING
from scicity.access.dlt645.simulate import Faults, Gateway, play, registers_of
from scicity.access.simulating import World, port_of


@dataclass
class Meter:
    """A meter whose `registers` follow functions of its address and a time, by quantity, in the quantity's unit.

    `codes` are the units in which it says its quantities. It keeps its total of the last twelve settlement days.
    `low_first` says in which order it takes the bytes of an identifier; to the other it is silent. `refuses` are identifiers
    that it does not have; `ahead` is how fast its clock is, None where it was never set.
    """

    address: str
    kind: int
    registers: Mapping[str, Callable[[str, datetime], float]]
    clock: Callable[[], datetime]
    codes: Mapping[str, int] = field(default_factory=dict)
    day: int = 1
    zone: tzinfo = BEIJING
    low_first: bool = True
    refuses: tuple[str, ...] = ()
    ahead: timedelta | None = timedelta()
    status: int = 0
    faults: Faults = field(default_factory=Faults)

    def hear(self, raw: bytes) -> bytes | None:
        """The answer to a frame; None of one that is no request to this meter, or in the other order of bytes."""
        request = frames.parse(raw)
        same = all(theirs in ("A", ours) for theirs, ours in zip(request.address, self.address, strict=True))
        if not same or request.kind not in (self.kind, frames.ANY) or request.control != frames.READ or len(request.data) != 3:
            return None
        pair = request.data[1::-1] if self.low_first else request.data[:2]
        identifier = pair.hex().upper()
        if identifier[:2] not in ("90", "81", "D1"):
            return None
        data = None if identifier in self.refuses else self._data(identifier)
        control = frames.READ | frames.ANSWER
        if data is None:
            told = request.data[2:] + self.status.to_bytes(2, "little")
            return Frame(self.kind, self.address, control | frames.REFUSAL, told).pack()
        return Frame(self.kind, self.address, control, request.data + data).pack()

    def settlements(self) -> list[datetime]:
        """The settlement days that it remembers, the last first."""
        return [time.replace(tzinfo=self.zone) for time in frames.settlements(self._local(), self.day)]

    def _local(self) -> datetime:
        return (self.clock() + (self.ahead or timedelta())).astimezone(self.zone).replace(tzinfo=None)

    def _total(self, time: datetime) -> float:
        return self.registers[TOTALS[self.kind >> 4]](self.address, time.astimezone(UTC))

    def _data(self, identifier: str) -> bytes | None:
        layout, now = LAYOUTS[self.kind >> 4], self.clock().astimezone(UTC)
        if identifier == DAY:
            return bytes.fromhex(f"{self.day:02d}")
        if identifier in HISTORY:
            (form,) = (form for form in layout if form.quantity == "settled")
            return form.pack(self._total(self.settlements()[HISTORY.index(identifier)]), self.codes.get("settled"))
        if identifier != NOW:
            return None
        numbers = {quantity: register(self.address, now) for quantity, register in self.registers.items()}
        numbers["settled"] = self._total(self.settlements()[0])
        said = b"".join(form.pack(numbers.get(form.quantity), self.codes.get(form.quantity)) for form in layout)
        clock = bytes(frames.CLOCK) if self.ahead is None else frames.pack_moment(self._local())
        return said + clock + self.status.to_bytes(2, "little")


async def serve(connection: Connection, world: World) -> None:
    """Plays the meters of a connection until it is cancelled; of each its total stands still where it is no point. Raises
    OSError where the port is taken."""
    meters = []
    for name, shown in registers_of(connection, world).items():
        address, _, told = name.partition("/")
        kind = int(told, 16)
        registers = {TOTALS[kind >> 4]: lambda *_: 0.0, **shown}
        registers = {quantity: show for quantity, show in registers.items() if quantity not in (STATUS, AHEAD, "settled")}
        meters.append(Meter(address, kind, registers, world.clock))
    await play(Gateway(meters, frames.measure, port_of(connection.address, 0)), connection, world)
