"""SMTP: mail out through a company's or a service's relay, delivery reports and complaints back (facts A.10, E.3)."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

from outrider.contracts.http import Broken, NotSent, Request, Response
from outrider.contracts.provider import Abilities, Callback, Doubt, Outbound, Secret, Unreadable
from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Unknown
from outrider.domain.receipt import Receipt, Reply
from outrider.providers._mail_message import BadRecipient, BadSender, read_sender, write_mail
from outrider.providers._mail_reports import read_reports
from outrider.providers._mail_status import reply_reason
from outrider.providers._smtp_pool import Envelope, SmtpPool

#: Where a password may travel in clear: it does not leave the machine.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
#: A name that can stand in a command.
DOMAIN = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"
#: Phases in which a message cannot have been taken, whatever was answered.
BEFORE = frozenset({"connect", "login", "mail", "rcpt", "data"})
#: Longest piece of a server's words that is kept.
LONGEST_DETAIL = 300


class SmtpSettings(Struct, frozen=True, kw_only=True):
    """One relay. A sender is ``Name <name@example.com>``; its domain should allow this relay (SPF) and sign (DKIM)."""

    host: Annotated[str, Meta(description="The relay's name.", min_length=1)]
    port: Annotated[int, Meta(description="587 for starttls, 465 for implicit.", ge=1, le=65_535)] = 587
    tls: Annotated[
        Literal["starttls", "implicit", "none"],
        Meta(description="starttls and implicit never go on in clear; none is for a relay on this machine."),
    ] = "starttls"
    ca_file: Annotated[str, Meta(description="Certificates to trust besides the system's, as a PEM file.")] = ""
    username: Annotated[str, Meta(description="Login; none when empty.")] = ""
    password: Annotated[Secret, Meta(description="Password of that login.")] = Secret("")
    helo: Annotated[str, Meta(description="Our own name in EHLO.", pattern=DOMAIN)] = "localhost"
    return_path: Annotated[
        str,
        Meta(
            description="The domain that takes bounces at bounce+ATTEMPT@; empty: they go to the sender's address.",
            pattern=f"{DOMAIN}|^$",
        ),
    ] = ""
    reply_to: Annotated[str, Meta(description="Where answers go; empty: to the sender.")] = ""
    report_delivery: Annotated[bool, Meta(description="Also ask for reports of success (RFC 3461).")] = False
    connections: Annotated[int, Meta(description="Most connections at a time.", ge=1, le=100)] = 10

    def __post_init__(self) -> None:
        """Raises ValueError when the password would travel in clear over a network."""
        if self.tls == "none" and self.username and self.host not in LOOPBACK:
            raise ValueError("tls = none would send the password in clear: use starttls or implicit")


class Smtp:
    """Mail submission by RFC 5321 and 6409, one recipient for each message."""

    name: ClassVar[str] = "smtp"
    channel: ClassVar[str] = "email"
    title: ClassVar[str] = "SMTP relay"
    abilities: ClassVar[Abilities] = Abilities(
        echo="reference",
        signed_callbacks=False,
        lookup=False,
        verified_on=date(2026, 11, 22),
        verified_with="RFC 5321, 3461, 3463, 3464, 5965, 8058; aiosmtplib 5.1.3",
    )
    Settings: ClassVar[type[Any]] = SmtpSettings

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    @cached_property
    def _pool(self) -> SmtpPool:
        mine = self._settings
        return SmtpPool(
            {
                "hostname": mine.host,
                "port": mine.port,
                "use_tls": mine.tls == "implicit",
                "start_tls": mine.tls == "starttls",
                "cert_bundle": mine.ca_file or None,
                "username": mine.username or None,
                "password": mine.password.value or None,
                "local_hostname": mine.helo,
                "timeout": None,
            },
            mine.connections,
        )

    def request(self, message: Outbound) -> Request:
        """Envelope and mail. Raises BadSender, BadRecipient."""
        envelope = (("mail-from", self._return_path(message)), ("rcpt-to", message.to), ("envid", message.attempt))
        body = write_mail(message, self._settings.reply_to)
        url = f"smtp://{self._settings.host}:{self._settings.port}"
        return Request("MAIL", url, (*envelope, ("content-type", "message/rfc822")), body)

    def _return_path(self, message: Outbound) -> str:
        """Where reports go: an address that names the attempt, where a domain takes those."""
        domain = self._settings.return_path
        return f"bounce+{message.attempt}@{domain}" if domain else read_sender(message.sender)[1]

    async def send(self, message: Outbound, deadline: float) -> Outcome:
        """Send one message. Total."""
        try:
            request = self.request(message)
        except BadRecipient as error:
            return Refused(Reason.INVALID_ADDRESS, str(error))
        except BadSender as error:
            return Refused(Reason.SENDER_REJECTED, str(error))
        try:
            response = await self._pool.send(self._envelope(request), request.body, deadline)
        except NotSent as error:
            return Refused(Reason.NOT_CONNECTED, str(error))
        except Broken as error:
            return Unknown(str(error))
        return self.outcome(Response(response.status, {**response.headers, "envid": message.attempt}, response.body))

    def _envelope(self, request: Request) -> Envelope:
        words = dict(request.headers)
        notify = "SUCCESS,FAILURE,DELAY" if self._settings.report_delivery else "FAILURE,DELAY"
        return Envelope(words["mail-from"], words["rcpt-to"], words["envid"], notify)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    def outcome(self, response: Response) -> Outcome:
        """What the reply that settled a message means; one without a phase is read as the last. Total."""
        phase = response.headers.get("phase", "end")
        text = " ".join(response.body.decode("utf-8", "replace").split())
        detail = f"{response.status} {text}"[:LONGEST_DETAIL].strip()
        if 400 <= response.status <= 599:
            return Refused(reply_reason(response.status, text, phase), f"{phase}: {detail}")
        attempt = response.headers.get("envid", "")
        if response.status == 250 and phase == "end" and attempt:
            return Accepted(attempt)
        strange = f"{phase}: {detail}: no reply that RFC 5321 knows here"
        return Refused(Reason.NOT_CONNECTED, strange) if phase in BEFORE else Unknown(strange)

    def receipts(self, callback: Callback) -> list[Receipt | Reply]:
        """The receipts in a delivery report or complaint that was posted as it came. Raises Unreadable."""
        return list(read_reports(callback))

    def lookup(self, doubt: Doubt) -> Request | None:
        """None: a mail server cannot be asked what it took."""
        return None

    def found(self, doubt: Doubt, response: Response) -> str | None:
        """Never called: there is no look-up. Raises Unreadable."""
        raise Unreadable("SMTP has no look-up")


PROVIDER = Smtp
