"""How an error leaves by a door: exit code, HTTP status, JSON document; no floor below knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from entente.core.errors import (
    ConflictError,
    EntenteError,
    InvalidError,
    LimitError,
    NotFoundError,
    RefusedError,
    StoreError,
    TransportError,
    VerificationError,
    WaitingError,
)

_EXIT_CODES: Final[dict[type[EntenteError], int]] = {RefusedError: 3, WaitingError: 4, VerificationError: 5}
_STATUSES: Final[dict[type[EntenteError], int]] = {
    InvalidError: 400,
    VerificationError: 403,
    RefusedError: 403,
    WaitingError: 409,
    NotFoundError: 404,
    ConflictError: 409,
    LimitError: 413,
    StoreError: 503,
    TransportError: 502,
}


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What went wrong: a word for scripts, a sentence, and what to do next ("" if that is not known)."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class ErrorDocument:
    """The one form in which every door shows an error as JSON; no Struct, for a wrong command is told at once."""

    error: ErrorInfo


def exit_code(error: EntenteError) -> int:
    """Return 3 for a refusal by a rule, 4 for waiting on others, 5 for a failed verification, 1 for the rest."""
    return next((code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)), 1)


def status(error: EntenteError) -> int:
    """Return the HTTP status that says whose turn it is; 500 for an error without a kind."""
    return next((code for kind, code in _STATUSES.items() if isinstance(error, kind)), 500)


def document(error: EntenteError) -> ErrorDocument:
    """Return the one form in which every door shows an error as JSON."""
    return ErrorDocument(ErrorInfo(error.code, error.message, error.hint))
