"""Measures wall time and peak memory of meshlint: its start, the small example, and a large generated mesh."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Measure:
    """How one run of a command went: its wall time in seconds, its peak memory in megabytes, its exit code."""

    seconds: float
    megabytes: float
    code: int


def measure(arguments: Sequence[str]) -> Measure:
    """One run of meshlint in a process of its own, with what it prints thrown away."""
    environment = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT / "analyzer")
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "meshlint", *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    # The child is reaped already, so that Popen must be told what became of it.
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return Measure(seconds, usage.ru_maxrss * unit / 1e6, child.returncode)


def best(arguments: Sequence[str], runs: int) -> Measure:
    """The fastest of several runs, after one that writes the byte code."""
    measure(arguments)
    return min((measure(arguments) for _ in range(runs)), key=lambda one: one.seconds)


def show(what: str, one: Measure) -> None:
    """One line of the table."""
    print(f"{what:<40} {one.seconds:8.2f} s {one.megabytes:8.0f} MB   exit {one.code}", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=2000, help="size of the large mesh; 0 leaves it out")
    parser.add_argument("--mistakes", type=int, default=0)
    given = parser.parse_args()

    show("meshlint --version", best(["--version"], 5))
    show("meshlint lint examples/bookinfo", best(["lint", "examples/bookinfo"], 5))
    if given.services:
        with tempfile.TemporaryDirectory() as folder:
            sizes = [folder, "--services", str(given.services), "--mistakes", str(given.mistakes)]
            subprocess.run([sys.executable, str(ROOT / "benchmarks" / "generate_mesh.py"), *sizes], check=True)
            show(f"meshlint lint, {given.services} services", measure(["lint", folder]))


if __name__ == "__main__":
    main()
