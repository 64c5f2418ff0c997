"""The planted faults by number: one function of ours replaced by one that is wrong in a way somebody once was."""

from __future__ import annotations

from collections.abc import Callable

from outrider.testing.simulation.zoo_deciding import (
    Patch,
    a_refusal_is_ignored,
    any_body_will_do,
    ceiling_is_not_counted,
    commercial_is_sent_again,
    days_begin_in_utc,
    exception_names_a_number,
    gaps_are_not_looked_at,
    halves_are_handled_again,
    lost_answer_is_a_refusal,
    newest_round_is_told,
    no_lookup_lag,
    one_breaker_for_all,
    one_stream_after_the_other,
    own_clock_of_the_resolver,
    retries_without_a_budget,
    window_is_not_compared,
)
from outrider.testing.simulation.zoo_storing import (
    answer_before_commit,
    cap_counts_what_was_sent,
    consent_read_before,
    doubt_frees_the_slot,
    duplicates_known_for_a_while,
    last_receipt_wins,
    lease_without_fence,
    local_days,
    orphans_are_dropped,
    outcome_after_something_fallible,
    poll_by_last_position,
    rescue_runs_again,
    retry_on_timeout,
)

#: Number → fault, the invariants that may catch it, the profile, the plant. From 101 on they are our own.
PLANTS: dict[int, tuple[str, tuple[str, ...], str, Callable[[Patch], None]]] = {
    1: ("rescue sets queued instead of unknown", ("I7", "I6", "I16"), "standard", rescue_runs_again),
    2: ("retry on timeout", ("I7", "I6"), "standard", retry_on_timeout),
    3: ("outcome written after something that raises", ("I17",), "calm", outcome_after_something_fallible),
    4: ("duplicates known for a while only", ("I2", "I1"), "standard", duplicates_known_for_a_while),
    5: ("consent read before the transaction", ("I9", "I10"), "storm", consent_read_before),
    6: ("cap counted outside the decision", ("I11", "I42"), "storm", cap_counts_what_was_sent),
    7: ("reservation released on unknown", ("I11", "I42"), "storm", doubt_frees_the_slot),
    8: ("receipt overwrites by arrival time", ("I24",), "standard", last_receipt_wins),
    9: ("receipt for an unknown attempt dropped", ("I25",), "standard", orphans_are_dropped),
    10: ("answer before the commit", ("I1",), "standard", answer_before_commit),
    11: ("poller by id > last", ("I3",), "standard", poll_by_last_position),
    12: ("lease by the engine's own clock, no fence", ("I3", "I19"), "standard", lease_without_fence),
    13: ("+24 h in local time", ("I19",), "standard", local_days),
    18: ("idempotency compare ignores the body", ("I2",), "direct", any_body_will_do),
    26: ("failover on unknown for commercial", ("I16", "I6"), "storm", commercial_is_sent_again),
    27: ("breaker shared by routes and channels", ("I14",), "standard", one_breaker_for_all),
    28: ("exception text with a phone number", ("I15",), "standard", exception_names_a_number),
    30: ("a failed batch repeats its saved half", ("I3", "I19"), "storm", halves_are_handled_again),
    101: ("a refused number is tried elsewhere", ("I16",), "standard", a_refusal_is_ignored),
    102: ("ceiling not counted", ("I13",), "storm", ceiling_is_not_counted),
    103: ("window not compared at the intent", ("I12", "I20"), "standard", window_is_not_compared),
    104: ("a broken connection counts as never made", ("I7", "I6"), "standard", lost_answer_is_a_refusal),
    106: ("a held message tells of a later event", ("I15",), "standard", newest_round_is_told),
    107: ("doubts ended by the resolver's own clock", ("I18", "I7", "I6"), "standard", own_clock_of_the_resolver),
    108: ("retries without a budget", ("I36",), "storm", retries_without_a_budget),
    109: ("an event visits its objects one by one", ("I41",), "storm", one_stream_after_the_other),
    110: ("the gap between messages is not looked at", ("I42",), "standard", gaps_are_not_looked_at),
    111: ("a cap by the day counts days of UTC", ("I11",), "storm", days_begin_in_utc),
    105: ("absence proved without the reporting lag", ("I7", "I6"), "storm", no_lookup_lag),
}
