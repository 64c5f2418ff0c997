"""Makes .venv with the locked requirements and this package. Needs nothing but Python; says what to install if not.

    python3 scripts/environment.py main|dev

`dev` holds everything `main` holds. Quick when nothing changed: the digest of what was installed lies in the folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv"
STAMP = FOLDER / "installed.json"
LEAST = (3, 11)
#: What each set makes unnecessary.
COVERS = {"main": ("main",), "dev": ("dev", "main")}


def main() -> int:
    """Exit status: 0 when the environment is there, 2 for wrong arguments, else 1 with a sentence."""
    if sys.argv[1:] not in (["main"], ["dev"]):
        print(__doc__, file=sys.stderr)
        return 2
    wanted = sys.argv[1]
    if installed().get(wanted) == digest(wanted):
        return 0
    missing = what_is_missing()
    if missing:
        print(f"error: {missing}", file=sys.stderr)
        return 1
    return install(wanted)


def what_is_missing() -> str:
    """A sentence on what this machine lacks; empty when it lacks nothing."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if sys.version_info < LEAST:
        wanted = ".".join(map(str, LEAST))
        return f"Python {wanted} or later is needed, {sys.executable} is {version}; name another one: make PYTHON=…"
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        return (
            f"this Python cannot make virtual environments; on Debian or Ubuntu: apt install python{version}-venv\n"
            "(as root or with sudo; the package python3-venv brings it for the default Python)"
        )
    return ""


def digest(wanted: str) -> str:
    """Changes when requirements, package definition, Python or place change."""
    hashed = hashlib.blake2b(digest_size=16)
    for file in (ROOT / "requirements" / f"{wanted}.txt", ROOT / "pyproject.toml"):
        hashed.update(file.read_bytes())
    hashed.update(f"{sys.version_info} {sys.executable} {ROOT}".encode())
    return hashed.hexdigest()


def installed() -> dict[str, str]:
    """Set → digest of what is installed; empty when nothing is known or the folder is broken."""
    if not (FOLDER / "bin" / "outrider").is_file():
        return {}
    try:
        found: dict[str, str] = json.loads(STAMP.read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError):
        return {}


def install(wanted: str) -> int:
    """Make the folder, install the locked requirements, then this package without touching them."""
    begun = time.monotonic()
    say(f"installing the requirements ({wanted}) into {FOLDER.relative_to(ROOT)}; this takes a minute or two")
    python = str(FOLDER / "bin" / "python")
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    locked = str(ROOT / "requirements" / f"{wanted}.txt")
    for command in (
        [sys.executable, "-m", "venv", str(FOLDER)],
        [*pip, "install", "--require-hashes", "-r", locked],
        [*pip, "install", "--no-deps", "--editable", str(ROOT)],
    ):
        status = subprocess.run(command, check=False, env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}).returncode  # noqa: S603 (no shell; the commands stand above)
        if status:
            say(f"this failed with status {status}: {' '.join(command)}")
            return 1
    STAMP.write_text(json.dumps(installed() | {name: digest(name) for name in COVERS[wanted]}), encoding="utf-8")
    say(f"installed in {time.monotonic() - begun:.0f} s")
    return 0


def say(line: str) -> None:
    """Progress goes to standard error: standard output belongs to what is run afterwards."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
