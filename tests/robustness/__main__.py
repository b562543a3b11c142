"""Damage input for as long as one likes: `make fuzz`, or `PYTHONPATH=analyzer:tests python -m robustness SECONDS [SEED]`.

Stops at the first failure and says with which way and seed it was made.
"""

import random
import sys
import time

from robustness.damage import WAYS, lint


def main(seconds: float, first: int) -> None:
    """Try seed after seed, from *first*."""
    until, seed = time.monotonic() + seconds, first
    while time.monotonic() < until:
        for way in WAYS:
            texts = []
            try:
                texts = way(seed)
                assert lint(*texts).is_complete
            except BaseException:
                sys.stderr.write("\n".join([f"{way.__name__}({seed}) breaks the linter:", *texts, ""]))
                raise
        seed += 1
    sys.stdout.write(f"{(seed - first) * len(WAYS)} inputs, seeds {first} to {seed - 1}, no failure\n")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(float(given[0]) if given else 600, int(given[1]) if given[1:] else random.randrange(2**32))
