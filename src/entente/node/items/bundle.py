"""Items as one STIX 2.1 bundle: what goes in, and what a strict check leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.formats.stix import write as stix_write
from entente.node.items.values import LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class ItemBundle:
    """A bundle that is made while it is read; what it holds and leaves out is known when all was read."""

    def __init__(self, found: Iterable[tuple[str, bytes]], rng_uuid: str, *, strict: bool) -> None:
        """Hold these objects, by STIX id; with `strict` only those that stix2-validator --strict lets pass."""
        self._found = found
        self._rng_uuid = rng_uuid
        self._strict = strict
        self.objects = 0
        """How many objects are in it."""
        self.left_out: list[LeftOut] = []
        """What was left out, and why."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes of the bundle."""
        return stix_write.bundle(self._chosen(), rng_uuid=self._rng_uuid)

    def _chosen(self) -> Iterator[bytes]:
        """Yield the objects that go in."""
        from entente.formats.stix.strict import verdict

        for id_, data in self._found:
            problems = verdict.problems(data) if self._strict else []
            if problems:
                self.left_out.append(LeftOut(id_, problems))
                continue
            self.objects += 1
            yield data
