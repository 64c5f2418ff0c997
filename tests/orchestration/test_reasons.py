"""Reasons in the words of the channel."""

from __future__ import annotations

import pytest

from outrider.domain.attempt import Reason
from outrider.orchestration.reasons import WORDS, reason_words


@pytest.mark.parametrize(
    ("reason", "channel", "words"),
    [
        (Reason.UNKNOWN_SUBSCRIBER, "sms", "nobody has this number"),
        (Reason.UNKNOWN_SUBSCRIBER, "email", "there is no such mailbox"),
        (Reason.ABSENT_SUBSCRIBER, "email", "the mailbox is full or takes no mail"),
        (Reason.DEAD_ADDRESS, "push", "the app is gone from the device"),
        (Reason.SPAM_FILTERED, "sms", "spam filtered"),
        (Reason.NOT_CONNECTED, "voice", "not connected"),
        ("no route is left", "email", "no route is left"),
    ],
)
def test_a_reason_reads_as_on_its_channel(reason: str, channel: str, words: str) -> None:
    assert reason_words(reason, channel) == words


#: No provider of mail or push has a code for these.
PHONES_ALONE = [
    ("email", Reason.HANDSET_ERROR),
    *((channel, reason) for channel in ("email", "push") for reason in (Reason.INVALID_NUMBER, Reason.LANDLINE)),
]


@pytest.mark.parametrize("channel", ["email", "push"])
@pytest.mark.parametrize("reason", Reason)
def test_mail_and_push_never_speak_of_phones(reason: Reason, channel: str) -> None:
    words = reason_words(reason, channel)
    if (channel, reason) not in PHONES_ALONE:
        assert not any(word in words for word in ("subscriber", "handset", "phone", "number", "operator"))


def test_the_words_are_about_reasons_there_are() -> None:
    assert {reason for words in WORDS.values() for reason in words} <= set(Reason)
