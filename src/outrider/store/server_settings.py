"""The embedded server's settings, each with its reason, and the three configuration files they make."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

USER = "outrider"
"""The role that owns the store."""

DATABASE = "outrider"
"""The database of the store."""

PORT = 5432
"""No TCP port is opened; the number is part of the socket's file name, `.s.PGSQL.5432`."""

OLDEST = 15
"""The lowest major version of PostgreSQL Outrider's SQL is written for."""


class Setting(msgspec.Struct, frozen=True):
    """One PostgreSQL setting, why it is set, and the first major version that knows it."""

    name: str
    value: str
    reason: str
    since: int = 15


SETTINGS = (
    # Durability: what was acknowledged is on disk. (PostgreSQL manual, "Write Ahead Log" settings.)
    Setting("fsync", "on", "without it a power cut can destroy the whole store"),
    Setting("synchronous_commit", "on", "a commit is answered only when it is on disk"),
    Setting("full_page_writes", "on", "a page torn by a power cut is repaired from the log"),
    # Reach: one unix socket in a folder only its owner (and root) can enter.
    Setting("listen_addresses", "", "no TCP at all"),
    Setting("port", str(PORT), "names the socket file"),
    Setting("unix_socket_permissions", "0700", "the owner only; root passes anyway"),
    Setting("allow_alter_system", "off", "this file is the only place of settings", since=17),
    # Size: a machine of 2 cores and 2 GiB that runs Outrider beside it.
    Setting("max_connections", "60", "some pools of 10 and room for an operator; a session costs memory and a process"),
    Setting("shared_buffers", "128MB", "holds the hot tables; the system's cache holds the rest"),
    Setting("effective_cache_size", "1GB", "tells the planner what the system's cache is likely to hold"),
    Setting("work_mem", "8MB", "a sort of a batch of 1000 rows stays in memory"),
    Setting("maintenance_work_mem", "64MB", "index builds and vacuums of the timer table in one pass"),
    Setting("io_method", "sync", "saves three worker processes; batches are small and mostly cached", since=18),
    Setting("jit", "off", "statements run for milliseconds, compiling them takes longer"),
    Setting("random_page_cost", "1.1", "solid-state disks"),
    # Log and checkpoints: bound the disk and the time a recovery takes.
    Setting("wal_level", "minimal", "nobody replicates the embedded store, so less is written"),
    Setting("max_wal_senders", "0", "required by wal_level minimal"),
    Setting("max_logical_replication_workers", "0", "one process less"),
    Setting("wal_compression", "on", "whole pages after a checkpoint are most of the log; pglz is always built in"),
    Setting("min_wal_size", "256MB", "log files are reused instead of made anew"),
    Setting("max_wal_size", "2GB", "checkpoints by time, not by volume; bounds the disk"),
    Setting("checkpoint_timeout", "15min", "fewer whole pages in the log; replay after a crash stays a few seconds"),
    # Autovacuum: queues and timers turn over many times an hour.
    Setting("autovacuum_naptime", "10s", "hot tables are looked at six times a minute"),
    Setting("autovacuum_max_workers", "2", "two cores"),
    Setting("autovacuum_vacuum_scale_factor", "0.02", "at 2 % dead rows, so that a queue's index stays short"),
    Setting("autovacuum_analyze_scale_factor", "0.02", "plans follow a table that grows from empty to a million"),
    Setting("autovacuum_vacuum_insert_scale_factor", "0.1", "keeps the visibility map of append-only tables fresh"),
    Setting("autovacuum_vacuum_cost_limit", "2000", "solid-state disks; the default of 200 falls behind"),
    # Sessions.
    Setting("idle_in_transaction_session_timeout", "5min", "a forgotten transaction would stop every vacuum"),
    Setting("timezone", "UTC", "times are stored and shown in UTC"),
    # What the server prints: never a value of a row, for rows hold personal data.
    Setting("log_timezone", "UTC", "one clock in all logs"),
    Setting("log_line_prefix", "%m [%p] ", "time and process"),
    Setting("log_min_error_statement", "panic", "no statement text in the log"),
    Setting("log_parameter_max_length_on_error", "0", "no parameter in the log"),
    Setting("log_error_verbosity", "terse", "no DETAIL line: it quotes the values of a duplicate key"),
    Setting("log_checkpoints", "off", "quiet when all is well"),
)


def write_settings(folder: Path, *, sockets: Path, major: int, system_user: str, overrides: Mapping[str, str]) -> Path:
    """Write `postgresql.conf`, `pg_hba.conf` and `pg_ident.conf` into `folder`; give the path of the first.

    Authentication is `peer`: the kernel tells the server which system user connects, there is no password to steal.
    Only `system_user`, who launches the server, may be the role USER. (PostgreSQL manual, "Peer Authentication".)
    """
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    own = {
        "hba_file": str(folder / "pg_hba.conf"),
        "ident_file": str(folder / "pg_ident.conf"),
        # A list setting: the double quotes keep commas and spaces of the path out of the list's syntax.
        "unix_socket_directories": '"' + str(sockets).replace('"', '""') + '"',
    }
    _write(folder / "pg_hba.conf", f"local all {USER} peer map=launcher\n")
    _write(folder / "pg_ident.conf", f'launcher "{system_user}" {USER}\n')
    return _write(folder / "postgresql.conf", render_settings(major, {**own, **overrides}))


def render_settings(major: int, overrides: Mapping[str, str]) -> str:
    """Give the text of `postgresql.conf`: the settings `major` knows, with their reasons; `overrides` come last."""
    known = [setting for setting in SETTINGS if setting.since <= major and setting.name not in overrides]
    lines = [f"{setting.name} = {_quoted(setting.value)}  # {setting.reason}" for setting in known]
    return "\n".join([*lines, *(f"{name} = {_quoted(value)}" for name, value in overrides.items()), ""])


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
    return path
