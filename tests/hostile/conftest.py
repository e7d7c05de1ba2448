"""Two honest members and a hostile one, over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostile import peer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[peer.Scene]:
    with peer.scene(tmp_path) as found:
        yield found
