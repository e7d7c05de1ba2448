"""One object by its id through the Python API, and one page, and a search, among many: milliseconds p50 and p99.

python bench/lookup.py [--objects N] [--json]
"""

import argparse
import contextlib
import random
import statistics
import time
from pathlib import Path

import msgspec
from lib.built import build
from lib.members import Report, fresh
from lib.synthetic import indicator, lines

ASKED = 2_000


def timed(work, given):
    """Return p50 and p99 in milliseconds of `work` on each of `given`, and its answers."""
    rows, answers = [], []
    for each in given:
        began = time.perf_counter()
        answers.append(work(each))
        rows.append((time.perf_counter() - began) * 1000)
    return statistics.median(rows), statistics.quantiles(rows, n=100)[98], answers


@contextlib.contextmanager
def members(cache, count, report):
    """Give a pair that holds so many items."""
    if cache:
        with contextlib.closing(build(cache, count)) as pair:
            yield pair
        return
    with fresh() as pair:
        done = pair.a.items.import_files([("s", lines(0, count))], tlp="TLP:GREEN", circle=pair.circle)
        report.check(done.shared == count, str(done))
        pair.settle()
        yield pair


def main():
    """Ask for random objects."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=30_000)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    count = options.objects
    report = Report("lookup")
    chance = random.Random(1)
    with members(options.cache, count, report) as pair:
        asked = [msgspec.json.decode(indicator(chance.randrange(count))) for _ in range(ASKED)]
        for name, node in (("own", pair.a), ("received", pair.b)):
            p50, p99, found = timed(node.items.show, [each["id"] for each in asked])
            report.check([view.object for view in found] == asked, f"{name}: another object")
            report.check(all(len(view.entries) == 1 for view in found), f"{name}: not one entry each")
            report.row(f"{name} object by id among {count:,}: p50", p50, "ms", 0.8, most=True)
            report.row(f"{name} object by id among {count:,}: p99", p99, "ms")
        p50, p99, pages = timed(lambda circle: pair.b.items.list(circle=circle), [pair.circle] * 100)
        report.check(all(len(page.items) == 100 for page in pages), "a page is short")
        report.row("page of 100 of a circle: p50", p50, "ms")
        began = time.perf_counter()
        pair.b.items.index()
        report.row("search index", count / (time.perf_counter() - began), "/s")
        words = [f"indicator {each['id'][-12:]}" for each in asked[:200]]
        p50, p99, pages = timed(pair.b.items.search, words)
        named = [each["id"] in {item.id for item in page.items} for each, page in zip(asked, pages, strict=False)]
        report.check(all(named), "a search does not find it")
        report.row("search of two words: p50", p50, "ms")
        p50, _, sent = timed(
            lambda id_: pair.a.sharing.preview([id_], pair.circle), [each["id"] for each in asked[:50]]
        )
        report.check(all(found.allowed for found in sent), "a preview refuses")
        report.row("preview of sharing one: p50", p50, "ms")
    report.show(as_json=options.json)


if __name__ == "__main__":
    main()
