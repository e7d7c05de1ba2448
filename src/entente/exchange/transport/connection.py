"""One connection to a partner: HTTP/1.1 by `http.client` over a socket on which every wait ends at one deadline."""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal, cast

from typing_extensions import override

from entente.core.errors import LimitError, TransportError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from _typeshed import ReadableBuffer, WriteableBuffer

HINT: Final = "It is tried again later; if it stays, ask the partner whether its node is up."

_CHUNK: Final = 64 * 1024
_LOST: Final = (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class StaleError(Exception):
    """The other side closed the connection before it answered."""


class Line:
    """A connected socket on which every wait ends at one deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self.sock = sock
        self.deadline = deadline

    def arm(self) -> None:
        """Let the next operation wait until the deadline only."""
        self.sock.settimeout(seconds_left(self.deadline))

    def quiet(self) -> bool:
        """Say whether nothing waits to be read, not even the end."""
        try:
            return not select.select([self.sock], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def wake(self) -> None:
        """Make waiting threads return; on the plain socket, so that TLS state stays with the thread that reads."""
        try:
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        except OSError:
            return

    def sendall(self, data: ReadableBuffer) -> None:
        """Send everything; `http.client` takes this and the next two methods for those of a socket."""
        view = memoryview(data).cast("B")
        while view:
            self.arm()
            view = view[self.sock.send(view[:_CHUNK]) :]

    def makefile(self, _mode: Literal["rb"]) -> io.BufferedReader:
        """Return the reading end."""
        return io.BufferedReader(_Input(self), _CHUNK)

    def close(self) -> None:
        """Do nothing: `http.client` closes before the body is read; `Connection.end` closes for good."""


class _Input(io.RawIOBase):
    """The reading end of a line."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._line.arm()
        return self._line.sock.recv_into(memoryview(buffer))


class Connection:
    """One connection to a partner, and the HTTP spoken over it."""

    def __init__(self, line: Line, name: str, authority: str) -> None:
        """Speak over `line`; `name` stands in errors, `authority` in the Host field."""
        self.line = line
        self._name = name
        self._authority = authority
        self._http = http.client.HTTPConnection(authority)
        self._http.auto_open = 0
        self._http.sock = cast("socket.socket", line)  # it has the methods that http.client uses

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> http.client.HTTPResponse:
        """Send a request and return the answer with its head read; raise StaleError if nothing came back."""
        fields = {"Host": self._authority, "Accept-Encoding": "identity", **headers}
        with self.guard():
            try:
                try:
                    self._http.request(method, path, body, fields)
                except _LOST:
                    # It may have refused the head and closed without reading the body: then the answer is there.
                    return self._http.getresponse()
                return self._http.getresponse()
            except _LOST as error:
                raise StaleError from error

    def read(self, response: http.client.HTTPResponse, limit: int) -> bytes:
        """Return the whole body; raise LimitError if it has more than `limit` bytes."""
        with self.guard():
            if response.length is not None and response.length > limit:
                raise LimitError(f"The answer of {self._name} has more than {limit} bytes.")
            body = bytearray()
            while data := response.read(_CHUNK):
                body += data
                if len(body) > limit:
                    raise LimitError(f"The answer of {self._name} has more than {limit} bytes.")
            if response.length:
                raise http.client.IncompleteRead(bytes(body))
            return bytes(body)

    def end(self) -> None:
        """Close the connection."""
        self._http.close()
        try:
            self.line.sock.close()
        except OSError:
            return

    @contextmanager
    def guard(self) -> Generator[None]:
        """End the connection at any error, and say in the partner's terms what happened."""
        try:
            yield
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.end()
            raise explained(error, self._name) from error
        except BaseException:
            self.end()
            raise


def seconds_left(deadline: float) -> float:
    """Return the seconds until `deadline`; raise TimeoutError if there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def explained(error: Exception, name: str) -> TransportError:
    """Say in a sentence what went wrong on the way to the partner called `name`."""
    match error:
        case TimeoutError():
            text = f"{name} did not answer in time."
        case ConnectionRefusedError():
            text = f"Nobody listens at {name}."
        case socket.gaierror():
            text = f"The name in {name} is not known."
        case ssl.SSLError():
            text = f"There is no secure connection to {name}: {error.reason or error}."
        case http.client.IncompleteRead():
            text = f"The answer of {name} was cut off."
        case http.client.HTTPException() | ValueError():
            text = f"{name} does not speak HTTP as agreed."
        case _:
            text = f"The connection to {name} failed: {error}."
    return TransportError(text, hint=HINT)
