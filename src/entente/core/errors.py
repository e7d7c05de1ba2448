"""The one tree of errors: what happened, which rule, who can change it, what to do next.

```
EntenteError
├── InvalidError        the input is not well formed (position and reason)
├── VerificationError   a signature, proof, hash or binding does not hold
├── RefusedError        a rule of policy, agreement or protocol says no
├── WaitingError        nothing is wrong, but others must act first
├── NotFoundError       no such thing here, or an id that is not unique
├── ConflictError       it exists already, or somebody else was first
├── LimitError          too large, too deep, too many
├── StoreError          the home or its database cannot be used as it is
└── TransportError      the partner could not be reached or did not answer as agreed
```

Doors turn these into exit codes and HTTP statuses; no floor below knows either.
"""

from __future__ import annotations


class EntenteError(Exception):
    """Say what happened in a sentence for the person who reads it.

    `code` is a stable word for scripts, `hint` says what to do next and by whom.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, hint: str = "") -> None:
        """Keep `message` for people, `code` for scripts and `hint` for the next step."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class InvalidError(EntenteError):
    """The input is not well formed; nothing was changed."""

    code = "invalid"


class VerificationError(EntenteError):
    """A signature, proof, hash or binding does not hold; nothing was stored."""

    code = "verification"


class RefusedError(EntenteError):
    """A rule says no; `code` names the rule."""

    code = "refused"


class WaitingError(EntenteError):
    """Nothing is wrong, but what was asked for needs others to act first."""

    code = "waiting"


class NotFoundError(EntenteError):
    """There is no such thing here, or the id is not unique."""

    code = "not-found"


class ConflictError(EntenteError):
    """It exists already, or somebody else was first."""

    code = "conflict"


class LimitError(EntenteError):
    """Too large, too deep or too many; the limit is named."""

    code = "limit"


class StoreError(EntenteError):
    """The home or its database cannot be used as it is."""

    code = "store"


class TransportError(EntenteError):
    """The partner could not be reached, or did not answer as agreed."""

    code = "transport"
