"""Documents: the words and files that acts point at; content, so erasable (docs/protocol/11-joint-work.md)."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from entente.core import canon
from entente.core.errors import EntenteError, InvalidError
from entente.core.kind import EVERY, Content
from entente.core.marking import Tlp, barring, parse
from entente.core.shape import check_fields, check_person

NAME: Final = "document/1"
KIND: Final = Content(NAME, family=EVERY)
"""Entries of kind `document/1`."""

MAX_HEADER: Final = 512
TEXT: Final = "text/plain"
MARKDOWN: Final = "text/markdown"
_MEDIA: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,38}/[a-z0-9][a-z0-9.+-]{0,39}")
_NOT_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class Document(Struct, frozen=True):
    """A document taken apart: its marking, its media type, who brought it, its bytes."""

    marking: Tlp
    media: str
    person: str
    data: bytes

    def encode(self) -> bytes:
        """Return the payload: the header line and the bytes."""
        return self.head + self.data

    @property
    def head(self) -> bytes:
        """The canonical header line with its line feed."""
        fields: dict[str, object] = {"marking": str(self.marking), "media": self.media, "person": self.person}
        return canon.encode(fields) + b"\n"

    @property
    def text(self) -> str:
        """The words; "" for a document that is no text."""
        return self.data.decode() if self.media.startswith("text/") else ""


def read(payload: bytes) -> Document:
    """Take a payload apart; raise InvalidError unless it is a header and bytes of the media type that it names."""
    end = payload.find(b"\n", 0, MAX_HEADER + 1)
    if end < 0:
        raise InvalidError("The payload of a document begins with a header line.")
    body = canon.decode(payload[:end], MAX_HEADER)
    check_fields(body, {"marking": str, "media": str, "person": str})
    marking, media = str(body["marking"]), str(body["media"])
    if str(parse(marking)) != marking:
        raise InvalidError("The marking of a header is written in upper case.")
    if not _MEDIA.fullmatch(media):
        raise InvalidError(f"{media[:80]!r} is not a media type.")
    found = Document(parse(marking), media, check_person(body), payload[end + 1 :])
    if media.startswith("text/"):
        check_text(found.data)
    return found


def check_text(data: bytes) -> str:
    """Return the text that these bytes are; InvalidError unless they are UTF-8 without control characters."""
    try:
        text = data.decode()
    except UnicodeDecodeError as problem:
        raise InvalidError("The text is not UTF-8.") from problem
    if found := _NOT_TEXT.search(text):
        raise InvalidError(f"The text has a control character (U+{ord(found.group()):04X}).")
    return text


def judge(payload: bytes, ceiling: Tlp, most: int) -> str:
    """Return "" if a circle may hold this document, else the reason why not."""
    try:
        found = read(payload)
    except EntenteError:
        return "malformed"
    if barred := barring(found.marking, ceiling):
        return barred[0]
    return "size" if len(found.data) > most else ""
