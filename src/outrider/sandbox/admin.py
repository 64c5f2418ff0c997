"""The sandbox's own API below /_sandbox/: set faults, read the ledger, send replies, start anew.

| request | body | answer |
|---|---|---|
| GET status | | addresses, accepted messages, callbacks delivered, failed, lost and pending |
| GET faults | | the rules in force |
| POST faults | one Fault or a list | 201, the rules in force |
| DELETE faults | | 204 |
| GET ledger | | the lines since the last reset, as NDJSON |
| GET certificate | | the mail server's self-signed certificate, as PEM |
| GET ledger?summary | | their Summary |
| POST replies | an InboundReply | 202 |
| POST reset | | 204: no rules, no pending callbacks, counts from zero; the ledger file keeps its lines |
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from outrider.contracts.http import Response
from outrider.sandbox.certificate import certificate
from outrider.sandbox.counterpart import Call, Taken, json_answer
from outrider.sandbox.faults import Fault, Kind
from outrider.sandbox.ledger import read_ledger, summarize
from outrider.sandbox.server import ADMIN, Server


class InboundReply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person writes back."""

    provider: str
    #: The person's number, E.164 with a plus sign.
    sender: str
    text: str
    #: Where the provider posts it; empty: to the callback URL of the last message this person got.
    url: str = ""
    #: The number or name written to; empty: the sender of that last message.
    to: str = ""


FAULTS = msgspec.json.Decoder(list[Fault] | Fault)
REPLY = msgspec.json.Decoder(InboundReply)


class Refusal(Exception):
    """A request of the operator that cannot be done; the message says why."""


class Admin:
    """Answers the operator's requests; also called directly by an in-process test."""

    def __init__(self, server: Server, outage_began: Callable[[Fault], None], lifted: Callable[[], None]) -> None:
        """outage_began, lifted: close and open the listeners of a provider that refuses connections."""
        self._server = server
        self._outage_began = outage_began
        self._lifted = lifted
        self.urls: dict[str, str] = {}
        self._answers: dict[tuple[str, str], Callable[[Call], Response]] = {
            ("GET", "status"): self._status,
            ("GET", "faults"): self._rules,
            ("POST", "faults"): self._set_faults,
            ("DELETE", "faults"): self._lift_faults,
            ("GET", "ledger"): self._ledger,
            ("GET", "certificate"): self._certificate,
            ("POST", "replies"): self._post_reply,
            ("POST", "reset"): self._reset,
        }

    def answer(self, call: Call) -> Response:
        """The answer to one request; 404 for an unknown one, 422 with the reason for a bad body."""
        place = call.path.removeprefix(ADMIN)
        answer = self._answers.get((call.method, place))
        if answer is None:
            known = [f"{method} {ADMIN}{name}" for method, name in self._answers]
            return json_answer(404, {"error": f"no {call.method} {call.path}", "known": known})
        try:
            return answer(call)
        except (msgspec.DecodeError, UnicodeDecodeError, Refusal) as error:
            return json_answer(422, {"error": str(error)})

    def set_fault(self, fault: Fault) -> None:
        """Put a rule in force. Raises Refusal for a provider that is not here."""
        if fault.provider and fault.provider not in self._server.sides:
            raise Refusal(f"no provider {fault.provider!r}; there are {', '.join(self._server.sides)}")
        self._server.faults.add(fault, self._server.clock.monotonic())
        if fault.kind is Kind.OUTAGE and not fault.number:
            self._outage_began(fault)

    def lift_faults(self) -> None:
        """Lift every rule; listeners closed by an outage open again."""
        self._server.faults.clear()
        self._lifted()

    def reply(self, reply: InboundReply) -> None:
        """Post an inbound message at once. Raises Refusal when there is nowhere to post it."""
        side = self._server.sides.get(reply.provider)
        if side is None:
            raise Refusal(f"no provider {reply.provider!r}; there are {', '.join(self._server.sides)}")
        taken = self._answered(reply)
        side.heard(reply.sender, reply.text)
        new_id, post = self._server.new_id(), self._server.post
        post.later(0.0, lambda: side.counterpart.reply(taken, reply.text, new_id), side.schedule)

    def _answered(self, reply: InboundReply) -> Taken:
        """The message a reply answers: the person's last one, with what the reply says otherwise."""
        side = self._server.sides[reply.provider]
        last = next(reversed(side.book.sent_to(reply.sender)), None)
        url, to = reply.url or (last.callback_url if last else ""), reply.to or (last.sender if last else "")
        if not url:
            raise Refusal(f"{reply.sender} got no message with a callback URL from {reply.provider}; give a url")
        account = last.account if last else side.accounts[0].id
        now, reference = self._server.clock.now(), last.reference if last else ""
        return Taken(last.id if last else "", account, reply.sender, to, "", "", url, now, reference=reference)

    def reset(self) -> None:
        """Start anew: no rules, nothing pending, counts from zero."""
        self.lift_faults()
        self._server.post.forget()
        self._server.ledger.begin_anew()

    def _status(self, call: Call) -> Response:
        post, ledger = self._server.post, self._server.ledger
        callbacks = {
            "delivered": post.delivered,
            "failed": post.failed,
            "lost": post.lost,
            "pending": post.pending,
        }
        document = {"urls": self.urls, "ledger": str(ledger.path), "accepted": ledger.accepted, "callbacks": callbacks}
        return json_answer(200, document)

    def _rules(self, call: Call) -> Response:
        return json_answer(200, self._server.faults.listed())

    def _set_faults(self, call: Call) -> Response:
        faults = FAULTS.decode(call.body)
        for fault in faults if isinstance(faults, list) else [faults]:
            self.set_fault(fault)
        return json_answer(201, self._server.faults.listed())

    def _lift_faults(self, call: Call) -> Response:
        self.lift_faults()
        return Response(204)

    def _ledger(self, call: Call) -> Response:
        ledger = self._server.ledger
        ledger.flush()
        if "summary" in call.target.partition("?")[2]:
            return json_answer(200, summarize(read_ledger(ledger.path, ledger.start)))
        with ledger.path.open("rb") as file:
            file.seek(ledger.start)
            return Response(200, {"content-type": "application/x-ndjson"}, file.read())

    def _certificate(self, call: Call) -> Response:
        return Response(200, {"content-type": "application/x-pem-file"}, certificate())

    def _post_reply(self, call: Call) -> Response:
        self.reply(REPLY.decode(call.body))
        return Response(202)

    def _reset(self, call: Call) -> Response:
        self.reset()
        return Response(204)
