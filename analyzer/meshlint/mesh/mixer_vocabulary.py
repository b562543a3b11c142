"""The words of Mixer 1.0: attributes that proxies and Kubernetes report, what templates hold, which adapters take them."""

from collections.abc import Mapping
from enum import Enum


class ValueType(Enum):
    """The type of an expression (L45)."""

    STRING = "STRING"
    INT64 = "INT64"
    DOUBLE = "DOUBLE"
    BOOL = "BOOL"
    TIMESTAMP = "TIMESTAMP"
    IP_ADDRESS = "IP_ADDRESS"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    URI = "URI"
    DNS_NAME = "DNS_NAME"
    DURATION = "DURATION"
    STRING_MAP = "STRING_MAP"


_NAMES = {
    ValueType.STRING: """
        api.operation api.protocol api.service api.version connection.event connection.id
        connection.requested_server_name context.protocol context.reporter.kind context.reporter.uid
        destination.container.name destination.name destination.namespace destination.owner
        destination.principal destination.service destination.service.host destination.service.name
        destination.service.namespace destination.service.uid destination.serviceAccount destination.uid
        destination.workload.name destination.workload.namespace destination.workload.uid origin.uid
        origin.user request.api_key request.auth.audiences request.auth.presenter request.auth.principal
        request.auth.raw_claims request.host request.id request.method request.path request.reason
        request.referer request.scheme request.useragent source.name source.namespace source.owner
        source.principal source.service source.serviceAccount source.services source.uid source.user
        source.workload.name source.workload.namespace source.workload.uid
    """,
    ValueType.DURATION: """
        connection.duration response.duration
    """,
    ValueType.BOOL: """
        connection.mtls context.reporter.local
    """,
    ValueType.INT64: """
        connection.received.bytes connection.received.bytes_total connection.sent.bytes
        connection.sent.bytes_total destination.port request.size request.total_size response.code
        response.size response.total_size
    """,
    ValueType.TIMESTAMP: """
        context.time context.timestamp request.time response.time
    """,
    ValueType.IP_ADDRESS: """
        destination.ip origin.ip source.ip
    """,
    ValueType.STRING_MAP: """
        destination.labels destination.metadata request.auth.claims request.headers response.headers
        source.labels source.metadata
    """,
}
ATTRIBUTES: Mapping[str, ValueType] = {name: kind for kind, names in _NAMES.items() for name in names.split()}
"""The type of each attribute that Istio 1.0.3 ships a manifest for."""

ADAPTERS: Mapping[str, frozenset[str]] = {
    kind: frozenset(templates.split())
    for kinds, templates in (
        ("bypass", "checknothing reportnothing metric quota"),
        ("circonus cloudwatch dogstatsd prometheus signalfx statsd", "metric"),
        ("denier", "checknothing listentry quota"),
        ("fluentd", "logentry"),
        ("kubernetesenv", "kubernetes"),
        ("listchecker", "listentry"),
        ("memquota redisquota", "quota"),
        ("noop", "authorization checknothing listentry logentry metric quota reportnothing tracespan"),
        ("opa rbac", "authorization"),
        ("servicecontrol", "apikey quota servicecontrolreport"),
        ("solarwinds", "logentry metric"),
        ("stackdriver", "edge logentry metric tracespan"),
        ("stdio", "logentry metric"),
    )
    for kind in kinds.split()
}
"""Which templates' instances an adapter takes: those of others are dropped (L39)."""

ANY = None
_TEXT, _TIME, _NUMBER = ValueType.STRING, ValueType.TIMESTAMP, ValueType.INT64
TEMPLATES: Mapping[str, Mapping[str, ValueType | None]] = {
    "logentry": {"timestamp": _TIME, "severity": _TEXT, "monitoredResourceType": _TEXT},
    "metric": {"value": ANY, "monitoredResourceType": _TEXT},
    "quota": {},
    "listentry": {"value": _TEXT},
    "authorization": dict.fromkeys(("user", "groups", "namespace", "service", "method", "path"), _TEXT),
    "apikey": {**dict.fromkeys(("api", "apiVersion", "apiOperation", "apiKey"), _TEXT), "timestamp": _TIME},
    "tracespan": {
        **dict.fromkeys(("traceId", "spanId", "parentSpanId", "spanName"), _TEXT),
        **dict.fromkeys(("startTime", "endTime"), _TIME),
        **dict.fromkeys(("clientSpan", "rewriteClientSpanId"), ValueType.BOOL),
        "httpStatusCode": _NUMBER,
    },
    "edge": {
        "timestamp": _TIME,
        **dict.fromkeys(
            (
                "sourceWorkloadNamespace",
                "sourceWorkloadName",
                "sourceOwner",
                "sourceUid",
                "destinationWorkloadNamespace",
                "destinationWorkloadName",
                "destinationOwner",
                "destinationUid",
                "contextProtocol",
                "apiProtocol",
            ),
            _TEXT,
        ),
    },
    "kubernetes": {
        **dict.fromkeys(("sourceUid", "destinationUid"), _TEXT),
        **dict.fromkeys(("sourceIp", "destinationIp"), ValueType.IP_ADDRESS),
        "destinationPort": _NUMBER,
    },
    "servicecontrolreport": {
        **dict.fromkeys(("apiVersion", "apiOperation", "apiProtocol", "apiService", "apiKey"), _TEXT),
        **dict.fromkeys(("requestMethod", "requestPath"), _TEXT),
        **dict.fromkeys(("requestTime", "responseTime"), _TIME),
        **dict.fromkeys(("requestBytes", "responseCode", "responseBytes"), _NUMBER),
        "responseLatency": ValueType.DURATION,
    },
    "checknothing": {},
    "reportnothing": {},
}
"""The fields of each template that are expressions, with their types; None takes any. Maps hold expressions of any type."""
