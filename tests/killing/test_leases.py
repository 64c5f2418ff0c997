"""The settings of leases, and what is refused because a call could outlive its lease."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from outrider.app import Outrider
from outrider.installation import apply_files, current_configuration, open_store
from outrider.settings import BadSetting, Settings, read_settings
from outrider.testing.killing.company import company

URLS = {"smsmode": "http://127.0.0.1:9", "twilio": "http://127.0.0.1:9"}


def test_leases_come_from_the_environment() -> None:
    names = ("OUTRIDER_LEASE_SECONDS", "OUTRIDER_RESCUE_GRACE_SECONDS", "OUTRIDER_ENGINE_LEASE_SECONDS")
    settings = read_settings(dict(zip(names, ("3", "1.5", "0.5"), strict=True)))
    assert (settings.lease_seconds, settings.rescue_grace_seconds, settings.engine_lease_seconds) == (3.0, 1.5, 0.5)
    settings = read_settings({})
    assert (settings.lease_seconds, settings.rescue_grace_seconds, settings.engine_lease_seconds) == (45.0, 15.0, 10.0)


@pytest.mark.parametrize("value", ["0", "0.4", "-3", "3s", "inf", "nan", "1e3", "99999"])
def test_what_is_no_time_is_refused_by_name(value: str) -> None:
    with pytest.raises(BadSetting, match=r"OUTRIDER_LEASE_SECONDS: expected .* got"):
        read_settings({"OUTRIDER_LEASE_SECONDS": value})


@pytest.mark.parametrize(("lease", "grace", "fits"), [(6.0, 2.0, True), (5.9, 2.0, False), (6.0, 1.9, False)])
def test_a_call_must_be_over_before_its_lease_is_rescued(
    database_url: str, tmp_path: Path, lease: float, grace: float, fits: bool
) -> None:
    async def wire() -> Outrider:
        settings = Settings(
            home=tmp_path,
            database_url=database_url,
            lease_seconds=lease,
            rescue_grace_seconds=grace,
            engine_lease_seconds=4.0,
            unsafe_durability=True,
        )
        async with open_store(settings, database_url, connections=2) as opened:
            await apply_files(opened, company(URLS, 2.0, {}))
            outrider = Outrider(opened, await current_configuration(opened), ["engine", "deliver", "sweep"])
            await outrider.http.close()
            return outrider

    if not fits:
        with pytest.raises(BadSetting, match="a call may take 2 s: OUTRIDER_LEASE_SECONDS must be at least 6"):
            asyncio.run(wire())
        return
    outrider = asyncio.run(wire())
    assert outrider.delivery.lease.seconds == lease
    assert outrider.sweep.grace_seconds == grace
    assert outrider.engine.lease_seconds == 4.0


def test_a_configuration_whose_calls_outlive_the_leases_is_not_taken_over(database_url: str, tmp_path: Path) -> None:
    async def scene() -> tuple[int, float]:
        settings = Settings(
            home=tmp_path,
            database_url=database_url,
            lease_seconds=6.0,
            rescue_grace_seconds=2.0,
            unsafe_durability=True,
        )
        async with open_store(settings, database_url, connections=2) as opened:
            await apply_files(opened, company(URLS, 2.0, {}))
            outrider = Outrider(opened, await current_configuration(opened), ["deliver"])
            before = outrider.library.current.number
            await apply_files(opened, company(URLS, 3.0, {}))
            try:
                with pytest.raises(BadSetting, match="a call may take 3 s"):
                    await outrider.refresh()
            finally:
                await outrider.http.close()
            assert outrider.library.current.number == before
            return before, max(account.deadline for account in outrider.accounts.values())

    assert asyncio.run(scene())[1] == 2.0
