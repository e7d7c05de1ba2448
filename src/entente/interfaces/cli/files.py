"""Files that people name on the command line, read with clear words for what cannot be read."""

from __future__ import annotations

import os
import sys
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
    """Write the file as `Node.write` does, and return its size in bytes; raise as it does."""
    from entente.node.home.written import write_file

    return write_file(name, chunks).bytes


def _shown(name: str) -> str:
    return "standard input" if name == STDIN else text.file_name(name)


def _check_size(size: int, limit: int, shown: str) -> None:
    if size > limit:
        raise LimitError(
            f"{shown} is larger than {text.size(limit)}.", code="file", hint="Split it into several files."
        )
