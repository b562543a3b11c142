"""Certificates and private keys as Secrets hold them. The one place that knows of `cryptography`, loaded when asked."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Certificate:
    """The first certificate of a chain. `key` is its public key, in the encoding by which keys are compared."""

    first_day: date
    last_day: date
    key: bytes


def certificate(pem: bytes) -> Certificate | None:
    """The first certificate of a PEM text; None where it is none."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        found = x509.load_pem_x509_certificate(pem)
        key = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except ValueError:
        return None
    return Certificate(found.not_valid_before_utc.date(), found.not_valid_after_utc.date(), key)


def public_key(pem: bytes) -> bytes | None:
    """The public part of a private key in PEM, to compare with a certificate's; None where it cannot be read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
