"""Keys of an installation, and secrets by reference."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from outrider.lib.seal import KEY, KeyRing
from outrider.settings import BadSetting


class Keys(msgspec.Struct, frozen=True):
    """Master keys by id and the key of the blind indexes, in base64. Lives outside the database. Never shown."""

    master: dict[str, str]
    index: str

    def __repr__(self) -> str:
        return f"Keys({', '.join(self.master)})"

    def ring(self) -> KeyRing:
        """The key ring."""
        return KeyRing({int(number): base64.b64decode(key) for number, key in self.master.items()})

    def index_key(self) -> bytes:
        """The key of streams and blind indexes."""
        return base64.b64decode(self.index)

    def acknowledgment_key(self) -> bytes:
        """The key of the tokens with which apps acknowledge messages, derived from the index key."""
        return self._derived(b"outrider acknowledgments")

    def link_key(self) -> bytes:
        """The key that signs links in messages; follows from the index key, so that old links stay good."""
        return self._derived(b"outrider: links in messages")

    def _derived(self, use: bytes) -> bytes:
        return hmac.digest(self.index_key(), use, "sha256")


def load_keys(home: Path, env: Mapping[str, str] | None = None) -> Keys:
    """The installation's keys: from OUTRIDER_KEYS (a file), else home/keys.json, made at the first start (mode 0600).

    Raises BadSetting when the file cannot be read.
    """
    environment = os.environ if env is None else env
    named = environment.get("OUTRIDER_KEYS")
    path = Path(named) if named else home / "keys.json"
    if not path.exists() and not named:
        _make(path)
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=Keys)
        keys.ring()
        if len(keys.index_key()) != KEY:
            raise ValueError(f"the index key has {len(keys.index_key())} bytes, expected {KEY}")
    except (OSError, ValueError) as error:
        raise BadSetting(f"{path}: cannot be read as keys ({error}); restore it, the sealed data needs it") from None
    return keys


def _make(path: Path) -> None:
    """Write fresh keys at once or not at all; of two processes that start together one wins."""
    keys = Keys({"1": _fresh()}, _fresh())
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(keys))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Make a new name in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fresh() -> str:
    return base64.b64encode(os.urandom(KEY)).decode()


def resolve(reference: str, folder: Path | None, *, plain_allowed: bool) -> str:
    """The secret behind ``env:NAME`` or ``file:path``; a plain value only for sandbox accounts.

    Raises BadSetting, naming the reference and never the secret.
    """
    kind, _, rest = reference.partition(":")
    if kind == "env":
        value = os.environ.get(rest)
        if value is None:
            raise BadSetting(f"secret env:{rest}: the environment variable is not set")
        return value
    if kind == "file":
        path = Path(rest) if Path(rest).is_absolute() or folder is None else folder / rest
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadSetting(f"secret file:{rest}: {error.strerror}") from error
        except UnicodeDecodeError:
            raise BadSetting(f"secret file:{rest}: it is not UTF-8 text") from None
    if plain_allowed:
        return reference
    raise BadSetting("a secret stands in the configuration; write env:NAME or file:PATH in its place")
