"""A member's secret keys as one process holds them: open or sealed, and how they lie on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.node.home import vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.node.home.files import Home, Secrets
    from entente.node.home.vault import Lock


class SecretKeys:
    """The secret keys of one member in this process.

    Without `secrets` they are locked: what is appended waits for a signature. `lock` is what seals them on disk;
    without a home (tests, simulators) they lie nowhere.
    """

    def __init__(
        self, home: Home | None, secrets: Secrets | None, lock: Lock | None, random: Callable[[int], bytes]
    ) -> None:
        """Hold these keys; `random` gives n bytes."""
        self._home = home
        self._secrets = secrets
        self._lock = lock
        self._random = random

    @property
    def locked(self) -> bool:
        """Say whether the keys are sealed and were not opened."""
        return self._secrets is None

    @property
    def secrets(self) -> Secrets:
        """Return the secret keys; WaitingError with a hint while they are sealed."""
        if self._secrets is None:
            raise vault.locked()
        return self._secrets

    def use(self, secrets: Secrets) -> None:
        """Use other keys in this process; `keep` keeps them too."""
        self._secrets = secrets

    def keep(self, secrets: Secrets) -> None:
        """Use other keys from now on, and keep them durably, sealed as the ones before."""
        self.protect(self._lock, secrets)

    def protect(self, lock: Lock | None, secrets: Secrets | None = None) -> None:
        """Seal the keys on disk with another lock, or keep them in the clear (None); WaitingError while locked."""
        secrets = secrets or self.secrets
        if self._home is not None:
            vault.save(self._home, secrets, lock, self._random)
        self._secrets, self._lock = secrets, lock
