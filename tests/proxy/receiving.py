"""A receiver of webhooks, on a port of its own, that answers as it is told."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANG = 0
DRIP = -1


@dataclass
class Received:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`statuses` are what the next requests are answered, then 200. HANG: nothing until the end. DRIP: one byte of a
    header after the other until the end.
    """

    url: str = ""
    requests: queue.Queue[Received] = field(default_factory=queue.Queue)
    statuses: queue.Queue[int] = field(default_factory=queue.Queue)
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, *statuses: int) -> None:
        for status in statuses:
            self.statuses.put(status)

    def next(self) -> Received:
        """The next request, in the order in which they came."""
        return self.requests.get(timeout=60)

    def all(self) -> list[Received]:
        """What came that `next` hasn't returned."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self.requests.get_nowait())
        return found


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.put(Received(headers, body))
            status = 200
            with contextlib.suppress(queue.Empty):
                status = receiver.statuses.get_nowait()
            if status == HANG:
                receiver.over.wait()
            elif status == DRIP:
                self._drip()
            else:
                self.send_response(status)
                self.send_header("location", f"{receiver.url}/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

        def _drip(self) -> None:
            with contextlib.suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
                while not receiver.over.wait(0.02):
                    self.wfile.write(b".")
                    self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class's name
            pass

    return Handler


@contextlib.contextmanager
def running_receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver)) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.over.set()
            server.shutdown()
            thread.join()
