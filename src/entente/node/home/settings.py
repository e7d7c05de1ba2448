"""Settings of this node: what no partner sees, and the address at which partners call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.errors import InvalidError, NotFoundError
from entente.node.home.checked import checked
from entente.node.home.keyring import Keyring
from entente.node.home.people import SETTINGS
from entente.node.home.values import SettingsInfo

if TYPE_CHECKING:
    from entente.node.home.base import Base
    from entente.store.ports import Transaction

FOUR_EYES = "four-eyes"
NAMES = {FOUR_EYES: "another person than the one who brought an item must release it, whatever the agreement says"}
URL = "url"
ON, OFF = "on", "off"


def four_eyes(tx: Transaction) -> bool:
    """Say whether this node demands a second person for every release."""
    return SETTINGS.get(tx, FOUR_EYES) == ON


@checked
class Settings:
    """Read and change the settings."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def show(self) -> SettingsInfo:
        """Return every setting with its value, and our address."""
        with self._base.store.read() as tx:
            asked = SETTINGS.get(tx, FOUR_EYES) or OFF
            return SettingsInfo(asked, self._base.history(tx, self._base.me).current.url)

    def set(self, name: str, value: str) -> SettingsInfo:
        """Change one setting to "on" or "off", or the address, which partners learn by our key history.

        NotFoundError for another name, InvalidError for another value; for the address see `Keyring.set_url`.
        """
        if name == URL:
            Keyring(self._base).set_url(value)
            return self.show()
        if name not in NAMES:
            raise NotFoundError(f"There is no setting {name!r}.", hint=f"The settings are {', '.join([*NAMES, URL])}.")
        if value not in {ON, OFF}:
            raise InvalidError(f"{name} is {ON} or {OFF}, not {value!r}.")
        with self._base.store.write() as tx:
            SETTINGS.put(tx, name, value)
        return self.show()
