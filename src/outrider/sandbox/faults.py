"""Misbehavior on command: rules that fire for a share of the messages, the same ones in every run."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from outrider.domain.attempt import Reason


class Kind(StrEnum):
    """What can go wrong."""

    # before acceptance
    LATENCY = "latency"
    REFUSE = "refuse"
    THROTTLE = "throttle"
    BARE_5XX = "bare_5xx"
    GATEWAY_PAGE = "gateway_page"
    RESET_BEFORE = "reset_before"
    OUTAGE = "outage"
    # after acceptance, before the answer
    RESET_AFTER = "reset_after"
    SLOW_ACCEPT = "slow_accept"
    BARE_5XX_AFTER = "bare_5xx_after"
    # receipts
    UNDELIVER = "undeliver"
    DUPLICATE_RECEIPT = "duplicate_receipt"
    LATE_RECEIPT = "late_receipt"
    LOST_RECEIPT = "lost_receipt"
    EARLY_RECEIPT = "early_receipt"
    SHUFFLED_RECEIPTS = "shuffled_receipts"
    UNKNOWN_WORD = "unknown_word"
    STRAY_RECEIPT = "stray_receipt"
    FORGED_RECEIPT = "forged_receipt"


class Spread(StrEnum):
    """How latencies are spread around `ms`."""

    FIXED = "fixed"
    UNIFORM = "uniform"  # from 0 to twice ms
    EXPONENTIAL = "exponential"  # mean ms, long tail


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule. It fires for `share` of the messages, at most `count` times, for `seconds` from when it was set."""

    kind: Kind
    #: One provider's name; empty for all.
    provider: str = ""
    share: float = 1.0
    count: int | None = None
    seconds: float | None = None
    seed: int = 0
    #: refuse: the provider's own error code. undeliver: one of our reasons.
    code: str = ""
    #: bare_5xx: the status. duplicate_receipt: how many copies. throttle: Retry-After in seconds, 0 for none.
    #: outage: 503 answers in the provider's words, 0 refuses connections.
    number: int = 0
    #: latency, slow_accept, late_receipt: how long.
    ms: float = 0.0
    spread: Spread = Spread.FIXED

    def __post_init__(self) -> None:
        """Raises ValueError (ValidationError when decoding) for a rule that cannot fire as written."""
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"share must be from 0 to 1, got {self.share}")
        if self.kind in (Kind.LATENCY, Kind.SLOW_ACCEPT, Kind.LATE_RECEIPT) and self.ms <= 0:
            raise ValueError(f"{self.kind} needs ms above 0")
        if self.kind is Kind.REFUSE and not self.code:
            raise ValueError("refuse needs the provider's error code in `code`")
        if self.kind is Kind.UNDELIVER and self.code not in set(Reason):
            raise ValueError(f"undeliver needs one of our reasons in `code`, got {self.code!r}")


def chance(seed: int, *parts: str) -> float:
    """A number from 0 to 1, the same for the same seed and parts on every machine."""
    digest = hashlib.blake2b("\0".join((str(seed), *parts)).encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56


class _Rule:
    """A fault in force: until when, how many times still, and which visits it has seen."""

    def __init__(self, fault: Fault, now: float) -> None:
        self.fault = fault
        self._until = math.inf if fault.seconds is None else now + fault.seconds
        self._left = math.inf if fault.count is None else fault.count

    def in_force(self, provider: str, now: float) -> bool:
        """Whether the rule still applies to this provider."""
        return self.fault.provider in ("", provider) and now < self._until and self._left > 0

    def fires(self, key: str, now: float, provider: str) -> bool:
        """Whether the rule hits this visit; counts the hit."""
        fault = self.fault
        if not self.in_force(provider, now) or chance(fault.seed, fault.kind, provider, key) >= fault.share:
            return False
        self._left -= 1
        return True


class Faults:
    """The rules in force. A visit is one submission to one number: its n-th visit meets the same fate in every run,
    whatever ids the messages carry and in whatever order they come."""

    def __init__(self, faults: Iterable[Fault] = (), now: float = 0.0, seed: int = 0) -> None:
        self._seed = seed
        self._rules: list[_Rule] = []
        self._visits: Counter[tuple[str, str]] = Counter()
        for fault in faults:
            self.add(fault, now)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def add(self, fault: Fault, now: float) -> None:
        """Put a rule in force; now: monotonic seconds."""
        self._rules.append(_Rule(msgspec.structs.replace(fault, seed=fault.seed + self._seed), now))

    def clear(self) -> None:
        """Lift every rule and forget the visits."""
        self._rules.clear()
        self._visits.clear()

    def listed(self) -> list[Fault]:
        """The rules, in the order they were set."""
        return [rule.fault for rule in self._rules]

    def outage(self, provider: str, now: float) -> Fault | None:
        """The outage in force for a provider. An outage hits everybody, so `share` does not count."""
        rules = (rule for rule in self._rules if rule.fault.kind is Kind.OUTAGE)
        return next((rule.fault for rule in rules if rule.in_force(provider, now)), None)

    def meet(self, provider: str, to: str, now: float) -> dict[Kind, Fault]:
        """What happens to this submission: the faults that fire, by kind; the first rule of a kind wins."""
        self._visits[provider, to] += 1
        key = f"{to} {self._visits[provider, to]}"
        met: dict[Kind, Fault] = {}
        for rule in self._rules:
            kind = rule.fault.kind
            if kind is not Kind.OUTAGE and kind not in met and rule.fires(key, now, provider):
                met[kind] = rule.fault
        return met


def seconds_of(fault: Fault, key: str) -> float:
    """How long a fault with `ms` takes for one message."""
    part = chance(fault.seed, "spread", key)
    if fault.spread is Spread.UNIFORM:
        return 2 * part * fault.ms / 1000
    if fault.spread is Spread.EXPONENTIAL:
        return -math.log1p(-part) * fault.ms / 1000
    return fault.ms / 1000
