"""Google's token endpoint: takes a service account's signed assertion, gives an access token (RFC 7523)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from urllib.parse import parse_qsl

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from outrider.contracts.http import Response
from outrider.sandbox.counterpart import Account, Call, json_answer

TOKEN = "/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: Either may send (FCM HTTP v1, projects.messages.send).
SCOPES = frozenset(f"https://www.googleapis.com/auth/{name}" for name in ("firebase.messaging", "cloud-platform"))
#: Google says one second less than the hour an access token lasts.
LIFE_SECONDS = 3599
#: The longest life of an assertion, and how far clocks may differ.
LONGEST_ASSERTION, SKEW = 3600, 300
ACCESS = re.compile(r"ya29\.(?P<project>[A-Za-z0-9-]+)\.(?P<ends>\d{1,12})\.(?P<mac>[0-9a-f]{64})", re.ASCII)


class Claims(msgspec.Struct):
    """What an assertion claims."""

    iss: str
    aud: str
    scope: str
    iat: int
    exp: int


class Head(msgspec.Struct):
    """How it is signed."""

    alg: str


class _Wrong(Exception):
    """An assertion that is not taken: Google's description."""


def email_of(account: Account) -> str:
    """The service account's name."""
    return f"sender@{account.id}.iam.gserviceaccount.com"


def service_account(account: Account, url: str) -> str:
    """The JSON file of a service account that opens a sandbox at `url`."""
    pem = key_of(account).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    document = {
        "type": "service_account",
        "project_id": account.id,
        "private_key_id": "sandbox",
        "private_key": pem.decode(),
        "client_email": email_of(account),
        "token_uri": f"{url}{TOKEN}",
    }
    return msgspec.json.encode(document).decode()


def key_of(account: Account) -> RSAPrivateKey:
    """The key of an account: its secret, or one made for this process."""
    if not account.secret:
        return _own_key()
    key = load_pem_private_key(account.secret.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


@cache
def _own_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


class Google:
    """The endpoint for some accounts. An access token is checked by its MAC: nothing is remembered."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._accounts = {email_of(account): account for account in accounts}
        self._secret = hashlib.sha256(b"".join(sorted(map(str.encode, self._accounts)))).digest()

    def token(self, call: Call) -> Response:
        """An access token for a good assertion, else the error of RFC 6749 5.2."""
        fields = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        if call.method != "POST" or fields.get("grant_type") != GRANT:
            return _refused("unsupported_grant_type", "Invalid grant_type")
        try:
            account = self._account(fields.get("assertion", ""), call.at)
        except _Wrong as wrong:
            return _refused("invalid_grant", str(wrong))
        ends = int(call.at.timestamp()) + LIFE_SECONDS
        token = f"ya29.{account.id}.{ends}.{self._mac(account.id, ends)}"
        return json_answer(200, {"access_token": token, "expires_in": LIFE_SECONDS, "token_type": "Bearer"})

    def project_of(self, call: Call) -> str | None:
        """The project a call's access token opens; None without a living one of ours."""
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        found = ACCESS.fullmatch(token)
        if kind.lower() != "bearer" or found is None or int(found["ends"]) <= call.at.timestamp():
            return None
        fits = hmac.compare_digest(found["mac"], self._mac(found["project"], int(found["ends"])))
        return found["project"] if fits else None

    def _mac(self, project: str, ends: int) -> str:
        return hmac.new(self._secret, f"{project} {ends}".encode(), hashlib.sha256).hexdigest()

    def _account(self, assertion: str, now: datetime) -> Account:
        signed, _, signature = assertion.rpartition(".")
        head, _, body = signed.partition(".")
        try:
            claims = msgspec.json.decode(_plain(body), type=Claims)
            algorithm = msgspec.json.decode(_plain(head), type=Head).alg
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _Wrong("Invalid JWT: Failed to decode.") from None
        account = self._accounts.get(claims.iss)
        if account is None:
            raise _Wrong("Invalid grant: account not found")
        try:
            key_of(account).public_key().verify(_plain(signature), signed.encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            raise _Wrong("Invalid JWT Signature.") from None
        _check(claims, algorithm, now.timestamp())
        return account


def _check(claims: Claims, algorithm: str, now: float) -> None:
    is_now = claims.iat <= now + SKEW and now < claims.exp + SKEW and claims.exp - claims.iat <= LONGEST_ASSERTION
    if algorithm != "RS256" or not claims.aud.endswith(TOKEN):
        raise _Wrong("Invalid JWT: alg must be RS256 and aud the token endpoint.")
    if not is_now:
        raise _Wrong("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.")
    if SCOPES.isdisjoint(claims.scope.split()):
        raise _Wrong("Invalid scope: no scope that may send messages.")


def _plain(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return b""


def _refused(error: str, words: str) -> Response:
    return json_answer(400, {"error": error, "error_description": words})
