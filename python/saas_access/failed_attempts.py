"""How often a source may try keys that turn out wrong."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Of the sources that failed last. Whoever commands more addresses than this is not stopped by a limit for each.
_MOST_SOURCES = 10_000


def source_of(address: str | None) -> str:
    """Where an attempt came from, for counting: the address, of IPv6 its network of 64 bits."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


class FailedAttempts:
    """A bucket of `per_minute` attempts for each source, which fills again within a minute. Thread-safe. Counts in this
    process alone.

    It limits guessing, so it is asked only about credentials that can be guessed, the operators'. A virtual key is
    256 random bits: it works from a source whose bucket is empty too, so that nobody who shares an address with an
    attacker loses access by that.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # source -> (attempts left, as of)

    def wait_s(self, source: str) -> float:
        """Seconds until an attempt from `source` is looked at; 0 if it is now."""
        with self._lock:
            left = self._left(source)
        return 0.0 if left >= 1 else (1 - left) / self._per_second

    def left(self, source: str) -> int:
        """How many attempts from `source` are looked at before it has to wait."""
        with self._lock:
            return int(self._left(source))

    def note(self, source: str) -> None:
        """An attempt from `source` failed."""
        with self._lock:
            self._buckets[source] = (max(0.0, self._left(source) - 1), self._clock())
            self._buckets.move_to_end(source)
            if len(self._buckets) > _MOST_SOURCES:
                self._buckets.popitem(last=False)

    def _left(self, source: str) -> float:
        left, as_of = self._buckets.get(source, (self._capacity, self._clock()))
        return min(self._capacity, left + (self._clock() - as_of) * self._per_second)
