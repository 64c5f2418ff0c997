"""A loopback HTTP server that misbehaves on command and keeps a ledger of every byte it really received."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Visit:
    """One connection as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.received = bytearray()
        self._reader = reader
        self._writer = writer

    async def request(self) -> bytes:
        """One whole request; empty when the client closed instead."""
        raw = bytearray()
        while b"\r\n\r\n" not in raw:
            raw += await self._read(1)
            if self._reader.at_eof():
                return b""
        head = bytes(raw).lower()
        if b"content-length: " in head:
            length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            while length:
                part = await self._read(length)
                length -= len(part)
                raw += part
        return bytes(raw)

    async def _read(self, most: int) -> bytes:
        part = await self._reader.read(most)
        self.received += part
        return part

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self._writer.write(part)
            await self._writer.drain()
            await asyncio.sleep(0)

    async def wait_for_close(self) -> None:
        while await self._read(65536):
            pass

    def reset(self) -> None:
        """Close with an RST instead of a FIN."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def hang_up(self) -> None:
        """Close the server's half at once, without the event loop's doing."""
        with socket.socket(fileno=os.dup(self._writer.get_extra_info("socket").fileno())) as twin:
            twin.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._writer.close()


Behavior = Callable[[Visit], Awaitable[None]]


#: Servers that listen, so that a scene that fails half-way does not leave them behind.
LISTENING: set[RudeServer] = set()


class RudeServer:
    """Treats the n-th connection by the n-th behavior; the last one serves all that follow."""

    def __init__(self, *behaviors: Behavior) -> None:
        self.visits: list[Visit] = []
        self.changed = asyncio.Event()
        self._behaviors = behaviors
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, tls: ssl.SSLContext | None = None) -> str:
        """Listen on a free port; the URL to call."""
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", 0, ssl=tls)
        LISTENING.add(self)
        self.port = self._server.sockets[0].getsockname()[1]
        return f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/messages"

    async def stop(self) -> bytes:
        """Let the visits end that can, cut the others; everything that was ever received."""
        self._server.close()
        LISTENING.discard(self)
        if self._tasks:
            _, hanging = await asyncio.wait(self._tasks, timeout=0.5)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)
        return b"".join(bytes(visit.received) for visit in self.visits)

    async def until_visits(self, count: int) -> None:
        """Return when `count` connections have been accepted."""
        while len(self.visits) < count:
            self.changed.clear()
            await self.changed.wait()

    async def until_visits_end(self) -> None:
        """Return when no connection is open any more."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        visit = Visit(reader, writer)
        behavior = self._behaviors[min(len(self.visits), len(self._behaviors) - 1)]
        self.visits.append(visit)
        self.changed.set()
        try:
            await behavior(visit)
            await visit.wait_for_close()
        except (OSError, asyncio.CancelledError):  # a reset, or `stop` has cut this visit
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


def answers(*parts: bytes) -> Behavior:
    """Each request gets the same answer, written in these parts; the connection stays open."""

    async def behave(visit: Visit) -> None:
        while await visit.request():
            await visit.send(*parts)

    return behave


def answers_then_closes(*parts: bytes) -> Behavior:
    """One answer, then an orderly close."""

    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.send(*parts)
        visit.close()

    return behave


def answers_then_hangs_up(*parts: bytes) -> Behavior:
    """One answer, then the server's half is closed; the visit ends when the client has noticed and closed its own."""

    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.send(*parts)
        visit.hang_up()

    return behave


def answers_then_resets(*parts: bytes) -> Behavior:
    """One answer or a piece of it, then a reset."""

    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.send(*parts)
        visit.reset()

    return behave


async def resets_at_once(visit: Visit) -> None:
    """A reset before anything is read."""
    visit.reset()


async def closes_at_once(visit: Visit) -> None:
    """A close before anything is read."""
    visit.close()


async def is_silent(visit: Visit) -> None:
    """Reads everything, answers nothing."""
    await visit.wait_for_close()


async def never_reads(visit: Visit) -> None:
    """Neither reads nor answers."""
    await asyncio.Event().wait()


class Certificate:
    """A self-signed certificate for one name or address, with both sides' TLS settings."""

    def __init__(self, folder: Path, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([_alternative(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)
        self._path = folder / f"{name}.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._path.write_bytes(secret + self.pem)

    def server_side(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._path)
        return context

    def client_side(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.pem.decode())


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
