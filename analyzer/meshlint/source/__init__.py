"""TEXT: manifests as text, spans and nodes. This package knows YAML, not Istio."""
