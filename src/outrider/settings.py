"""Settings of one process, from the environment: where its data lies and what it listens to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

#: Below this, a pause of the process or a slow commit costs the lease.
SHORTEST_SECONDS = 0.5


class BadSetting(Exception):
    """A setting cannot be used; the text names it and what was expected."""


class Settings(msgspec.Struct, frozen=True):
    """What a process needs to know besides the company folder."""

    #: Folder for keys and for the embedded PostgreSQL (OUTRIDER_HOME).
    home: Path
    #: An external PostgreSQL, 15 or later (OUTRIDER_DATABASE_URL); None for the embedded one.
    database_url: str | None = None
    #: Where the API listens (OUTRIDER_LISTEN).
    host: str = "127.0.0.1"
    port: int = 8080
    #: Overrides `public_url` of outrider.toml (OUTRIDER_PUBLIC_URL): where providers reach us.
    public_url: str = ""
    #: Where commands that speak HTTP find the API (OUTRIDER_URL); the listening address unless given.
    url: str = ""
    #: The API key of those commands (OUTRIDER_API_KEY).
    api_key: str = ""
    #: Folder with binaries of PostgreSQL to use instead of the packaged ones (OUTRIDER_POSTGRES_BIN).
    postgres_bin: Path | None = None
    #: Start although the database may lose acknowledged commits (OUTRIDER_UNSAFE_DURABILITY=1).
    unsafe_durability: bool = False
    #: Seconds of a delivery lease (OUTRIDER_LEASE_SECONDS): a dead worker's calls are in doubt when it and the grace
    #: are over. Every account's deadline must be at most a third of it.
    lease_seconds: float = 45.0
    #: Seconds from the end of a delivery lease to its rescue (OUTRIDER_RESCUE_GRACE_SECONDS), longer than any call.
    rescue_grace_seconds: float = 15.0
    #: Seconds of an engine's lease (OUTRIDER_ENGINE_LEASE_SECONDS): how long a dead engine's streams wait.
    engine_lease_seconds: float = 10.0

    def __repr__(self) -> str:
        """Without the database's URL, which carries a password."""
        return f"Settings(home={self.home}, {self.host}:{self.port})"

    @property
    def listen_url(self) -> str:
        """The API's own address."""
        return f"http://{self.host}:{self.port}"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment. Raises BadSetting with the name and what was expected."""
    env = os.environ if environment is None else environment
    host, port = _listen(env.get("OUTRIDER_LISTEN", "127.0.0.1:8080"))
    url = env.get("OUTRIDER_DATABASE_URL") or None
    if url is not None and not _is_database(url):
        raise BadSetting("OUTRIDER_DATABASE_URL: expected postgresql://user:password@host:port/database")
    binaries = env.get("OUTRIDER_POSTGRES_BIN")
    return Settings(
        home=Path(env.get("OUTRIDER_HOME", ".outrider")).absolute(),
        database_url=url,
        host=host,
        port=port,
        public_url=env.get("OUTRIDER_PUBLIC_URL", "").rstrip("/"),
        url=env.get("OUTRIDER_URL", "").rstrip("/"),
        api_key=env.get("OUTRIDER_API_KEY", ""),
        postgres_bin=Path(binaries) if binaries else None,
        unsafe_durability=_flag(env, "OUTRIDER_UNSAFE_DURABILITY"),
        lease_seconds=_seconds(env, "OUTRIDER_LEASE_SECONDS", 45.0),
        rescue_grace_seconds=_seconds(env, "OUTRIDER_RESCUE_GRACE_SECONDS", 15.0),
        engine_lease_seconds=_seconds(env, "OUTRIDER_ENGINE_LEASE_SECONDS", 10.0),
    )


def _is_database(url: str) -> bool:
    """Whether it is the URL of a database; several hosts may stand between commas."""
    try:
        for host in urlsplit(url).netloc.rpartition("@")[2].split(","):
            _ = urlsplit(f"//{host}").port
    except ValueError:  # a bracket that does not close, or a port that is none
        return False
    return url.startswith(("postgres://", "postgresql://"))


def _listen(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise BadSetting(f"OUTRIDER_LISTEN: expected host:port such as 127.0.0.1:8080, got {value!r}")
    return host.strip("[]"), int(port)


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    value = env.get(name, "")
    if value and not re.fullmatch(r"\d{1,4}(\.\d+)?", value):
        raise BadSetting(f"{name}: expected seconds from 0.5 to 9999, got {value!r}")
    seconds = float(value or default)
    if seconds < SHORTEST_SECONDS:
        raise BadSetting(f"{name}: expected {SHORTEST_SECONDS} seconds or more, got {value!r}")
    return seconds


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "0").lower()
    if value not in ("0", "1", "true", "false"):
        raise BadSetting(f"{name}: expected 1 or 0, got {value!r}")
    return value in ("1", "true")
