"""What the door to other members asks of a node; every call may come from a worker thread, several at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.core.ids import Member
    from entente.interfaces.http.events import Subscription


class SigningNode(Protocol):
    """Who answers, with which key, clock and chance."""

    @property
    def member(self) -> Member:
        """The member that this node is of."""
        ...

    def transport_seed(self) -> bytes:
        """Return the private seed that signs answers."""
        ...

    def now(self) -> float:
        """Return the seconds since 1970."""
        ...

    def random(self, size: int) -> bytes:
        """Return that many unpredictable bytes."""
        ...


class KnowingNode(Protocol):
    """Which callers are known."""

    def transport_key_of(self, member: Member) -> bytes:
        """Return the public key that signs a member's requests; raise NotFoundError without a card of it."""
        ...

    def is_paired(self, member: Member) -> bool:
        """Say whether both sides have accepted each other."""
        ...


class AnsweringNode(Protocol):
    """What a caller may ask for."""

    def handle_exchange(self, partner: Member, body: bytes) -> bytes:
        """Return the message that answers a paired partner's; an EntenteError is sent as a signed refusal."""
        ...

    def handle_pair(self, body: Mapping[str, object]) -> Mapping[str, object]:
        """Answer a pairing request of anybody.

        Raises NotFoundError for a code that is not live, VerificationError for a wrong one.
        """
        ...

    def handle_accept(self, member: Member, body: Mapping[str, object]) -> Mapping[str, object]:
        """Answer a member that confirmed this one's words."""
        ...

    def handle_card(self, body: Mapping[str, object]) -> None:
        """Take the key history in the card of a known member that it calls with; raise what is wrong with it."""
        ...

    def handle_keys(self, member: Member) -> Mapping[str, object]:
        """Answer a member that called with its card: with ours."""
        ...

    def subscribe(self, member: Member) -> Subscription:
        """Begin to collect new heads for a partner; raise LimitError if it has too many streams."""
        ...


class PeerNode(SigningNode, KnowingNode, AnsweringNode, Protocol):
    """A node as its partners reach it."""
