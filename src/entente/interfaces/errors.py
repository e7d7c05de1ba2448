"""How an error leaves by a door: exit code, HTTP status, JSON document; no floor below knows them."""

from __future__ import annotations

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


def exit_code(error: EntenteError) -> int:
    """Return 3 for a refusal by a rule, 4 for waiting on others, 5 for a failed verification, 1 for the rest."""
    return next((code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)), 1)


def status(error: EntenteError) -> int:
    """Return the HTTP status that says whose turn it is; 500 for an error without a kind."""
    return next((code for kind, code in _STATUSES.items() if isinstance(error, kind)), 500)


def document(error: EntenteError) -> dict[str, object]:
    """Return the one form in which every door shows an error as JSON."""
    return {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
