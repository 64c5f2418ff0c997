"""What Twilio's products share: the signature of a callback (provider facts A.2; checked against its SDK 9.13.0)."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from outrider.contracts.provider import Callback, Forged

DIGESTS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
PORTS = {"https": 443, "http": 80}


def check_signature(callback: Callback, pairs: Iterable[tuple[str, str]], keys: Mapping[str, str]) -> None:
    """Raises Forged unless X-Twilio-Signature fits the public URL and the form's `pairs`.

    keys: the secret for each of HMAC_SHA1 (the account's auth token) and HMAC_SHA256 (a SharedKey); an empty
    one means not configured. Header names are lower case.
    """
    algorithm = _algorithm(callback.headers.get("x-twilio-webhooks-signature-settings", ""))
    if not keys.get(algorithm):
        raise Forged(f"no key is configured for signatures of {algorithm[:40]!r}")
    fields = "".join(name + value for name, value in sorted(set(pairs)))
    given = callback.headers.get("x-twilio-signature", "").encode(errors="replace")
    for url in _spellings(callback.url):  # Twilio's signer is inconsistent about the port
        if hmac.compare_digest(signature(url + fields, keys[algorithm], algorithm), given):
            return
    raise Forged("X-Twilio-Signature does not fit the URL and form")


def signature(signed: str, key: str, algorithm: str = "HMAC_SHA1") -> bytes:
    """The base64 signature of a URL followed by the sorted fields of the form."""
    mac = hmac.digest(key.encode(), signed.encode(errors="replace"), DIGESTS[algorithm])
    return base64.b64encode(mac)


def _algorithm(settings: str) -> str:
    """The algorithm named in X-Twilio-Webhooks-Signature-Settings (``key=…,algorithm=…``)."""
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return "HMAC_SHA1"


def _spellings(url: str) -> tuple[str, ...]:
    """The URL as it is, without and with its port; none for a URL that is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ()
    host = parts.netloc.rpartition(":")[0] if port else parts.netloc
    with_port = f"{host}:{port or PORTS.get(parts.scheme, 80)}"
    return url, parts._replace(netloc=host).geturl(), parts._replace(netloc=with_port).geturl()
