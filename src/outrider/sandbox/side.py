"""One provider's side of the sandbox: its counterpart, what it remembers, and the receipts it owes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from outrider.contracts.http import Request, Response
from outrider.domain.attempt import Reason
from outrider.domain.receipt import ReceiptStatus
from outrider.sandbox.book import RecentBook
from outrider.sandbox.counterpart import Account, Counterpart, Taken
from outrider.sandbox.faults import Fault, Kind, seconds_of
from outrider.sandbox.magic import fate, is_silent, is_slow
from outrider.sandbox.post import Post, Schedule
from outrider.sandbox.tariff import Tariff

Met = Mapping[Kind, Fault]

#: A status word no provider uses, for unknown_word.
STRANGE_WORD = "teleported"
#: Twilio's default keywords (Advanced Opt-Out); used for every provider here.
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
START_WORDS = frozenset({"START", "UNSTOP", "YES"})


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the sandbox behaves when nothing goes wrong."""

    #: Post receipts at all.
    receipts: bool = True
    #: Also post the receipt that says the message is on its way; else only the final one.
    progress: bool = False
    #: Seconds from acceptance to the first receipt.
    receipt_delay: float = 0.05
    #: Multiplies the waits before further tries of a callback.
    retry_scale: float = 1.0
    #: Numbers with a fate of their own (magic.py). Off for load tests over long ranges of numbers.
    magic: bool = True
    #: Added to the seed of every fault.
    seed: int = 0
    #: Where reports about mail are posted, as a mail server's pipe would; empty: nowhere.
    mail_reports: str = ""
    #: What segments cost; without one a provider that tells prices makes one up.
    tariff: Tariff = Tariff()


class Side:
    """What the server needs of one provider."""

    def __init__(
        self, counterpart: type[Counterpart], accounts: Sequence[Account], post: Post, options: Options
    ) -> None:
        self.counterpart = counterpart(accounts)
        self.accounts = accounts
        self.book = RecentBook()
        self._post = post
        self._options = options
        self.schedule = Schedule(self.counterpart.retries, self.counterpart.retries_on_status)
        self._stopped: set[str] = set()

    def fate(self, number: str) -> Reason | None:
        """Why messages to this number fail here."""
        if number in self._stopped:
            return Reason.OPTED_OUT
        return fate(number) if self._options.magic else None

    def charge(self, taken: Taken) -> None:
        """Note what a segment of the message costs."""
        taken.charge = self._options.tariff.charge(self.counterpart.name, taken.to)

    def heard(self, number: str, text: str) -> None:
        """Take in a reply's keyword, as providers that keep their own opt-out list do."""
        word = text.strip().upper()
        if word in STOP_WORDS:
            self._stopped.add(number)
        elif word in START_WORDS:
            self._stopped.discard(number)

    def report(self, taken: Taken, met: Met, stray_id: str) -> None:
        """Schedule the receipts of a message just accepted."""
        if not met and not self._options.progress and self._reports(taken, met):  # the common case, kept short
            status, reason = self._end(taken, met)
            self._post.later(self._options.receipt_delay, partial(self._write, taken, status, reason), self.schedule)
            return
        late = met.get(Kind.LATE_RECEIPT)
        delay = self._options.receipt_delay + (seconds_of(late, taken.to) if late else 0.0)
        for write in self.letters(taken, met, stray_id):
            self._post.later(delay, write, self.schedule)

    def _reports(self, taken: Taken, met: Met) -> bool:
        silent = Kind.LOST_RECEIPT in met or (self._options.magic and is_silent(taken.to))
        if taken.only_failures and self._end(taken, met)[0] is ReceiptStatus.DELIVERED:
            return False
        return self._options.receipts and bool(taken.callback_url) and not silent

    @property
    def mail_reports(self) -> str:
        """Where reports about mail are posted."""
        return self._options.mail_reports

    def _end(self, taken: Taken, met: Met) -> tuple[ReceiptStatus, Reason | None]:
        if self._options.magic and is_slow(taken.to):
            return ReceiptStatus.SENT, None
        undeliver = met.get(Kind.UNDELIVER)
        reason = Reason(undeliver.code) if undeliver else self.fate(taken.to)
        return (ReceiptStatus.UNDELIVERED, reason) if reason else (ReceiptStatus.DELIVERED, None)

    def letters(self, taken: Taken, met: Met, stray_id: str) -> Iterator[Callable[[], Request | None]]:
        """The callbacks of one message in the order they are to be posted; each is written when it is due."""
        if not self._reports(taken, met):
            return
        write = partial(partial, self._write, taken)
        end = write(*self._end(taken, met))
        way = write(ReceiptStatus.SENT, None)
        shuffled = Kind.SHUFFLED_RECEIPTS in met
        if self._options.progress and not shuffled:
            yield way
        yield from self._oddities(taken, met, stray_id)
        duplicate = met.get(Kind.DUPLICATE_RECEIPT)
        for _ in range(max(duplicate.number, 2) if duplicate else 1):
            yield end
        if shuffled:
            yield way

    def _oddities(self, taken: Taken, met: Met, stray_id: str) -> Iterator[Callable[[], Request | None]]:
        """Callbacks that must change nothing at the receiver."""
        receipt = self.counterpart.receipt
        if Kind.UNKNOWN_WORD in met:
            yield partial(receipt, taken, word=STRANGE_WORD)
        if Kind.FORGED_RECEIPT in met:
            lie = msgspec.structs.replace(taken, status=ReceiptStatus.UNDELIVERED, reason=Reason.OPTED_OUT)
            yield partial(receipt, lie, forged=True)
        if Kind.STRAY_RECEIPT in met:
            url = taken.callback_url.partition("?")[0]
            yield partial(
                receipt,
                msgspec.structs.replace(
                    taken, id=stray_id, reference="", callback_url=url, status=ReceiptStatus.DELIVERED
                ),
            )

    def _write(self, taken: Taken, status: ReceiptStatus, reason: Reason | None) -> Request | None:
        """The receipt that says so, and so does a look-up from now on."""
        told = msgspec.structs.replace(taken, status=status, reason=reason)
        if taken.status is None or status is not ReceiptStatus.SENT:
            taken.status, taken.reason = status, reason
        return self.counterpart.receipt(told)

    def refusal(self, taken: Taken) -> Response | None:
        """The provider's refusal of a number with a fate, if it refuses such numbers at submission."""
        reason = self.fate(taken.to)
        return None if reason is None else self.counterpart.refusal(reason, taken)
