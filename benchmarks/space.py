"""How long `space.first_matches` takes for one VirtualService of many routes, and how much it leaves undecided.

Run it as `PYTHONPATH=analyzer python benchmarks/space.py`; give sizes as arguments to choose others.
"""

import random
import sys
import time
from collections import Counter

from meshlint import space
from meshlint.mesh.predicate import AnyOf, Exact, Not, Predicate, Prefix, Present, Regex, both
from meshlint.request import METHOD, PATH, header


def routes(count: int) -> list[Predicate]:
    """An ordered table of *count* routes; the last is shadowed by two earlier ones together, and by neither alone."""
    chosen = random.Random(7)
    table: list[Predicate] = [_route(chosen, number) for number in range(count - 3)]
    shop = Regex(PATH, "/shop/[a-z]+/.*")
    return [
        *table,
        both(shop, Present(header("x-beta"))),
        both(shop, Not(Present(header("x-beta")))),
        both(Prefix(PATH, "/shop/cart/"), Exact(METHOD, "GET")),
    ]


def _route(chosen: random.Random, number: int) -> Predicate:
    service = f"/team{number % 23}/service{number}"
    kinds: tuple[Predicate, ...] = (
        Prefix(PATH, service),
        Prefix(PATH, service + "/"),
        Exact(PATH, service),
        Regex(PATH, f"/team{number % 23}/[a-z]+{number}/v[0-9]+/.*"),
        Regex(PATH, f"/(?:old|legacy)/item-{number}(?:/.*)?"),
        AnyOf((Exact(PATH, service), Prefix(PATH, service + "/"))),
    )
    path = chosen.choice(kinds)
    more: list[Predicate] = []
    if chosen.random() < 0.4:
        more.append(Exact(METHOD, chosen.choice(["GET", "POST", "PUT", "DELETE"])))
    if chosen.random() < 0.3:
        more.append(Exact(header("x-tenant"), chosen.choice(["blue", "green", "red"])))
    if chosen.random() < 0.15:
        more.append(Regex(header("cookie"), f"(?:.*; )?user=u{number % 5}(?:;.*)?"))
    if chosen.random() < 0.1:
        more.append(Not(Exact(header("x-canary"), "true")))
    return both(path, *more)


def main(sizes: list[int]) -> None:
    """Print one line for each size of table."""
    for size in sizes:
        table = routes(size)
        begin = time.perf_counter()
        answers = space.first_matches(table)
        elapsed = time.perf_counter() - begin
        kinds = Counter(type(answer).__name__ for answer in answers)
        print(f"{size:4} routes  {elapsed:6.3f} s  {dict(kinds)}  last: {answers[-1]}")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [50, 100, 200, 300])
