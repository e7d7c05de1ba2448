"""Files that a caller names: their paths, and files written in one piece or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from entente.core.errors import InvalidError, NotFoundError
from entente.core.safe_text import file_name
from entente.node.home.values import Written

if TYPE_CHECKING:
    from collections.abc import Iterable

PathLike: TypeAlias = str | Path
"""How a caller names a file or a folder."""

MAX_PART: Final = 255
"""Bytes in the name of one file or folder."""


def path_of(given: PathLike) -> Path:
    """Return the path that a caller names; InvalidError for what can be no path on this machine."""
    if not isinstance(cast("object", given), (str, Path)):
        raise InvalidError(f"A file is named by a str or a Path, not by {type(given).__name__}.", hint="Give its path.")
    text = str(given)
    try:
        data = os.fsencode(text)
    except UnicodeEncodeError:
        data = b""
    if not data or b"\0" in data or max(map(len, data.split(b"/"))) > MAX_PART:
        raise InvalidError(f"{file_name(text)[:80]!r} cannot be the name of a file.", hint="Give its path.")
    return Path(given)


def write_file(out: PathLike, chunks: Iterable[bytes]) -> Written:
    """Write a file in one piece, replacing what was there; InvalidError or NotFoundError if that fails."""
    place, shown = path_of(out), file_name(str(out))
    try:
        return Written(shown, _write(place, chunks))
    except IsADirectoryError:
        raise InvalidError(f"{shown} is a folder.", code="file", hint="Name a file in it.") from None
    except FileNotFoundError:
        raise NotFoundError(f"There is no folder for {shown}.", code="file", hint="Make the folder first.") from None
    except (OSError, ValueError) as error:
        raise InvalidError(f"{shown} cannot be written: {error}.", code="file") from error


def write_files(folder: PathLike, found: Iterable[tuple[str, bytes]]) -> list[str]:
    """Write files into a folder, which is made if it is missing, and return what they are called there."""
    place = path_of(folder)
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise InvalidError(f"{file_name(str(folder))} cannot be made: {error.strerror}.", code="file") from error
    return [write_file(place / name, [data]).out for name, data in found]


def _write(place: Path, chunks: Iterable[bytes]) -> int:
    """Write the chunks and return how many bytes they are."""
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
    return size
