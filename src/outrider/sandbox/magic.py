"""Numbers with a fate of their own, for trying things out by hand; extends Twilio's test numbers (+1 500 555 000x).

| number ends in | what happens |
|---|---|
| 555 0001 | invalid number |
| 555 0002 | no route to it |
| 555 0003 | its country is not enabled |
| 555 0004 | the person has opted out |
| 555 0005 | taken, then undelivered: switched off |
| 555 0006 | taken and delivered |
| 555 0007 | taken, then undelivered: filtered as spam |
| 555 0008 | taken, never reported |
| 555 0009 | a landline |

A provider that refuses such a number at once (Twilio: 1 to 4 and 9) does so here; another takes the message and
reports it undelivered. Who has replied STOP meets the fate of 555 0004 from then on.

Mailboxes, at any domain, also with a tag (bounce+7@):

| mailbox | what happens |
|---|---|
| reject@ | refused at once: there is no such mailbox |
| spam@ | refused after the text: it looks like spam |
| bounce@ | taken, then reported: there is no such mailbox |
| full@ | taken, then reported: the mailbox is full |
| slow@ | taken, then reported as delayed, and nothing more |
| complain@ | taken and delivered; the person calls it spam |
| silent@ | taken, never reported |
"""

from __future__ import annotations

from outrider.domain.attempt import Reason

STEM = "555000"
#: The digit after which no receipt ever comes.
SILENT = "8"

FATES = {
    "1": Reason.INVALID_NUMBER,
    "2": Reason.UNROUTABLE,
    "3": Reason.GEO_BLOCKED,
    "4": Reason.OPTED_OUT,
    "5": Reason.ABSENT_SUBSCRIBER,
    "7": Reason.SPAM_FILTERED,
    "9": Reason.LANDLINE,
}
MAILBOXES = {
    "reject": Reason.UNKNOWN_SUBSCRIBER,
    "spam": Reason.SPAM_FILTERED,
    "bounce": Reason.UNKNOWN_SUBSCRIBER,
    "full": Reason.ABSENT_SUBSCRIBER,
    "complain": Reason.OPTED_OUT,
}
SILENT_MAILBOX = "silent"
SLOW_MAILBOX = "slow"


def mailbox_name(address: str) -> str:
    """What stands before the @, without a tag; empty for what is no e-mail address."""
    local, at, _ = address.rpartition("@")
    return local.partition("+")[0].lower() if at else ""


def fate(number: str) -> Reason | None:
    """Why messages to this number or address fail; None for an ordinary one."""
    if name := mailbox_name(number):
        return MAILBOXES.get(name)
    return FATES.get(number[-1:]) if number[-7:-1] == STEM else None


def is_silent(number: str) -> bool:
    """Whether messages to this number are never reported."""
    return number[-7:] == STEM + SILENT or mailbox_name(number) == SILENT_MAILBOX


def is_slow(address: str) -> bool:
    """Whether messages to this address are delayed for good."""
    return mailbox_name(address) == SLOW_MAILBOX
