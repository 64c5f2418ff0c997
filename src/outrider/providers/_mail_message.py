"""A message as mail: header lines and MIME parts in ASCII, nothing of which a value from outside can add to."""

from __future__ import annotations

import re
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from outrider.contracts.provider import Outbound
from outrider.lib.ids import BadId, read_id, time_of_id

#: The header that brings our attempt back when a report quotes the original.
ATTEMPT = "X-Outrider-Attempt"
#: An address as the profile's door lets it in, or of the configuration: no spaces, quotes, brackets or controls.
MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
SENDER = re.compile(r"\s*(?P<name>[^<>]*?)\s*<\s*(?P<mailbox>[^<>\s]+)\s*>\s*|\s*(?P<bare>\S+)\s*")
URL = re.compile(r"https?://[!-;=?-~]+")
#: Words that need no encoding: short ASCII that cannot be read as an encoded word (RFC 2047) or as structure.
PLAIN = re.compile(r"[A-Za-z0-9 !#$%&'*+,./:;?@_-]{1,60}")
PLAIN_NAME = re.compile(r"[A-Za-z0-9 !#$%&'*+/?_-]{1,60}")
#: Controls and line ends of every script become a space.
BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
POLICY = SMTP.clone(cte_type="7bit")


class BadSender(ValueError):
    """A sender or an address of ours that mail cannot carry."""


class BadRecipient(ValueError):
    """An address mail cannot go to."""


def read_sender(sender: str) -> tuple[str, str]:
    """Display name and address of ``Name <name@example.com>`` or ``name@example.com``. Raises BadSender."""
    found = SENDER.fullmatch(sender)
    mailbox = (found["mailbox"] or found["bare"] or "") if found else ""
    if found is None or not MAILBOX.fullmatch(mailbox):
        raise BadSender("expected the sender as Name <name@example.com> or name@example.com")
    return BREAKS.sub(" ", found["name"] or "").strip().strip('"'), mailbox


def write_mail(message: Outbound, reply_to: str) -> bytes:
    """The message with CRLF line ends, ASCII only. The same for the same message. Raises BadSender, BadRecipient."""
    name, sender = read_sender(message.sender)
    if not MAILBOX.fullmatch(message.to):
        raise BadRecipient("expected an e-mail address")
    lines = [
        f"From: {_name(name)} <{sender}>" if name else f"From: {sender}",
        f"To: {message.to}",
        *([f"Reply-To: {read_sender(reply_to)[1]}"] if reply_to else []),
        *([f"Subject: {_words(message.body.subject, 'Subject')}"] if message.body.subject else []),
        f"Date: {format_datetime(_date(message), usegmt=False)}",
        f"Message-ID: {message_id(message.attempt, sender)}",
        f"{ATTEMPT}: {message.attempt}",
        *_list_lines(message.unsubscribe_url),
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n" + _parts(message)


def message_id(attempt: str, sender: str) -> str:
    """The Message-ID: the same for every attempt of a message, so that mailboxes show it once."""
    return f"<{attempt.rpartition('.')[0]}@{sender.rpartition('@')[2]}>"


def _date(message: Outbound) -> datetime:
    """When the attempt is made; else when the message was."""
    if message.at is not None:
        return message.at
    try:
        return time_of_id(read_id("msg", message.attempt.rpartition(".")[0]))
    except BadId as error:
        raise BadSender(str(error)) from error


def _list_lines(url: str) -> list[str]:
    """The way out with one click (RFC 8058), or the mark of a message that a machine sent to one person (RFC 3834)."""
    if not url:
        return ["Auto-Submitted: auto-generated"]
    if not URL.fullmatch(url):
        raise BadSender("the unsubscribe link is no URL")
    return [f"List-Unsubscribe: <{url}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]


def _words(text: str, header: str) -> str:
    plain = BREAKS.sub(" ", text).strip()
    if PLAIN.fullmatch(plain):
        return plain
    return Header(plain, "utf-8", header_name=header, maxlinelen=76).encode(linesep="\r\n")


def _name(name: str) -> str:
    return name if PLAIN_NAME.fullmatch(name) else Header(name, "utf-8", header_name="From").encode(linesep="\r\n")


def _parts(message: Outbound) -> bytes:
    """MIME headers and body: text alone, or text and HTML to choose from; quoted-printable throughout."""
    mail = EmailMessage(POLICY)
    mail.set_content(message.body.text, cte="quoted-printable")
    if message.body.html:
        mail.add_alternative(message.body.html, subtype="html", cte="quoted-printable")
        mail.set_boundary(f"=_{message.attempt}")
    return mail.as_bytes()
