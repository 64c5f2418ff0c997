"""Why an attempt or a message failed, in the words of its channel: a mailbox is no subscriber and an app no handset."""

from __future__ import annotations

from outrider.domain.attempt import Reason

#: Reasons are coined after phones (domain/attempt.py); elsewhere these say what the providers' own codes mean:
#: for mail RFC 3463 and RFC 5321 as providers/_mail_status.py reads them, for push the errors of FCM HTTP v1.
WORDS: dict[str, dict[str, str]] = {
    "sms": {
        Reason.UNKNOWN_SUBSCRIBER: "nobody has this number",
        Reason.ABSENT_SUBSCRIBER: "the phone was off or out of reach",
        Reason.HANDSET_ERROR: "the phone could not take it",
        Reason.LANDLINE: "the number is a landline",
        Reason.DEAD_ADDRESS: "the number is gone",
    },
    "email": {
        Reason.INVALID_ADDRESS: "not an address mail can go to",
        Reason.UNKNOWN_SUBSCRIBER: "there is no such mailbox",
        Reason.ABSENT_SUBSCRIBER: "the mailbox is full or takes no mail",
        Reason.OPERATOR_ERROR: "the mail server had trouble",
        Reason.UNROUTABLE: "no way to the mail server",
        Reason.SPAM_FILTERED: "refused by the mail server's rules, as spam is",
        Reason.EXPIRED: "the mail server did not take it in time",
        Reason.DEAD_ADDRESS: "the mailbox is gone",
    },
    "push": {
        Reason.UNKNOWN_SUBSCRIBER: "the app is not known",
        Reason.ABSENT_SUBSCRIBER: "the device was not reached",
        Reason.HANDSET_ERROR: "the device could not take it",
        Reason.OPERATOR_ERROR: "the push service had trouble",
        Reason.DEAD_ADDRESS: "the app is gone from the device",
    },
}


def reason_words(reason: str, channel: str) -> str:
    """A reason (a `Reason`, or words that are kept as they are) for people who read about a message on a channel."""
    return WORDS.get(channel, {}).get(reason) or reason.replace("_", " ")
