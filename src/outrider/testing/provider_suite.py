"""The contract of a provider, as tests. A provider is done when its class and its case folder pass.

Use it in a test module of your own:

    @pytest.mark.parametrize("subject", subjects(Path(__file__).parent), ids=str)
    class TestEveryProvider(ProviderSuite): ...
"""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from outrider.contracts.http import Response
from outrider.contracts.provider import Abilities, Callback, Doubt, Forged, Outbound, Provider, Secret, Unreadable
from outrider.domain.attempt import Accepted, Reason, Refused, Unknown
from outrider.domain.message import Rendition
from outrider.domain.receipt import Receipt, Reply
from outrider.testing.provider_cases import (
    CaseFile,
    LookupCase,
    OutcomeCase,
    ReceiptCase,
    SendCase,
    Subject,
    shown,
    told_found,
    told_outcome,
    told_receipts,
)
from outrider.testing.provider_junk import HEADERS, JUNK, PAGES, STATUS, mutations

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
URL = "https://hooks.example.com/callbacks/k3JhX9?attempt=msg_01JD5Z7W3N8Q4X0T6V2R9C1B5A.1"
MESSAGE = Outbound(
    "msg_01JD5Z7W3N8Q4X0T6V2R9C1B5A.1",
    "+33612345678",
    "Drive",
    Rendition("Bay B-12, 100 % ready & open"),
    URL,
    acknowledgment="AZOjkKpRcjqJ1oW1qU0vKQABAGpK2kBq3cJ0kq5mJw2mD0iTq1lM",
    acknowledge_url="https://hooks.example.com/v1/acknowledgements",
)
#: The same check runs for every provider's class and from several test modules.
PROPERTY = settings(suppress_health_check=[HealthCheck.differing_executors], deadline=None)


def secrets_of(provider: Provider, values: dict[str, Any]) -> list[str]:
    """The secret texts in a settings document, by the types of the settings struct."""
    hints = get_type_hints(type(provider).Settings)
    found = [values[name]["value"] for name, kind in hints.items() if kind is Secret and name in values]
    return [secret for secret in found if secret]


class ProviderSuite:
    """Every promise of contracts/provider.py. Each check takes one Subject."""

    #: What is sent where a check brings no message of its own.
    message = MESSAGE

    def test_it_declares_itself(self, subject: Subject) -> None:
        """Name, channel, title, abilities and documented settings are there and of their kind."""
        provider = subject.provider
        assert provider.name.isidentifier() or provider.name.replace("-", "_").isidentifier()
        assert provider.channel
        assert provider.title
        assert isinstance(provider.abilities, Abilities)
        assert provider.abilities.echo in ("url", "reference", "both")
        assert provider.abilities.verified_with, "say what the wire format was checked against"
        assert issubclass(provider.Settings, msgspec.Struct)

    def test_its_settings_are_documented_and_can_point_elsewhere(self, subject: Subject) -> None:
        """Every field has a description for the form; base_url has a default."""
        schema = msgspec.json.schema(subject.provider.Settings)
        fields = schema["$defs"][subject.provider.Settings.__name__]["properties"]
        undocumented = [name for name, field in fields.items() if "description" not in field]
        assert not undocumented, f"describe with Annotated[…, Meta(description=…)]: {undocumented}"
        assert fields["base_url"]["default"].startswith("https://")

    def test_sending(self, subject: Subject) -> None:
        """send.json: each message becomes exactly this request."""
        file = subject.read("send.json", CaseFile[SendCase])
        told = [shown(subject.build(case.settings or file.settings).request(case.message)) for case in file.cases]
        subject.check("send.json", file, told)

    def test_outcomes(self, subject: Subject) -> None:
        """outcome.json: each answer means exactly this; accepted, refused and unknown all occur."""
        file = subject.read("outcome.json", CaseFile[OutcomeCase])
        provider = subject.build(file.settings)
        told = [told_outcome(provider, case) for case in file.cases]
        subject.check("outcome.json", file, told)
        assert {one["type"] for one in told} == {"accepted", "refused", "unknown"}

    def test_receipts(self, subject: Subject) -> None:
        """receipts.json: each callback says exactly this; every kind the abilities promise occurs."""
        file = subject.read("receipts.json", CaseFile[ReceiptCase])
        told = [told_receipts(subject.build(case.settings or file.settings), case.callback()) for case in file.cases]
        subject.check("receipts.json", file, told)
        if not subject.provider.abilities.receipts:
            assert set(map(str, told)) == {"Unreadable"}, "abilities.receipts says that it posts no callbacks"
            return
        kinds = {one["type"] for case in told if isinstance(case, list) for one in case}
        assert "Receipt" in kinds
        assert [] in told, "a case with a word the provider does not document must give no receipt"
        assert "Unreadable" in told
        assert "Reply" in kinds or not subject.provider.abilities.inbound
        assert "Forged" in told or not subject.provider.abilities.signed_callbacks

    def test_lookups(self, subject: Subject) -> None:
        """lookup.json: each doubt becomes this request, each answer proves this; both yes and no occur."""
        file = subject.read("lookup.json", CaseFile[LookupCase])
        provider = subject.build(file.settings)
        for case in file.cases:
            for answer in case.answers:
                found = told_found(provider, case.doubt, answer)
                assert found == answer.expect, f"{case.case!r}, {answer.case!r}: {found!r}, not {answer.expect!r}"
        requests = [shown(provider.lookup(case.doubt)) for case in file.cases]
        subject.check("lookup.json", file, requests)
        able = subject.provider.abilities.lookup
        assert all((request is not None) == able for request in requests), "abilities.lookup says otherwise"
        proofs = [answer.expect for case in file.cases for answer in case.answers]
        assert not able or {None, "Unreadable"} < set(proofs), "show presence, absence and an answer that shows neither"

    def test_the_echo_travels_out_and_comes_back(self, subject: Subject) -> None:
        """The callback URL or the reference field carries the attempt id; a receipt brings the reference back."""
        echo = subject.provider.abilities.echo
        sent = shown(self._any(subject).request(self.message))
        assert sent is not None
        body = str(sent["body"])
        assert echo == "reference" or self.message.callback_url in body
        if not subject.provider.abilities.receipts:
            assert self.message.acknowledgment in body
            assert self.message.acknowledge_url in body
        assert echo == "url" or self.message.attempt in body.replace(self.message.callback_url, "")
        file = subject.read("receipts.json", CaseFile[ReceiptCase])
        expected = [one for case in file.cases if isinstance(case.expect, list) for one in case.expect]
        assert echo == "url" or not subject.provider.abilities.receipts or any(one.get("attempt") for one in expected)

    def test_secrets_stay_inside(self, subject: Subject) -> None:
        """No secret in the instance's or the settings' repr, in outcomes or in receipts."""
        file = subject.read("outcome.json", CaseFile[OutcomeCase])
        provider = subject.build(file.settings)
        secrets = secrets_of(provider, file.settings)
        assert secrets, "the file's settings should hold the provider's secrets"
        shape = msgspec.convert(file.settings, subject.provider.Settings)
        outcomes = [provider.outcome(case.response()) for case in file.cases]
        receipts = subject.read("receipts.json", CaseFile[ReceiptCase]).cases
        told = [told_receipts(provider, case.callback()) for case in receipts]
        seen = "".join(map(repr, (provider, shape, outcomes, told)))
        assert not [secret for secret in secrets if secret in seen]

    def test_429_and_5xx_mean_what_they_mean_everywhere(self, subject: Subject) -> None:
        """429 was not processed; a 5xx without the provider's own document is in doubt."""
        provider = self._any(subject)
        for page in PAGES:
            throttled = provider.outcome(Response(429, {"retry-after": "7"}, page))
            assert isinstance(throttled, Refused)
            assert (throttled.reason, throttled.retry_after) == (Reason.THROTTLED, 7.0)
            for status in (500, 502, 503, 504):
                assert isinstance(provider.outcome(Response(status, {}, page)), Unknown), (status, page)

    def test_its_own_503_is_a_refusal_that_may_pass(self, subject: Subject) -> None:
        """503 with the provider's own error document was not taken."""
        file = subject.read("outcome.json", CaseFile[OutcomeCase])
        provider = subject.build(file.settings)
        own = [provider.outcome(case.response()) for case in file.cases if case.status == 503 and case.json]
        assert own, "outcome.json needs a case of status 503 with the provider's error document"
        assert all(isinstance(one, Refused) and one.reason is Reason.UNAVAILABLE for one in own)

    def test_a_2xx_nobody_can_read_is_in_doubt(self, subject: Subject) -> None:
        """Without an id there is no acceptance, and no refusal either."""
        for page in PAGES:
            assert isinstance(self._any(subject).outcome(Response(201, {}, page)), Unknown), page

    @PROPERTY
    @given(status=STATUS, headers=HEADERS, body=JUNK)
    @example(status=429, headers={"retry-after": "²"}, body=b"")
    @example(status=400, headers={}, body=b"[" * 5000)
    def test_outcome_is_total(self, subject: Subject, status: int, headers: dict[str, str], body: bytes) -> None:
        """Whatever comes back, there is an outcome."""
        outcome = self._any(subject).outcome(Response(status, headers, body))
        assert isinstance(outcome, Accepted | Refused | Unknown)

    @PROPERTY
    @given(data=st.data(), status=STATUS)
    def test_outcome_is_total_over_damaged_answers(self, subject: Subject, data: st.DataObject, status: int) -> None:
        """Documented answers with a piece missing or wrong are read or doubted, never a crash."""
        file = subject.read("outcome.json", CaseFile[OutcomeCase])
        body = data.draw(mutations([case.response().body for case in file.cases]))
        outcome = subject.build(file.settings).outcome(Response(status, {}, body))
        assert isinstance(outcome, Accepted | Refused | Unknown)
        assert not isinstance(outcome, Accepted) or 200 <= status < 300

    @PROPERTY
    @given(url=st.text(max_size=60) | st.just(URL), headers=HEADERS, body=JUNK)
    def test_receipts_refuses_junk_politely(
        self, subject: Subject, url: str, headers: dict[str, str], body: bytes
    ) -> None:
        """Arbitrary callbacks raise Forged or Unreadable and nothing else."""
        try:
            found = self._any(subject).receipts(Callback("POST", url, {}, headers, body, AT))
        except (Forged, Unreadable):
            return
        assert all(isinstance(one, Receipt | Reply) for one in found)

    @PROPERTY
    @given(data=st.data())
    def test_receipts_survives_damaged_callbacks(self, subject: Subject, data: st.DataObject) -> None:
        """Documented callbacks with a piece missing or wrong raise nothing unexpected."""
        file = subject.read("receipts.json", CaseFile[ReceiptCase])
        case = data.draw(st.sampled_from(file.cases))
        whole = case.callback()
        body = data.draw(mutations([whole.body]))
        provider = subject.build(case.settings or file.settings)
        try:
            found = provider.receipts(msgspec.structs.replace(whole, body=body))
        except (Forged, Unreadable):
            return
        assert all(isinstance(one, Receipt | Reply) for one in found)

    @PROPERTY
    @given(status=STATUS, body=JUNK)
    def test_an_unreadable_lookup_shows_nothing(self, subject: Subject, status: int, body: bytes) -> None:
        """Junk proves neither acceptance nor absence."""
        doubt = Doubt(self.message.attempt, self.message.to, self.message.body.text, AT)
        with pytest.raises(Unreadable):
            self._any(subject).found(doubt, Response(status, {}, body))

    @PROPERTY
    @given(text=st.text(min_size=1, max_size=200), sender=st.text(min_size=1, max_size=11))
    @example(text=' 100 % + é€🚗\r\n\t"\\& ', sender="A&B=1+1")
    def test_any_text_travels_unharmed(self, subject: Subject, text: str, sender: str) -> None:
        """Text and sender reach the body as written, and headers and URL stay clean."""
        message = msgspec.structs.replace(self.message, body=Rendition(text), sender=sender)
        request = self._any(subject).request(message)
        sent = shown(request)
        assert sent is not None
        values = list(_leaves(sent["body"]))
        assert text in values
        assert sender in values or not subject.provider.abilities.senders
        for part in (request.url, *(piece for header in request.headers for piece in header)):
            assert part.isascii()
            assert part.isprintable()

    def test_it_is_pure(self, subject: Subject) -> None:
        """No coroutine, no clock argument: the same message gives the same request twice."""
        provider = self._any(subject)
        calls = (provider.request, provider.outcome, provider.receipts, provider.lookup, provider.found)
        assert not any(inspect.iscoroutinefunction(call) for call in calls)
        assert provider.request(self.message) == provider.request(self.message)

    def _any(self, subject: Subject) -> Provider:
        return subject.build(subject.read("send.json", CaseFile[SendCase]).settings)


def run_all(subject: Subject) -> None:
    """Every check of the suite for one provider, without pytest; the first failure is raised."""
    suite = ProviderSuite()
    for name, check in inspect.getmembers(suite, inspect.ismethod):
        if name.startswith("test_"):
            check(subject=subject)


def _leaves(value: Any) -> Any:
    """Every scalar in a nested document."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value
