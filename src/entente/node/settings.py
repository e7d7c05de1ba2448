"""Settings of this node that no partner sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.errors import InvalidError, NotFoundError

if TYPE_CHECKING:
    from entente.node.base import Base
    from entente.store.ports import Transaction

FOUR_EYES = "four-eyes"
NAMES = {FOUR_EYES: "a person other than who brought an item must release it, whatever the agreement says"}
ON, OFF = "on", "off"
_SPACE = "setting"


def four_eyes(tx: Transaction) -> bool:
    """Say whether this node demands a second person for every release."""
    return tx.records.get(_SPACE, FOUR_EYES) == ON.encode()


class Settings:
    """Read and change the settings."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def show(self) -> dict[str, str]:
        """Return every setting with its value."""
        with self._base.store.read() as tx:
            return {name: (tx.records.get(_SPACE, name) or OFF.encode()).decode() for name in NAMES}

    def set(self, name: str, value: str) -> dict[str, str]:
        """Change one setting to "on" or "off"; NotFoundError for another name, InvalidError for another value."""
        if name not in NAMES:
            raise NotFoundError(f"There is no setting {name!r}.", hint=f"The settings are {', '.join(NAMES)}.")
        if value not in {ON, OFF}:
            raise InvalidError(f"{name} is {ON} or {OFF}, not {value!r}.")
        with self._base.store.write() as tx:
            tx.records.put(_SPACE, name, value.encode())
        return self.show()
