"""Two nodes are up: what Harbour shares is at Northwind within a second, however it was shared and whoever can call.

Twenty sends each: by the running node, by a second process on the same home, and with a Northwind that nobody can call.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stories.homes import UNREACHABLE, House, agree, houses, pair
from stories.story import bundle, holds, id_of, indicator
from timing import Stopwatch, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entente.node import Node

SENDS = 20
LIMIT = 1.0
ELSEWHERE = """
import sys
from pathlib import Path
from entente.node import Node
with Node.open(Path(sys.argv[1])) as node:
    print("ready", flush=True)
    for line in sys.stdin:
        assert node.sharing.send([line.strip()], sys.argv[2]).shared == 1
        print(line.strip(), flush=True)
"""


class Story:
    """Harbour runs and can be called; Northwind runs; thrice twenty items lie at Harbour."""

    def __init__(self, harbour: House, northwind: House) -> None:
        self.harbour, self.northwind = harbour, northwind
        pair(harbour.node, northwind.node)
        self.circle = agree(harbour.node, northwind.node)
        things = [indicator(number) for number in range(SENDS)]
        harbour.node.items.import_files([("file", bundle(*things))], tlp="TLP:GREEN")
        self.ids = [id_of(thing) for thing in things]
        harbour.run()
        northwind.run()
        until(lambda: harbour.node.door.listens(northwind.node.base.me), "Northwind does not listen")

    def send(self, id_: str) -> None:
        """Share one item from the running node."""
        assert self.harbour.node.sharing.send([id_], self.circle).shared == 1


def arrived(node: Node, id_: str) -> None:
    """Wait until an item is there; the caller sends it before or meanwhile."""
    until(lambda: holds(node, id_), f"{id_} has not arrived", pause=0.002)


@pytest.fixture(params=["both can be called", "one cannot be called"])
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("arrival")
    if request.param == "both can be called":
        with houses(folder, "Harbour", "Northwind") as found:
            yield Story(*found)
        return
    with houses(folder, "Harbour") as (harbour,):
        hermit = House(folder, "Northwind", url=UNREACHABLE)
        try:
            yield Story(harbour, hermit)
        finally:
            hermit.close()


def test_what_is_shared_arrives_within_a_second(story: Story) -> None:
    took = []
    for id_ in story.ids:
        with Stopwatch() as watch:
            story.send(id_)
            arrived(story.northwind.node, id_)
        took.append(watch.seconds)
    assert max(took) < LIMIT


def test_what_a_second_process_shares_arrives_within_a_second(story: Story) -> None:
    command = [sys.executable, "-c", ELSEWHERE, str(story.harbour.home), story.circle]
    took = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for id_ in story.ids:
            with Stopwatch() as watch:
                process.stdin.write(f"{id_}\n")
                process.stdin.flush()
                arrived(story.northwind.node, id_)
            took.append(watch.seconds)
            assert process.stdout.readline() == f"{id_}\n"
        process.stdin.close()
    assert process.returncode == 0
    assert len(took) == SENDS
    assert max(took) < LIMIT
