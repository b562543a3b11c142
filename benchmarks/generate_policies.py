"""Writes a mesh with many AuthorizationPolicies for each workload: the same arguments give the same bytes everywhere."""

import argparse
from collections.abc import Iterator
from pathlib import Path

WORKLOADS_IN_A_NAMESPACE = 50

NAMESPACE = """apiVersion: v1
kind: Namespace
metadata: {{name: {namespace}, labels: {{istio-injection: enabled}}}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: default, namespace: {namespace}}}
spec: {{mtls: {{mode: STRICT}}}}
---
"""
WORKLOAD = """apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}, namespace: {namespace}}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{app: {name}}}
  ports: [{{name: http, port: 8080}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      serviceAccountName: {name}
      containers: [{{name: app, image: "registry.example/app:1", ports: [{{containerPort: 8080}}]}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: {name}-callers, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  rules:
  - from: [{{source: {{principals: [cluster.local/ns/{other}/sa/{caller}]}}}}]
    to: [{{operation: {{methods: [GET, HEAD], paths: ["/v1/{name}*"]}}}}]
  - from: [{{source: {{namespaces: [{namespace}]}}}}]
    to: [{{operation: {{methods: [POST], paths: ["/v1/{name}/orders*"], hosts: ["{name}*"]}}}}]
    when: [{{key: "request.headers[x-tenant]", values: ["tenant-{tenant}*"]}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: {name}-kept-out, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  action: DENY
  rules:
  - to: [{{operation: {{paths: ["/v1/{name}/admin*"]}}}}]
    from: [{{source: {{notPrincipals: [cluster.local/ns/{other}/sa/{caller}]}}}}]
---
"""


def mesh(workloads: int) -> Iterator[tuple[str, str]]:
    """The files of the mesh, one a namespace: a path and a text each. Each workload has two policies of its own."""
    count = -(-workloads // WORKLOADS_IN_A_NAMESPACE)
    for number in range(count):
        first = number * WORKLOADS_IN_A_NAMESPACE
        members = range(first, min(first + WORKLOADS_IN_A_NAMESPACE, workloads))
        text = NAMESPACE.format(namespace=_namespace(number))
        yield f"{_namespace(number)}.yaml", text + "".join(_workload(member, workloads) for member in members)


def _workload(number: int, total: int) -> str:
    caller = (number + WORKLOADS_IN_A_NAMESPACE) % total
    return WORKLOAD.format(
        name=_name(number),
        namespace=_namespace(number // WORKLOADS_IN_A_NAMESPACE),
        caller=_name(caller),
        other=_namespace(caller // WORKLOADS_IN_A_NAMESPACE),
        tenant=number % 7,
    )


def _namespace(number: int) -> str:
    return f"team-{number:03d}"


def _name(number: int) -> str:
    return f"app-{number:05d}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workloads", type=int, default=1000)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name, text in mesh(given.workloads):
        (given.folder / name).write_text(text, encoding="utf-8")
    print(f"{given.workloads} workloads, {2 * given.workloads} AuthorizationPolicies")


if __name__ == "__main__":
    main()
