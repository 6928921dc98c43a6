"""Where devices are reached, as one writes it: `tcp://host:port` or `rtu+tcp://host:port`, and perhaps how they are asked.

tcp://meters.example:502
rtu+tcp://gateway.example:4001?timeout=2&bridge=8&gap=1/holding/40-49&gap=*/input/100-199
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from scicity.access.modbus.planning import MOST_REGISTERS, Gap, gap

TIMEOUT = 1.0  # [s] unless said otherwise
SHORTEST, LONGEST = 0.05, 60.0  # [s]
MOST_OPTIONS = 1000
SHAPE = "tcp://host:port or rtu+tcp://host:port, and perhaps ?timeout=1&bridge=0&gap=1/holding/40-49"


@dataclass(frozen=True)
class Address:
    """`framing`: tcp or rtu. `timeout` [s] is how long an answer is waited for. Points are read together across at most
    `bridge` addresses that belong to none, and never across `gaps`."""

    framing: str
    host: str
    port: int
    timeout: float = TIMEOUT
    bridge: int = 0
    gaps: tuple[Gap, ...] = ()

    def __str__(self) -> str:
        scheme = "tcp" if self.framing == "tcp" else "rtu+tcp"
        return f"{scheme}://{self.host}:{self.port}"


def address(text: str) -> Address:
    """The address that is written. Raises ValueError, which says what was expected."""
    try:
        told = urlsplit(text)
        port, options = told.port, parse_qsl(told.query, True, True, max_num_fields=MOST_OPTIONS) if told.query else []
    except ValueError:
        raise ValueError(SHAPE) from None
    framing = {"tcp": "tcp", "rtu+tcp": "rtu"}.get(told.scheme)
    if not framing or not told.hostname or not port or told.path or told.fragment or told.username is not None:
        raise ValueError(SHAPE)
    timeout, bridge, gaps = TIMEOUT, 0, list[Gap]()
    for name, value in options:
        if name == "gap":
            gaps.append(gap(value))
        elif name == "bridge":
            bridge = int(value) if value.isascii() and value.isdecimal() and len(value) <= 3 else -1
        elif name == "timeout":
            timeout = _seconds(value)
        else:
            raise ValueError(f"options timeout, bridge and gap: {SHAPE}")
    if not 0 <= bridge <= MOST_REGISTERS:
        raise ValueError(f"a bridge of 0 to {MOST_REGISTERS}")
    return Address(framing, told.hostname, port, timeout, bridge, tuple(gaps))


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not SHORTEST <= value <= LONGEST:
        raise ValueError(f"a timeout of {SHORTEST} to {LONGEST:g} seconds")
    return value
