"""What Google's products share: access tokens for a service account (provider facts A.12).

The assertion is a JWT signed RS256 (RFC 7515, RFC 7518 3.3) as the JWT bearer grant wants it (RFC 7523); names of the
claims as in Google's "Using OAuth 2.0 for server to server applications".
"""

from __future__ import annotations

import base64
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from outrider.contracts.http import Request
from outrider.lib.forms import form

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: The longest life of an assertion that Google takes.
LIFE_SECONDS = 3600
#: Where a token may be asked for in clear: a sandbox on this machine.
LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")


class Document(msgspec.Struct, frozen=True):
    """The parts of a service account's JSON file that are needed."""

    client_email: str
    private_key: str
    token_uri: str = "https://oauth2.googleapis.com/token"
    project_id: str = ""
    private_key_id: str = ""

    def __repr__(self) -> str:
        return f"Document({self.client_email})"


class ServiceAccount:
    """A service account that can ask for tokens."""

    def __init__(self, text: str) -> None:
        """text: its JSON file. Raises ValueError, which never quotes the file."""
        try:
            self.document = msgspec.json.decode(text, type=Document)
        except msgspec.DecodeError as error:
            expected = "expected the JSON file of a service account with client_email, private_key and token_uri"
            raise ValueError(f"{expected}: {error}") from None
        if not self.document.token_uri.startswith(("https://", *LOOPBACK)):
            raise ValueError("token_uri of the service account: expected an address that begins with https://")
        self._key = _private_key(self.document.private_key)

    def token_request(self, now: datetime, scope: str) -> Request:
        """The request for an access token. now: aware; scope: Google's URL of what it may do."""
        headers = (("content-type", "application/x-www-form-urlencoded"),)
        body = form((("grant_type", GRANT), ("assertion", self._assertion(int(now.timestamp()), scope))))
        return Request("POST", self.document.token_uri, headers, body)

    def _assertion(self, now: int, scope: str) -> str:
        document = self.document
        head = {"alg": "RS256", "typ": "JWT", **({"kid": document.private_key_id} if document.private_key_id else {})}
        claims = {
            "iss": document.client_email,
            "scope": scope,
            "aud": document.token_uri,
            "iat": now,
            "exp": now + LIFE_SECONDS,
        }
        signed = b".".join(_base64url(msgspec.json.encode(part)) for part in (head, claims))
        return (signed + b"." + _base64url(self._key.sign(signed, PKCS1v15(), SHA256()))).decode()


def _private_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        raise ValueError("private_key of the service account: expected an RSA key in PEM form") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("private_key of the service account: expected an RSA key")  # noqa: TRY004 - a wrong setting
    return key


def _base64url(plain: bytes) -> bytes:
    return base64.urlsafe_b64encode(plain).rstrip(b"=")
