"""Keys of an installation, and secrets by reference."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from outrider.lib.seal import KEY, KeyRing
from outrider.settings import BadSetting


class Keys(msgspec.Struct, frozen=True):
    """Master keys by id and the key of the blind indexes, in base64. Lives outside the database."""

    master: dict[str, str]
    index: str

    def ring(self) -> KeyRing:
        """The key ring."""
        return KeyRing({int(number): base64.b64decode(key) for number, key in self.master.items()})

    def index_key(self) -> bytes:
        """The key of streams and blind indexes."""
        return base64.b64decode(self.index)


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
        return msgspec.json.decode(path.read_bytes(), type=Keys)
    except (OSError, msgspec.DecodeError) as error:
        raise BadSetting(f"{path}: cannot be read as keys ({error}); restore it, the sealed data needs it") from error


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
    draft.unlink()


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
            return path.read_text().strip()
        except OSError as error:
            raise BadSetting(f"secret file:{rest}: {error.strerror}") from error
    if plain_allowed:
        return reference
    raise BadSetting("a secret stands in the configuration; write env:NAME or file:PATH in its place")
