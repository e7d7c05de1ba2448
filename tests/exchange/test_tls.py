"""Certificates of members and their pins."""

from __future__ import annotations

import ssl
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from entente.core.errors import InvalidError
from entente.exchange import tls

NOW = 1_790_000_000.0


def test_pin_is_the_hash_of_the_public_key_info():
    certificate, _ = tls.make_certificate("CERT One", now=NOW)
    key = x509.load_pem_x509_certificate(certificate).public_key()
    info = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    assert tls.pin_of(certificate) == sha256(info).digest()
    assert tls.pin_of_der(ssl.PEM_cert_to_DER_cert(certificate.decode())) == sha256(info).digest()


def test_renewed_certificate_keeps_its_pin():
    certificate, key = tls.make_certificate("CERT One", now=NOW)

    renewed, same = tls.make_certificate("CERT One, renamed", key, now=NOW + 1000)

    assert same == key
    assert renewed != certificate
    assert tls.pin_of(renewed) == tls.pin_of(certificate)


def test_certificate_lasts_ten_years():
    certificate = x509.load_pem_x509_certificate(tls.make_certificate("Ä" * 80, now=NOW)[0])

    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 3650
    assert certificate.not_valid_before_utc.timestamp() < NOW


def test_what_is_no_certificate_or_key_is_refused():
    with pytest.raises(InvalidError):
        tls.pin_of(b"none")
    with pytest.raises(InvalidError):
        tls.pin_of_der(b"none")
    with pytest.raises(InvalidError):
        tls.make_certificate("x", b"none", now=NOW)
    with pytest.raises(InvalidError):
        tls.make_certificate("", now=NOW)
