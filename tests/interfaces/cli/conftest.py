"""Founded members, and a pair of them with an agreement, for the tests of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interfaces.cli.members import Cli, Pair, make, paired

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def member(tmp_path: Path) -> Cli:
    """Give a founded member."""
    return make(tmp_path, "Harbour").init()


@pytest.fixture
def unfounded(tmp_path: Path) -> Cli:
    """Give a member whose home does not exist."""
    return make(tmp_path, "Harbour")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Give two members whose nodes run, paired, with an agreement in force."""
    with paired(tmp_path_factory.mktemp("pair")) as found:
        yield found
