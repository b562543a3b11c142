"""Writes a large mesh that is valid and clean, or has a given number of mistakes: the same arguments give the same bytes everywhere."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

SERVICES_IN_A_NAMESPACE = 40
SERVICES_IN_A_FILE = 8
MISTAKES = ("MSH201", "MSH202", "MSH108", "MSH101")


@dataclass(frozen=True, slots=True)
class Workload:
    """The *number*-th service of a mesh of *total*, with the mistake planted in its routes, if any."""

    number: int
    total: int
    mistake: str | None = None

    @property
    def namespace(self) -> str:
        """The namespace of the service: forty neighbours share one."""
        return namespace_of(self.number // SERVICES_IN_A_NAMESPACE)

    @property
    def name(self) -> str:
        """The name of the service, its application label and its account."""
        return f"service-{self.number:05d}"

    @property
    def principal(self) -> str:
        """The identity with which the service calls others."""
        return f"cluster.local/ns/{self.namespace}/sa/{self.name}"

    @property
    def is_edge(self) -> bool:
        """Whether the ingress gateway calls the service: the first of each namespace is the one."""
        return self.number % SERVICES_IN_A_NAMESPACE == 0


def namespace_of(number: int) -> str:
    """The name of the *number*-th namespace."""
    return f"team-{number:03d}"


def mesh(services: int, mistakes: int) -> Iterator[tuple[str, str]]:
    """The files of the mesh: a path and a text each."""
    workloads = [Workload(n, services, mistake) for n, mistake in enumerate(planted(services, mistakes))]
    yield "mesh.yaml", documents(MESH)
    for start in range(0, services, SERVICES_IN_A_NAMESPACE):
        neighbours = workloads[start : start + SERVICES_IN_A_NAMESPACE]
        folder = neighbours[0].namespace
        yield f"{folder}/namespace.yaml", documents(*namespace_objects(start // SERVICES_IN_A_NAMESPACE, neighbours[0]))
        for first in range(0, len(neighbours), SERVICES_IN_A_FILE):
            chunk = neighbours[first : first + SERVICES_IN_A_FILE]
            yield f"{folder}/services-{first:02d}.yaml", documents(*(d for w in chunk for d in service_objects(w)))


def planted(services: int, mistakes: int) -> list[str | None]:
    """Which service gets which mistake: spread evenly, the kinds in turn."""
    places: list[str | None] = [None] * services
    for turn in range(mistakes):
        places[turn * services // mistakes] = MISTAKES[turn % len(MISTAKES)]
    return places


def service_objects(workload: Workload) -> Iterator[str]:
    """The seven objects of one service."""
    names = {"name": workload.name, "namespace": workload.namespace}
    yield SERVICE_ACCOUNT.format(**names)
    yield SERVICE.format(**names)
    for version in ("v1", "v2"):
        yield DEPLOYMENT.format(version=version, **names)
    yield DESTINATION_RULE.format(**names)
    yield VIRTUAL_SERVICE.format(routes=indent("".join(routes(workload)), "  "), **names)
    yield AUTHORIZATION_POLICY.format(callers=indent("".join(callers(workload)), "    "), **names)


def callers(workload: Workload) -> Iterator[str]:
    """The identities that may call the service: two others of the mesh, and the ingress gateway at the edge."""
    if workload.is_edge:
        yield "    - cluster.local/ns/istio-system/sa/istio-ingressgateway\n"
    for step in (1, SERVICES_IN_A_NAMESPACE):
        yield f"    - {Workload((workload.number - step) % workload.total, workload.total).principal}\n"


def routes(workload: Workload) -> Iterator[str]:
    """The routes of the service: a few for most, and up to twenty of several shapes for every tenth."""
    if workload.number % 10 == 0:
        for number in range(3 + workload.number // 10 % 16):
            yield SHAPES[number % len(SHAPES)].format(number=number, name=workload.name)
    if workload.mistake == "MSH101":
        yield SHADOWED.format(name=workload.name)
    host = "no-such-service" if workload.mistake == "MSH201" else workload.name
    yield CANARY.format(host=host, name=workload.name)
    subset = "v9" if workload.mistake == "MSH202" else "v2"
    share = 100 if workload.mistake == "MSH108" else 10
    yield STABLE.format(name=workload.name, subset=subset, share=share)


def namespace_objects(number: int, edge: Workload) -> Iterator[str]:
    """What a namespace has once: its borders, its door and the outside hosts it calls."""
    following = namespace_of((number + 1) % -(-edge.total // SERVICES_IN_A_NAMESPACE))
    yield NAMESPACE.format(namespace=edge.namespace, following=following, edge=edge.name)


def documents(*texts: str) -> str:
    """One file of several documents."""
    return "---\n".join(texts)


def block(text: str) -> str:
    """A template as it is written below, without the indentation and the line break of its first line."""
    return dedent(text).lstrip("\n")


SERVICE_ACCOUNT = block("""
    apiVersion: v1
    kind: ServiceAccount
    metadata:
      name: {name}
      namespace: {namespace}
      labels:
        app.kubernetes.io/name: {name}
        app.kubernetes.io/managed-by: benchmark
    """)
SERVICE = block("""
    apiVersion: v1
    kind: Service
    metadata:
      name: {name}
      namespace: {namespace}
      labels:
        app.kubernetes.io/name: {name}
        app.kubernetes.io/managed-by: benchmark
    spec:
      selector:
        app: {name}
      ports:
      - name: http
        port: 8080
        targetPort: 8080
        protocol: TCP
    """)
DEPLOYMENT = block("""
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: {name}-{version}
      namespace: {namespace}
      labels:
        app: {name}
        version: {version}
        app.kubernetes.io/name: {name}
        app.kubernetes.io/managed-by: benchmark
    spec:
      replicas: 2
      revisionHistoryLimit: 3
      selector:
        matchLabels:
          app: {name}
          version: {version}
      strategy:
        type: RollingUpdate
        rollingUpdate:
          maxSurge: 1
          maxUnavailable: 0
      template:
        metadata:
          labels:
            app: {name}
            version: {version}
            app.kubernetes.io/name: {name}
        spec:
          serviceAccountName: {name}
          terminationGracePeriodSeconds: 30
          containers:
          - name: app
            image: registry.example.com/{namespace}/{name}:{version}
            env:
            - name: LOG_LEVEL
              value: info
            - name: VERSION
              value: {version}
            ports:
            - name: http
              containerPort: 8080
            readinessProbe:
              httpGet:
                path: /healthz
                port: 8080
              periodSeconds: 5
            livenessProbe:
              httpGet:
                path: /healthz
                port: 8080
              periodSeconds: 10
            resources:
              requests:
                cpu: 100m
                memory: 128Mi
              limits:
                memory: 256Mi
            securityContext:
              runAsNonRoot: true
              readOnlyRootFilesystem: true
    """)
DESTINATION_RULE = block("""
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: {name}
      namespace: {namespace}
    spec:
      host: {name}
      trafficPolicy:
        loadBalancer:
          simple: LEAST_REQUEST
        outlierDetection:
          consecutive5xxErrors: 5
          interval: 30s
          baseEjectionTime: 1m
          maxEjectionPercent: 50
      subsets:
      - name: v1
        labels:
          version: v1
      - name: v2
        labels:
          version: v2
    """)
VIRTUAL_SERVICE = block("""
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: {name}
      namespace: {namespace}
    spec:
      hosts:
      - {name}
      http:
    {routes}""")
AUTHORIZATION_POLICY = block("""
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: {name}
      namespace: {namespace}
    spec:
      selector:
        matchLabels:
          app: {name}
      action: ALLOW
      rules:
      - from:
        - source:
            principals:
    {callers}    to:
        - operation:
            methods:
            - GET
            - POST
            paths:
            - /api/*
            - /{name}/*
    """)
TARGET = """\
  route:
  - destination:
      host: {name}
      subset: v1
      port:
        number: 8080
"""
SHAPES = tuple(
    dedent(head) + TARGET
    for head in (
        """\
        - name: path-{number}
          match:
          - uri:
              prefix: /api/part-{number:02d}/
          timeout: 5s
        """,
        """\
        - name: pattern-{number}
          match:
          - uri:
              regex: /items-{number:02d}/[0-9]+/(detail|history)
        """,
        """\
        - name: method-{number}
          match:
          - method:
              exact: POST
            uri:
              exact: /api/order-{number:02d}
        """,
        """\
        - name: header-{number}
          match:
          - uri:
              prefix: /{name}/tenant-{number:02d}/
            headers:
              x-tenant:
                exact: tenant-{number:02d}
        """,
    )
)
SHADOWED = (
    dedent("""\
    - name: everything-under-shadow
      match:
      - uri:
          prefix: /shadow/
    """)
    + TARGET
    + dedent("""\
    - name: never-reached
      match:
      - uri:
          prefix: /shadow/deep/
    """)
    + TARGET
)
CANARY = dedent("""\
    - name: canary
      match:
      - headers:
          x-canary:
            exact: "true"
      route:
      - destination:
          host: {host}
          subset: v2
          port:
            number: 8080
    """)
STABLE = dedent("""\
    - name: stable
      timeout: 10s
      retries:
        attempts: 2
        perTryTimeout: 3s
        retryOn: connect-failure,refused-stream
      route:
      - destination:
          host: {name}
          subset: v1
          port:
            number: 8080
        weight: 90
      - destination:
          host: {name}
          subset: {subset}
          port:
            number: 8080
        weight: {share}
    """)
NAMESPACE = block("""
    apiVersion: v1
    kind: Namespace
    metadata:
      name: {namespace}
      labels:
        istio-injection: enabled
    ---
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata:
      name: default
      namespace: {namespace}
    spec:
      mtls:
        mode: STRICT
    ---
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata:
      name: default
      namespace: {namespace}
    spec:
      egress:
      - hosts:
        - ./*
        - istio-system/*
        - {following}/*
    ---
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata:
      name: door
      namespace: {namespace}
    spec:
      selector:
        istio: ingressgateway
      servers:
      - port:
          number: 443
          name: https
          protocol: HTTPS
        hosts:
        - {namespace}.example.com
        tls:
          mode: SIMPLE
          credentialName: {namespace}-certificate
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: door
      namespace: {namespace}
    spec:
      hosts:
      - {namespace}.example.com
      gateways:
      - door
      http:
      - name: api
        match:
        - uri:
            prefix: /api/
        route:
        - destination:
            host: {edge}
            subset: v1
            port:
              number: 8080
    ---
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: payments
      namespace: {namespace}
    spec:
      hosts:
      - payments.{namespace}.example.net
      location: MESH_EXTERNAL
      resolution: DNS
      exportTo:
      - .
      ports:
      - number: 443
        name: tls
        protocol: TLS
    ---
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: mail
      namespace: {namespace}
    spec:
      hosts:
      - mail.{namespace}.example.net
      location: MESH_EXTERNAL
      resolution: DNS
      exportTo:
      - .
      ports:
      - number: 443
        name: tls
        protocol: TLS
    """)
MESH = block("""
    apiVersion: v1
    kind: Namespace
    metadata:
      name: istio-system
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: istio
      namespace: istio-system
    data:
      mesh: |
        rootNamespace: istio-system
        trustDomain: cluster.local
        outboundTrafficPolicy:
          mode: REGISTRY_ONLY
    ---
    apiVersion: v1
    kind: ServiceAccount
    metadata:
      name: istio-ingressgateway
      namespace: istio-system
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: istio-ingressgateway
      namespace: istio-system
      labels:
        istio: ingressgateway
    spec:
      type: LoadBalancer
      selector:
        istio: ingressgateway
      ports:
      - name: https
        port: 443
        targetPort: 8443
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: istio-ingressgateway
      namespace: istio-system
    spec:
      selector:
        matchLabels:
          istio: ingressgateway
      template:
        metadata:
          labels:
            istio: ingressgateway
            sidecar.istio.io/inject: "true"
          annotations:
            inject.istio.io/templates: gateway
        spec:
          serviceAccountName: istio-ingressgateway
          containers:
          - name: istio-proxy
            image: auto
            ports:
            - containerPort: 8443
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: ingress-gateway
      namespace: istio-system
    spec:
      selector:
        matchLabels:
          istio: ingressgateway
      action: ALLOW
      rules:
      - to:
        - operation:
            methods:
            - GET
            - POST
            paths:
            - /api/*
    """)


def write(folder: Path, services: int, mistakes: int) -> tuple[int, int, int]:
    """Writes the mesh into *folder* and counts its files, resources and bytes."""
    files = resources = size = 0
    for name, text in mesh(services, mistakes):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        files, resources, size = files + 1, resources + text.count("\nkind: "), size + len(text.encode())
    return files, resources, size


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write; made if absent")
    parser.add_argument("--services", type=int, default=2000)
    parser.add_argument("--mistakes", type=int, default=0, help=f"how many to plant, of {', '.join(MISTAKES)} in turn")
    given = parser.parse_args()
    if not 0 <= given.mistakes <= given.services:
        parser.error("--mistakes is a number between 0 and that of the services")
    files, resources, size = write(given.folder, given.services, given.mistakes)
    print(f"{files} files, {resources} resources, {size / 1e6:.1f} MB, {given.mistakes} mistakes")


if __name__ == "__main__":
    main()
