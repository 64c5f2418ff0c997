"""A program for test_launcher.py: runs the store of a folder and obeys commands on its input, one answer line each.

Arguments: the folder, and the uid to run as. Commands: `write N` commits N rows one by one, `count` counts them,
`stop` stops the server and ends. The first line of output describes the server.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import asyncpg

from outrider.store.accounts import account_of
from outrider.store.launcher import Running, start
from outrider.store.programs import find_programs


async def write(url: str, rows: int) -> int:
    connection = await asyncpg.connect(url)
    await connection.execute("create table if not exists kept (id bigint generated always as identity)")
    for _ in range(rows):
        await connection.execute("insert into kept default values")
    await connection.close()
    return rows


async def count(url: str) -> int:
    connection = await asyncpg.connect(url)
    found = await connection.fetchval("select count(*) from kept")
    await connection.close()
    return int(found)


def become(uid: int) -> None:
    if os.geteuid() == 0 and uid != 0:
        os.setgroups([])
        os.setgid(account_of(uid).gid)
        os.setuid(uid)


def obey(running: Running) -> None:
    for line in sys.stdin:
        match line.split():
            case ["write", rows]:
                print(asyncio.run(write(running.address.dsn(), int(rows))), flush=True)
            case ["count"]:
                print(asyncio.run(count(running.address.dsn())), flush=True)
            case ["stop"]:
                return


def main() -> None:
    uid = int(sys.argv[2])
    # Chosen before the change of user: the interpreter's own folders may be closed to the new one.
    programs = find_programs(account_of(uid or 65534) if os.geteuid() == 0 else account_of(uid))
    become(uid)
    with start(Path(sys.argv[1]), programs_folder=programs.folder) as running:
        about = {"server": running.process_id, "processes": running.processes(), "url": running.address.dsn()}
        print(json.dumps(about), flush=True)
        obey(running)


if __name__ == "__main__":
    main()
