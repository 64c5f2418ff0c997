"""Settings of a process from its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from outrider.settings import BadSetting, read_settings


def test_without_any_setting_there_is_a_complete_answer():
    settings = read_settings({})
    assert settings.home == Path(".outrider").absolute()
    assert (settings.database_url, settings.postgres_bin, settings.unsafe_durability) == (None, None, False)
    assert settings.listen_url == "http://127.0.0.1:8080"


def test_every_setting_is_read():
    settings = read_settings(
        {
            "OUTRIDER_HOME": "/srv/home",
            "OUTRIDER_DATABASE_URL": "postgresql://u:p@h/d",
            "OUTRIDER_PUBLIC_URL": "https://example.test/",
            "OUTRIDER_POSTGRES_BIN": "/pg/bin",
            "OUTRIDER_UNSAFE_DURABILITY": "1",
        }
    )
    assert settings.home == Path("/srv/home")
    assert settings.database_url == "postgresql://u:p@h/d"
    assert settings.public_url == "https://example.test"
    assert settings.postgres_bin == Path("/pg/bin")
    assert settings.unsafe_durability


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [("0.0.0.0:80", "0.0.0.0", 80), ("[::1]:0", "::1", 0), ("::1:8080", "::1", 8080), ("name:65535", "name", 65535)],
)
def test_addresses_to_listen_on(written, host, port):
    settings = read_settings({"OUTRIDER_LISTEN": written})
    assert (settings.host, settings.port) == (host, port)


@pytest.mark.parametrize(
    "value", ["", "8080", ":8080", "host:", "host:port", "host:65536", "host:-1", "host:²", "host:٣x"]
)
def test_a_wrong_address_is_named_with_what_was_expected(value):
    with pytest.raises(BadSetting, match="OUTRIDER_LISTEN: expected host:port"):
        read_settings({"OUTRIDER_LISTEN": value})


@pytest.mark.parametrize(("value", "on"), [("1", True), ("true", True), ("TRUE", True), ("0", False), ("False", False)])
def test_flags_are_read(value, on):
    assert read_settings({"OUTRIDER_UNSAFE_DURABILITY": value}).unsafe_durability is on


@pytest.mark.parametrize("value", ["", "yes", "2"])
def test_a_wrong_flag_is_named(value):
    with pytest.raises(BadSetting, match="OUTRIDER_UNSAFE_DURABILITY: expected 1 or 0"):
        read_settings({"OUTRIDER_UNSAFE_DURABILITY": value})


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:geheim@h/d",
        "u:geheim@h",
        "POSTGRES://u:geheim@h",
        "postgres://u:geheim@[h",
        "postgres://u:geheim@h:x/d",
    ],
)
def test_a_wrong_database_url_is_never_repeated(url):
    with pytest.raises(BadSetting, match="OUTRIDER_DATABASE_URL: expected postgresql://") as error:
        read_settings({"OUTRIDER_DATABASE_URL": url})
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize("url", ["postgres:///d?host=/run", "postgresql://u:p@[::1]:5432/d", "postgresql://a:1,b:2/d"])
def test_every_form_of_a_database_url_is_taken(url):
    assert read_settings({"OUTRIDER_DATABASE_URL": url}).database_url == url


def test_the_password_of_the_database_is_never_shown():
    settings = read_settings({"OUTRIDER_DATABASE_URL": "postgresql://u:geheim@h/d"})
    assert "geheim" not in f"{settings!r} {settings}"


@pytest.mark.parametrize("name", ["LEASE", "RESCUE_GRACE", "ENGINE_LEASE"])
@pytest.mark.parametrize("value", ["0.4", "0", "-1", "ten", "1e3", "99999"])
def test_seconds_out_of_range_are_named(name, value):
    with pytest.raises(BadSetting, match=f"OUTRIDER_{name}_SECONDS: expected"):
        read_settings({f"OUTRIDER_{name}_SECONDS": value})
    assert read_settings({f"OUTRIDER_{name}_SECONDS": "2.5"}) != read_settings({})
