"""Files that people name: read with clear words for what cannot be read, written in one piece or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from entente.core.errors import InvalidError, LimitError, NotFoundError
from entente.interfaces.cli.terminal import text

MAX_IMPORT: Final = 1 << 30
"""Bytes in one file of an import."""

MAX_SMALL: Final = 1 << 20
"""Bytes in a file of terms or in a card."""

STDIN: Final = "-"


def read(name: str, limit: int = MAX_IMPORT) -> bytes:
    """Return what is in the file (`-`: standard input).

    Raise NotFoundError, InvalidError or LimitError, each naming the file.
    """
    with _opened(name) as stream:
        shown = _shown(name)
        if name != STDIN:
            _check_size(os.fstat(stream.fileno()).st_size, limit, shown)
        data = stream.read(limit + 1)
    _check_size(len(data), limit, shown)
    return data


@contextmanager
def _opened(name: str) -> Generator[BinaryIO]:
    """Open a file for reading; whatever goes wrong with it inside is told with its name."""
    shown = _shown(name)
    try:
        if name == STDIN:
            yield sys.stdin.buffer
        else:
            with Path(name).open("rb") as stream:
                yield stream
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {shown}.", code="file", hint="Check the name and the folder.") from None
    except IsADirectoryError:
        raise InvalidError(f"{shown} is a folder.", code="file", hint=f"Name the files in it: {shown}/*.json") from None
    except PermissionError:
        raise InvalidError(
            f"{shown} may not be read by this user.", code="file", hint="Its owner or an administrator can allow it."
        ) from None
    except (OSError, ValueError) as error:
        raise InvalidError(f"{shown} cannot be read: {error}.", code="file") from error


def source(name: str) -> Path | tuple[str, bytes]:
    """Return what an import reads: the path of a plain file, else the name and what is in it; raise as `read` does."""
    path, shown = Path(name), _shown(name)
    if shown != name or not path.is_file():
        return shown, read(name)
    with _opened(name) as stream:
        _check_size(os.fstat(stream.fileno()).st_size, MAX_IMPORT, shown)
    return path


def write(name: str, chunks: Iterable[bytes]) -> int:
    """Write the file in one piece, replacing what was there, and return its size; raise InvalidError if that fails."""
    place, shown = Path(name), text.file_name(name)
    try:
        if place.exists() and not place.is_file():  # a device or a pipe is written to, never replaced
            with place.open("wb") as device:
                return sum(device.write(chunk) for chunk in chunks)
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".entente-", delete=False) as stream:
            try:
                size = sum(stream.write(chunk) for chunk in chunks)
                stream.flush()
                os.fsync(stream.fileno())
                Path(stream.name).replace(place)
            except BaseException:
                Path(stream.name).unlink(missing_ok=True)
                raise
    except IsADirectoryError:
        raise InvalidError(f"{shown} is a folder.", code="file", hint="Name a file in it.") from None
    except FileNotFoundError:
        raise NotFoundError(f"There is no folder for {shown}.", code="file", hint="Make the folder first.") from None
    except (OSError, ValueError) as error:
        raise InvalidError(f"{shown} cannot be written: {error}.", code="file") from error
    return size


def write_all(folder: str, found: Iterable[tuple[str, bytes]]) -> list[str]:
    """Write files into a folder, which is made if it is missing, and return what they are called there."""
    try:
        Path(folder).mkdir(exist_ok=True)
    except OSError as error:
        raise InvalidError(f"{text.file_name(folder)} cannot be made: {error.strerror}.", code="file") from error
    names: list[str] = []
    for name, data in found:
        write(str(Path(folder) / name), [data])
        names.append(text.file_name(str(Path(folder) / name)))
    return names


def _shown(name: str) -> str:
    return "standard input" if name == STDIN else text.file_name(name)


def _check_size(size: int, limit: int, shown: str) -> None:
    if size > limit:
        raise LimitError(
            f"{shown} is larger than {text.size(limit)}.", code="file", hint="Split it into several files."
        )
