"""Keys of an installation, made once; secrets by reference, never shown."""

from __future__ import annotations

import base64
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from outrider.secrets import Keys, load_keys, resolve
from outrider.settings import BadSetting

KEY = base64.b64encode(b"k" * 32).decode()


def test_keys_are_made_at_the_first_start_and_found_again(tmp_path):
    made = load_keys(tmp_path / "deep" / "home", {})
    assert load_keys(tmp_path / "deep" / "home", {}) == made
    path = tmp_path / "deep" / "home" / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(made.index_key()) == 32
    assert made.ring().current == 1


def test_the_key_of_acknowledgments_follows_from_the_index_key_and_is_another():
    keys, others = Keys({"1": KEY}, KEY), Keys({"1": KEY}, base64.b64encode(b"o" * 32).decode())
    assert keys.acknowledgment_key() == Keys({}, KEY).acknowledgment_key()
    assert len({keys.acknowledgment_key(), keys.index_key(), others.acknowledgment_key()}) == 3


def test_of_many_that_start_together_all_get_the_same_keys_and_nothing_is_left_over(tmp_path):
    start = Barrier(8)

    def begin(_):
        start.wait(20)
        return load_keys(tmp_path, {})

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(begin, range(8)))
    assert all(keys == found[0] for keys in found)
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_named_keys_are_read_and_never_made(tmp_path):
    path = tmp_path / "mine.json"
    with pytest.raises(BadSetting, match=r"mine\.json: cannot be read as keys"):
        load_keys(tmp_path, {"OUTRIDER_KEYS": str(path)})
    path.write_text(json.dumps({"master": {"1": KEY, "3": KEY}, "index": KEY}))
    keys = load_keys(tmp_path, {"OUTRIDER_KEYS": str(path)})
    assert keys.ring().current == 3
    assert not (tmp_path / "keys.json").exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps({"master": {}, "index": KEY}),
        json.dumps({"master": {"one": KEY}, "index": KEY}),
        json.dumps({"master": {"1": KEY[:20]}, "index": KEY}),
        json.dumps({"master": {"1": KEY + "="}, "index": KEY[:8]}),
        json.dumps({"master": {"1": "a"}, "index": KEY}),
        json.dumps({"master": {"1": KEY}, "index": ""}),
    ],
)
def test_damaged_keys_stop_the_start_and_are_never_shown(tmp_path, content):
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(BadSetting, match="restore it, the sealed data needs it") as error:
        load_keys(tmp_path, {})
    assert KEY[:20] not in str(error.value)
    assert (tmp_path / "keys.json").read_text() == content, "what may still be rescued is not overwritten"


def test_keys_are_never_shown():
    keys = Keys({"1": KEY}, KEY)
    assert KEY not in f"{keys!r} {keys} {keys.ring()!r}"


def test_secrets_by_reference_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("THE_SECRET", "geheim")
    (tmp_path / "secret").write_text("geheim\n")
    assert resolve("env:THE_SECRET", None, plain_allowed=False) == "geheim"
    assert resolve("file:secret", tmp_path, plain_allowed=False) == "geheim"
    assert resolve(f"file:{tmp_path / 'secret'}", None, plain_allowed=False) == "geheim"
    assert resolve("plain", None, plain_allowed=True) == "plain"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("env:NOT_SET_ANYWHERE", "secret env:NOT_SET_ANYWHERE: the environment variable is not set"),
        ("file:missing", "secret file:missing: No such file or directory"),
        ("file:binary", "secret file:binary: it is not UTF-8 text"),
        ("file:.", "secret file:.: Is a directory"),
        ("sk_live_geheim", "a secret stands in the configuration; write env:NAME or file:PATH in its place"),
    ],
)
def test_a_secret_that_cannot_be_had_is_named_by_its_reference_only(tmp_path, reference, reason):
    (tmp_path / "binary").write_bytes(b"geheim\xff")
    with pytest.raises(BadSetting) as error:
        resolve(reference, tmp_path, plain_allowed=False)
    assert str(error.value) == reason
    assert "geheim" not in str(error.value)


def test_the_key_of_links_follows_from_the_index_key_and_is_another_one():
    one, other = Keys({}, KEY), Keys({}, base64.b64encode(b"o" * 32).decode())
    assert one.link_key() == Keys({"1": KEY}, KEY).link_key()
    assert len({one.link_key(), other.link_key(), one.index_key()}) == 3
    assert len(one.link_key()) == 32
