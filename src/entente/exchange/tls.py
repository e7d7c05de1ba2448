"""Certificates of members and the pins that partners keep of them (SHA-256 of SubjectPublicKeyInfo, as in RFC 7469)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from entente.core.errors import InvalidError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

YEARS: Final = 10
_MAX_NAME: Final = 64


def make_certificate(name: str, key_pem: bytes | None = None, *, now: float) -> tuple[bytes, bytes]:
    """Return (certificate, private key) in PEM: self-signed, P-256, valid for ten years from the day before `now`.

    A new key is made unless `key_pem` holds one; a renewed certificate with the same key keeps its pin. Raises
    InvalidError if the key cannot be read or is not a P-256 key.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if key_pem is None:
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        try:
            loaded = serialization.load_pem_private_key(key_pem, password=None)
        except (ValueError, TypeError) as error:
            raise InvalidError("The private key of the certificate cannot be read.") from error
        if not isinstance(loaded, ec.EllipticCurvePrivateKey) or not isinstance(loaded.curve, ec.SECP256R1):
            raise InvalidError("The private key of the certificate is not a P-256 key.")
        key = loaded
    if not name:
        raise InvalidError("A certificate needs a name.")
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _short(name))])
    begin = datetime.fromtimestamp(now, UTC).replace(microsecond=0) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def _short(name: str) -> str:
    """Cut a name to the bytes that a certificate has for it."""
    return name.encode()[:_MAX_NAME].decode(errors="ignore")


def pin_of(cert_pem: bytes) -> bytes:
    """Return the pin (32 bytes) of the first certificate in a PEM file; raise InvalidError if there is none."""
    from cryptography import x509

    try:
        return _pin(x509.load_pem_x509_certificate(cert_pem))
    except ValueError as error:
        raise InvalidError("The certificate cannot be read.") from error


def pin_of_der(cert_der: bytes) -> bytes:
    """Return the pin (32 bytes) of a certificate as it comes in a handshake; raise InvalidError if it is none."""
    from cryptography import x509

    try:
        return _pin(x509.load_der_x509_certificate(cert_der))
    except ValueError as error:
        raise InvalidError("The certificate cannot be read.") from error


def _pin(certificate: Certificate) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    try:
        return sha256(certificate.public_key().public_bytes(encoding, form)).digest()
    except UnsupportedAlgorithm as error:
        raise InvalidError("The certificate has a key of an unknown type.") from error
