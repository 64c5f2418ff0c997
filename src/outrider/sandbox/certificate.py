"""A self-signed certificate for the simulated mail server: made once in each process, good for this machine only."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: Long before and after any clock of a test: it protects nothing.
BEGINS = datetime(2000, 1, 1, tzinfo=UTC)
LASTS = timedelta(days=36_500)


@cache
def _pair() -> tuple[bytes, bytes]:
    """Certificate and key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(BEGINS + LASTS)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return made.public_bytes(serialization.Encoding.PEM), pem


def certificate() -> bytes:
    """The certificate as PEM, for clients to trust."""
    return _pair()[0]


@cache
def server_context() -> ssl.SSLContext:
    """What the server needs; the key touches the disk only while it is loaded."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sandbox.pem"
        path.touch(mode=0o600)
        path.write_bytes(b"".join(_pair()))
        context.load_cert_chain(path)
    return context
