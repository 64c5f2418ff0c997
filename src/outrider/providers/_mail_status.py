"""What SMTP reply codes (RFC 5321, 4.2) and enhanced status codes (RFC 3463) say, in our words.

Classes by provider facts A.10 and E.3: a mailbox that does not exist is the person's; a full one passes; policy and
content are about us, never about the person.
"""

from __future__ import annotations

import re

from outrider.domain.attempt import SCOPES, Reason, Scope

#: Class, subject, detail: the first three numbers of an answer's or a report's text.
ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")

#: Permanent failures by subject and detail, then by subject alone.
DETAILS = {
    **dict.fromkeys(("1.1", "1.6", "1.10", "2.1"), Reason.UNKNOWN_SUBSCRIBER),
    **dict.fromkeys(("1.2", "1.3", "4.4"), Reason.INVALID_ADDRESS),
    **dict.fromkeys(("1.7", "1.8"), Reason.SENDER_REJECTED),
    "2.2": Reason.ABSENT_SUBSCRIBER,
    **dict.fromkeys(("2.3", "3.4"), Reason.CONTENT_REJECTED),
    "4.7": Reason.EXPIRED,
    "7.8": Reason.UNAUTHORIZED,
}
SUBJECTS = {
    "1": Reason.UNROUTABLE,
    "2": Reason.ABSENT_SUBSCRIBER,
    "3": Reason.OPERATOR_ERROR,
    "4": Reason.UNROUTABLE,
    "5": Reason.OPERATOR_ERROR,
    "6": Reason.CONTENT_REJECTED,
    "7": Reason.SPAM_FILTERED,
}
#: Answers without an enhanced code. A bare 550 may mean the mailbox or the policy: it says nothing of the person.
CODES = {
    552: Reason.CONTENT_REJECTED,
    554: Reason.SPAM_FILTERED,
    **dict.fromkeys((500, 501, 502, 503, 504, 555), Reason.OPERATOR_ERROR),
}
#: Phases before the recipient is named.
ABOUT_US = frozenset({"connect", "mail"})
#: A login is missing, too weak or wrong (RFC 4954, 6), whatever else is said.
LOGIN_CODES = frozenset({530, 534, 535, 538})


def enhanced(text: str) -> tuple[str, str, str] | None:
    """The first enhanced status code in a text: class, subject, detail."""
    found = ENHANCED.search(text)
    return None if found is None else (found[1], found[2], found[3])


def permanent_reason(subject: str, detail: str) -> Reason:
    """The reason behind subject and detail of a status code, for a message that will not be delivered."""
    return DETAILS.get(f"{subject}.{detail}") or SUBJECTS.get(subject, Reason.UNKNOWN)


def reply_reason(code: int, text: str, phase: str) -> Reason:
    """The reason of a negative reply. `phase` is the command it answers: connect, login, mail, rcpt, data or end."""
    status = enhanced(text)
    if code < 500:
        return Reason.THROTTLED if status is not None and status[1] == "7" else Reason.UNAVAILABLE
    if phase == "login" or code in LOGIN_CODES:
        return Reason.UNAUTHORIZED
    if status is not None and status[0] == "5" and (status[1], status[2]) != ("0", "0"):
        reason = permanent_reason(status[1], status[2])
        # Before the recipient was named, only we can be meant.
        return Reason.SENDER_REJECTED if phase in ABOUT_US and SCOPES[reason] is Scope.RECIPIENT else reason
    if phase == "connect":
        return Reason.OPERATOR_ERROR
    if code == 552 and phase == "rcpt":
        return Reason.ABSENT_SUBSCRIBER
    return CODES.get(code, Reason.UNKNOWN)
