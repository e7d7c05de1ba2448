"""Homes with very many items, built once in a cache folder."""

import sys
import time

from lib.members import Pair
from lib.synthetic import lines

STEP = 50_000


def build(cache, size):
    """Return a pair that holds about `size` items, made in the cache if it is not there."""
    folder = cache / f"pair-{size}"
    if (folder / "done").exists():
        return Pair(folder, found=False)
    folder.mkdir(parents=True)
    pair, began = Pair(folder), time.monotonic()
    for at in range(0, size, STEP):
        add(pair, at, min(size, at + STEP))
        pair.settle()
        print(f"{min(size, at + STEP):,} of {size:,} items, {time.monotonic() - began:.0f} s", file=sys.stderr)
    (folder / "next").write_text(str(10 * size), "utf-8")
    (folder / "done").touch()
    return pair


def add(pair, start, stop):
    """Import indicators on A and share them."""
    done = pair.a.items.import_files([("synthetic", lines(start, stop))], tlp="TLP:GREEN", circle=pair.circle)
    assert done.shared == stop - start, done
