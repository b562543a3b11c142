"""Measures traces on a large generated mesh: each from a random workload, mostly to a host of its own namespace."""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from meshlint.cli.inputs import Given, Overrides, configured, read, without_garbage
from meshlint.mesh.asked import asked
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import pod
from meshlint.mesh.services import Host
from meshlint.mesh.trace import trace


def load(folder: str) -> Mesh:
    """The mesh of a folder, read as the commands read it."""
    given = Given((folder,), None, reads_config=False, overrides=Overrides())
    with without_garbage():
        return read(given, configured(given)).mesh


def traced(mesh: Mesh, count: int) -> Counter[str]:
    """How many of *count* random requests end in each way."""
    chosen = random.Random(1)
    pods = [one for one in mesh.workloads if not one.is_assumed]
    hosts = [one for one in mesh.hosts if not one.is_external and one.ports]
    near: defaultdict[str, list[Host]] = defaultdict(list)
    for host in hosts:
        near[host.namespace].append(host)
    ends: Counter[str] = Counter()
    for number in range(count):
        client = chosen.choice(pods)
        host = chosen.choice(near[client.namespace] if number % 4 and near[client.namespace] else hosts)
        url = f"http://{host.name}:{host.ports[0].number}/api/v{number % 5}/x"
        ends[trace(mesh, pod(client), asked(url)).outcome.kind.value] += 1
    return ends


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=2000)
    parser.add_argument("--traces", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generator = str(Path(__file__).with_name("generate_mesh.py"))
        subprocess.run([sys.executable, generator, folder, "--services", str(given.services)], check=True)
        begin = time.perf_counter()
        mesh = load(folder)
        loaded = time.perf_counter()
        ends = traced(mesh, given.traces)
    print(f"loading {given.services} services     {loaded - begin:6.2f} s")
    print(f"{given.traces} traces               {time.perf_counter() - loaded:6.2f} s  {dict(ends)}")


if __name__ == "__main__":
    main()
