"""Runs a page of the documentation: writes its files, runs its commands, compares what they print.

The word after a block's language says what it is: ``file=path`` is written; ``sh`` is run; ``sh background`` is
started and must say that it is ready; ``sh eventually`` is run until its output fits; ``sh fails`` must fail;
``text output`` is what the command before printed, with … for anything.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

from outrider.testing.ports import free_port

BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Seconds for one command, and for one that is run until its output fits.
LONGEST = 120.0
#: What pages say, and what a test must not share with others.
PORTS = ("8080", "4020", "4025")

#: For machines without curl: the few options our pages use.
CURL = f"""#!{sys.executable}
import sys, urllib.error, urllib.request
arguments, headers, body, method, url = sys.argv[1:], {{}}, None, None, ""
while arguments:
    word = arguments.pop(0)
    if word == "-H":
        name, _, value = arguments.pop(0).partition(":")
        headers[name] = value.strip()
    elif word in ("-d", "--data-binary"):
        value = arguments.pop(0)
        body = open(value[1:], "rb").read() if value.startswith("@") else value.encode()
    elif word == "-X":
        method = arguments.pop(0)
    elif not word.startswith("-"):
        url = word
try:
    answer = urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method))
except urllib.error.HTTPError as error:
    answer = error
sys.stdout.buffer.write(answer.read())
"""


class Page:
    """A page and the folder it is run in."""

    def __init__(self, text: str, folder: Path, kept: ExitStack) -> None:
        self.folder = folder
        self.ports = {port: str(free_port()) for port in PORTS}
        self.blocks = [(kind, rest or "", self.local(body)) for kind, rest, body in BLOCK.findall(text)]
        self.output = ""
        self._kept = kept
        self._environment = folder / ".environment"
        self._path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        if shutil.which("curl") is None:
            self._add_curl()

    def _add_curl(self) -> None:
        tools = self.folder / ".tools"
        tools.mkdir()
        (tools / "curl").write_text(CURL)
        (tools / "curl").chmod(stat.S_IRWXU)
        self._path = f"{self._path}:{tools}"

    def local(self, text: str) -> str:
        """The text with ports of this test's own."""
        for port, own in self.ports.items():
            text = re.sub(rf"(?<![\d]){port}(?![\d])", own, text)
        return text

    def run(self) -> None:
        """Every block, in order."""
        for index, (kind, rest, body) in enumerate(self.blocks):
            if rest.startswith("file="):
                self.write(rest.removeprefix("file="), body)
            elif (kind, rest) == ("text", "output"):
                assert fits(body, self.output), f"expected\n{body}\ngot\n{self.output}"
            elif kind == "sh":
                self.shell(rest, body, self.blocks[index + 1] if index + 1 < len(self.blocks) else None)

    def write(self, name: str, body: str) -> None:
        """A file of the page."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")

    def shell(self, how: str, body: str, following: tuple[str, str, str] | None) -> None:
        """Run or start commands."""
        if how == "background":
            self.start(body)
        elif how == "eventually":
            assert following is not None
            self.until(body, following[2])
        else:
            status = self.once(body)
            assert (status != 0) == (how == "fails"), f"{body}\nended with {status}:\n{self.output}"

    def once(self, body: str) -> int:
        """The exit status; variables that were exported are there for the next block."""
        before = f". {self._environment}\n" if self._environment.exists() else ""
        script = f"{before}set -e\n{body}\nexport -p > {self._environment}\n"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.variables(), timeout=LONGEST, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.output = done.stdout
        return done.returncode

    def until(self, body: str, expected: str) -> None:
        """Run again until the output fits."""
        end = monotonic() + LONGEST
        while self.once(body) != 0 or not fits(expected, self.output):
            assert monotonic() < end, f"{body}\nnever printed\n{expected}\nlast:\n{self.output}"

    def start(self, body: str) -> None:
        """A command that stays; it is asked to end, and must end in order, when the page is over."""
        before = f". {self._environment}; " if self._environment.exists() else ""
        process = subprocess.Popen(
            ["bash", "-c", f"{before}exec {self.with_ports(body.strip())}"], cwd=self.folder, env=self.variables(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self._kept.enter_context(ended(process))
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "ready" in line:
                return
        raise AssertionError(f"{body}\nended before it was ready:\n{''.join(lines)}")

    def with_ports(self, command: str) -> str:
        """The sandbox takes its ports as options."""
        own = f"{command} --port {self.ports['4020']} --mail-port {self.ports['4025']}"
        return own if command.startswith("outrider sandbox") else command

    def variables(self) -> dict[str, str]:
        """What the commands find in their environment."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("OUTRIDER_")}
        return {**own, "PATH": self._path, "OUTRIDER_LISTEN": f"127.0.0.1:{self.ports['8080']}", "COLUMNS": "120"}


@contextmanager
def page(text: str, folder: Path) -> Iterator[Page]:
    """A page ready to run; whatever it started has ended in order afterwards."""
    with ExitStack() as kept:
        yield Page(text, folder, kept)


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Interrupt a process at the end; it must end with status 0."""
    try:
        yield
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0, rest
    finally:
        process.kill()
        process.wait()


def fits(expected: str, output: str) -> bool:
    """Whether an output holds the expected lines one after the other; … stands for anything within a line."""
    parts = [re.escape(part) for part in expected.strip().split("…")]
    return re.search("[^\n]*".join(parts), output) is not None
