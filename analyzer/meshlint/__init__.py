"""meshlint: a static linter and semantic diff analyzer for Istio service-mesh manifests."""

__version__ = "0.1.0"
