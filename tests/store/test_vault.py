"""The vault: whose key seals what, and what happens when a person's key changes."""

from __future__ import annotations

import pytest

from outrider.domain.profile import Address, Identity
from outrider.lib.seal import CannotOpen, KeyRing
from outrider.store import vault as vaults
from outrider.store.vault import Vault

KEYS = KeyRing({1: b"k" * 32})
ANNA, BERT = b"a" * 16, b"b" * 16
IDENTITY = Identity("anna", {"name": "Zoé", "n": 2**63}, (Address("sms", "+33600000000"),))


def test_what_is_sealed_for_a_person_opens_in_another_process_that_learns_the_key():
    here, there = Vault(KEYS), Vault(KEYS)
    key_id, wrapped = here.new_person(ANNA)
    sealed = here.seal_for(ANNA, IDENTITY, b"row")
    assert not there.knows(ANNA)
    there.learn(ANNA, key_id, wrapped)
    assert there.open_for(ANNA, Identity, sealed, b"row") == IDENTITY
    with pytest.raises(CannotOpen):
        there.open_for(ANNA, Identity, sealed, b"another row")


def test_a_forgotten_key_opens_nothing():
    vault = Vault(KEYS)
    vault.new_person(ANNA)
    vault.forget(ANNA)
    vault.forget(BERT)
    assert not vault.knows(ANNA)
    with pytest.raises(KeyError):
        vault.seal_for(ANNA, IDENTITY, b"row")


def test_the_key_that_was_stored_replaces_one_that_was_only_drafted():
    """A profile drafted here was never saved; another process made it meanwhile, or the person came back."""
    here, there = Vault(KEYS), Vault(KEYS)
    here.new_person(ANNA)
    key_id, wrapped = there.new_person(ANNA)
    sealed = there.seal_for(ANNA, IDENTITY, b"row")
    here.learn(ANNA, key_id, wrapped)
    assert here.open_for(ANNA, Identity, sealed, b"row") == IDENTITY


def test_what_belongs_to_nobody_is_sealed_by_its_use():
    vault = Vault(KEYS)
    key_id, sealed = vault.seal(IDENTITY, "entry")
    assert Vault(KEYS).open(Identity, key_id, sealed, "entry") == IDENTITY
    with pytest.raises(CannotOpen):
        vault.open(Identity, key_id, sealed, "letter")


def test_the_keys_used_last_are_remembered(monkeypatch):
    monkeypatch.setattr(vaults, "REMEMBERED", 2)
    vault = Vault(KEYS)
    known = {stream: vault.new_person(stream) for stream in (ANNA, BERT)}
    vault.learn(ANNA, *known[ANNA])
    vault.new_person(b"c" * 16)
    assert vault.knows(ANNA)
    assert not vault.knows(BERT)
