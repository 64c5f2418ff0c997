"""Assertions of service accounts, checked by a library that makes and reads them itself."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from outrider.contracts.provider import Outbound, Secret
from outrider.domain.message import Rendition
from outrider.providers._service_account import ServiceAccount
from outrider.providers.push.fcm import LARGEST, SCOPE, Fcm, FcmSettings

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEY = generate_private_key(65537, 2048)


def pem(key: Any = KEY) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def document(**changes: Any) -> str:
    given = {
        "client_email": "sender@rental.example",
        "private_key": pem(),
        "private_key_id": "k1",
        "project_id": "rental-app",
        "token_uri": "https://oauth2.example/token",
        **changes,
    }
    return msgspec.json.encode({name: value for name, value in given.items() if value is not None}).decode()


def parts(account: ServiceAccount) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    request = account.token_request(NOW, SCOPE)
    assertion = dict(parse_qsl(request.body.decode()))["assertion"]
    head, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in assertion.split("."))
    signed = assertion.rpartition(".")[0].encode()
    return msgspec.json.decode(head), msgspec.json.decode(claims), signed, signature


def test_the_request_is_the_jwt_bearer_grant() -> None:
    request = ServiceAccount(document()).token_request(NOW, SCOPE)
    assert (request.method, request.url) == ("POST", "https://oauth2.example/token")
    assert dict(parse_qsl(request.body.decode()))["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"


def test_the_assertion_says_who_asks_for_what_and_how_long() -> None:
    head, claims, _, _ = parts(ServiceAccount(document()))
    assert head == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert claims == {
        "iss": "sender@rental.example",
        "scope": SCOPE,
        "aud": "https://oauth2.example/token",
        "iat": 1793534400,
        "exp": 1793538000,
    }


def test_the_signature_is_that_of_the_accounts_key() -> None:
    _, _, signed, signature = parts(ServiceAccount(document()))
    KEY.public_key().verify(signature, signed, PKCS1v15(), SHA256())


def test_a_key_without_an_id_is_not_named() -> None:
    head, _, _, _ = parts(ServiceAccount(document(private_key_id=None)))
    assert head == {"alg": "RS256", "typ": "JWT"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "expected the JSON file of a service account"),
        ("[]", "expected the JSON file of a service account"),
        (document(client_email=None), "client_email"),
        (document(private_key="not a key"), "expected an RSA key in PEM form"),
        (document(private_key=pem(elliptic(SECP256R1()))), "expected an RSA key"),
        (document(token_uri="http://oauth2.example/token"), "https://"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_without_quoting_it(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        ServiceAccount(text)
    assert "PRIVATE" not in str(raised.value)
    assert "not a key" not in str(raised.value)


def test_a_sandbox_on_this_machine_may_be_asked_in_clear() -> None:
    assert ServiceAccount(document(token_uri="http://127.0.0.1:4020/token")).document.project_id == "rental-app"


def test_neither_the_account_nor_the_provider_shows_its_key() -> None:
    assert isinstance(KEY, RSAPrivateKey)
    provider = fcm()
    assert "PRIVATE" not in repr(ServiceAccount(document()).document) + repr(vars(provider))


def test_a_project_must_be_named_somewhere() -> None:
    with pytest.raises(ValueError, match="set project"):
        Fcm(FcmSettings(service_account=Secret(document(project_id=None))))


def fcm(**changes: Any) -> Fcm:
    return Fcm(FcmSettings(service_account=Secret(document()), **changes))


def push(body: Rendition) -> Outbound:
    return Outbound("msg_01JD5Z7W3N8Q4X0T6V2R9C1B5A.1", "a-token", "app", body, "https://hooks.example.com/cb")


@pytest.mark.parametrize("name", ["from", "message_type", "google.x", "gcm.y", "outrider_message"])
def test_names_that_are_taken_are_refused_before_anything_is_sent(name: str) -> None:
    with pytest.raises(ValueError, match="data may not be named"):
        fcm().request(push(Rendition("Hello", data={name: "1"})))


@pytest.mark.parametrize("data_only", [True, False])
def test_a_push_that_is_too_large_is_refused_before_anything_is_sent(data_only: bool) -> None:
    provider = fcm(data_only=data_only)
    provider.request(push(Rendition("x" * (LARGEST // 2 - 200))))
    with pytest.raises(ValueError, match=rf"bytes; FCM takes {LARGEST}"):
        provider.request(push(Rendition("x" * LARGEST)))
