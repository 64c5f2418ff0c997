"""What a stimulus does to an enrollment. Pure and total: same arguments, same Progress.

Order within one call: a goal is noted, an exit rule ends everything at once (also in the middle of a wait), and only
then the step the enrollment stays at is asked. Several steps run in one call, until one stays or the journey ends;
since every link leads forward, a call takes no more moves than the program has nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from outrider.contracts.step import (
    END,
    Ask,
    EventSeen,
    Go,
    Leave,
    Move,
    Node,
    Scene,
    Started,
    Stay,
    Stimulus,
    TimerFired,
)
from outrider.domain.decision import Candidate
from outrider.domain.enrollment import Enrollment, Wait
from outrider.journeys.definition import CompiledExit, Program
from outrider.journeys.seen import start_facts, typed_event
from outrider.lib.ids import new_id, shard_of_stream

COMPLETED = "completed"


class Progress(msgspec.Struct, frozen=True):
    """The outcome of one stimulus. The timer to keep is ``enrollment.wait``: its token and due_at."""

    enrollment: Enrollment
    #: Messages asked for, in order; their ids are already among the enrollment's open messages while it lives.
    candidates: tuple[Candidate, ...] = ()
    #: Messages to cancel where they are still held or queued.
    cancel: tuple[bytes, ...] = ()
    #: False: nothing to save.
    changed: bool = False
    #: Why, in plain words, in order.
    notes: tuple[str, ...] = ()


class NotForward(Exception):
    """A step moved backward or to a node that does not exist: a defect of the step."""


def advance(
    program: Program, enrollment: Enrollment, stimulus: Stimulus, view: Mapping[str, Any], now: datetime
) -> Progress:
    """Apply a stimulus to an enrollment of this program.

    `view` is the context of conditions with fresh facts (its ``event`` is not read); `now` is an aware instant in
    UTC. An ended enrollment never changes. Raises NotForward for a defective step, nothing else.
    """
    if enrollment.ended_at is not None:
        return Progress(enrollment)
    scene = Scene(enrollment, {**view, "event": start_facts(program, enrollment)}, now)
    if not isinstance(stimulus, EventSeen):
        return _apply(program, scene, stimulus)
    seen = typed_event(program, stimulus)
    scene = replace(scene, enrollment=note_goal(program, enrollment, seen, now))
    rule = _matching_exit(program, scene, seen)
    progress = _exit(program, scene, rule) if rule else _apply(program, scene, seen)
    return replace(progress, changed=progress.changed or progress.enrollment != enrollment)


def note_goal(program: Program, enrollment: Enrollment, seen: EventSeen, now: datetime) -> Enrollment:
    """The enrollment with its goal reached, if this event is the goal, in time, and the first of its kind.

    May be asked for an ended enrollment too: people often reach the goal after the last step.
    """
    goal = program.goal
    if goal is None or enrollment.goal_at or seen.event.type != goal.on or seen.contradicts(enrollment):
        return enrollment
    if goal.within is not None and now > enrollment.started_at + goal.within:
        return enrollment
    return replace(enrollment, goal_at=now)


def late_exit(
    program: Program, enrollment: Enrollment, seen: EventSeen, view: Mapping[str, Any], now: datetime
) -> Progress:
    """What an event does to an enrollment that was completed: an exit rule cancels what is still held or queued.

    A person who walked through the last step has left nothing behind that an exit could end, but the messages the
    steps asked for may still wait for their hour. No farewell is sent: the journey is over.
    """
    if enrollment.end_reason != COMPLETED or not enrollment.open_messages:
        return Progress(enrollment)
    scene = Scene(enrollment, {**view, "event": start_facts(program, enrollment)}, now)
    rule = _matching_exit(program, scene, typed_event(program, seen))
    if rule is None:
        return Progress(enrollment)
    return Progress(
        replace(enrollment, open_messages=(), end_reason=rule.on),
        cancel=enrollment.open_messages,
        changed=True,
        notes=(f"{rule.on} cancels what still waits",),
    )


def leave(enrollment: Enrollment, reason: str, now: datetime) -> Progress:
    """End an enrollment from outside (a blocked step that asked for it, a stopped journey), canceling its messages."""
    if enrollment.ended_at is not None:
        return Progress(enrollment)
    ended = _ended(enrollment, reason, now)
    return Progress(ended, cancel=enrollment.open_messages, changed=True, notes=(f"left: {reason}",))


def with_open(enrollment: Enrollment, *messages: bytes) -> Enrollment:
    """The enrollment with further messages that leaving must cancel: the next channel of an escalation."""
    new = tuple(message for message in messages if message not in enrollment.open_messages)
    if not new or enrollment.ended_at is not None:
        return enrollment
    return replace(enrollment, open_messages=(*enrollment.open_messages, *new))


def without_open(enrollment: Enrollment, *messages: bytes) -> Enrollment:
    """The enrollment without messages that are neither held nor queued any more."""
    left = tuple(message for message in enrollment.open_messages if message not in messages)
    return enrollment if left == enrollment.open_messages else replace(enrollment, open_messages=left)


def _matching_exit(program: Program, scene: Scene, seen: EventSeen) -> CompiledExit | None:
    """The first exit rule the event fulfills. With an object to be about, the event must touch that very object."""
    about = scene.enrollment.about
    if about is not None and all(touched.stream != about for touched in seen.touched):
        return None
    view = {**scene.view, "event": seen.facts()}
    rules = (rule for rule in program.exits if rule.on == seen.event.type)
    return next((rule for rule in rules if rule.where is None or rule.where.judge(view).value), None)


def _exit(program: Program, scene: Scene, rule: CompiledExit) -> Progress:
    enrollment = scene.enrollment
    walk = _Walk(program, replace(scene, enrollment=_ended(enrollment, rule.on, scene.now)))
    walk.notes.append(f"{rule.on} ends the journey")
    if rule.then is not None:
        walk.take(rule.then, rule.then.step.enter(rule.then, scene))
    return walk.progress(cancel=enrollment.open_messages)


def _apply(program: Program, scene: Scene, stimulus: Stimulus) -> Progress:
    """Let the step the enrollment stays at answer, and walk on as far as it goes."""
    wait = scene.enrollment.wait
    walk = _Walk(program, scene)
    if isinstance(stimulus, Started):
        return walk.enter(scene.enrollment.position) if wait is None else Progress(scene.enrollment)
    if wait is None or (isinstance(stimulus, TimerFired) and stimulus.token != wait.token):
        return Progress(scene.enrollment)
    node = program.nodes[scene.enrollment.position]
    move = node.step.resume(node, scene, stimulus)
    return Progress(scene.enrollment) if move is None else walk.follow(node, move)


class _Walk:
    """One call's way through the program. Lives only inside a call; everything it gives out is immutable."""

    def __init__(self, program: Program, scene: Scene) -> None:
        self.program = program
        self.scene = scene
        self.enrollment = scene.enrollment
        self.candidates: list[Candidate] = []
        self.notes: list[str] = []

    def enter(self, index: int) -> Progress:
        """Walk from a node that is reached now."""
        node = self.program.nodes[index]
        return self.follow(node, node.step.enter(node, self.scene))

    def follow(self, node: Node, move: Move) -> Progress:
        """Take moves until one stays or the journey ends."""
        before = self.enrollment.open_messages
        while isinstance(move, Go):
            self.take(node, move)
            if move.to == END:
                return self.end(COMPLETED)
            node = self._forward(node, move.to)
            move = node.step.enter(node, self.scene)
        if isinstance(move, Leave):
            self.notes.append(f"{node.name}: left: {move.reason}")
            return replace(self.end(move.reason), cancel=before)
        return self._stay(node, move)

    def take(self, node: Node, move: Move) -> None:
        """Note why, and turn what a move asks for into a candidate."""
        if not isinstance(move, Go):
            return
        if move.note:
            self.notes.append(f"{node.name}: {move.note}")
        if move.ask is not None:
            self.candidates.append(_candidate(self.enrollment, node, move.ask, self.scene.now))
            self.enrollment = replace(self.enrollment, asked=self.enrollment.asked + 1)

    def end(self, reason: str) -> Progress:
        """The journey ends here; whoever completed it keeps the messages that a late exit would still cancel."""
        kept = (*self.enrollment.open_messages, *(candidate.id for candidate in self.candidates))
        self.enrollment = _ended(self.enrollment, reason, self.scene.now)
        if reason == COMPLETED:
            self.enrollment = replace(self.enrollment, open_messages=kept)
        return self.progress()

    def progress(self, cancel: tuple[bytes, ...] = ()) -> Progress:
        """What came of it."""
        return Progress(self.enrollment, tuple(self.candidates), cancel, True, tuple(self.notes))

    def _forward(self, node: Node, to: int) -> Node:
        if not node.index < to < len(self.program.nodes):
            raise NotForward(f"step {node.name} of {self.program.journey} moved from node {node.index} to {to}")
        return self.program.nodes[to]

    def _stay(self, node: Node, move: Stay) -> Progress:
        if move.note:
            self.notes.append(f"{node.name}: {move.note}")
        before, token = self.enrollment.wait, self.enrollment.waits + 1
        replanned = before is not None and self.enrollment.position == node.index
        since = before.since if before is not None and replanned else self.scene.now
        self.enrollment = replace(
            self.enrollment,
            position=node.index,
            wait=Wait(token, move.due_at, since),
            waits=token,
            open_messages=(*self.enrollment.open_messages, *(candidate.id for candidate in self.candidates)),
        )
        return self.progress()


def _ended(enrollment: Enrollment, reason: str, now: datetime) -> Enrollment:
    return replace(enrollment, wait=None, open_messages=(), ended_at=now, end_reason=reason)


def _candidate(enrollment: Enrollment, node: Node, ask: Ask, now: datetime) -> Candidate:
    unique = enrollment.id + enrollment.round.to_bytes(4, "big") + enrollment.asked.to_bytes(4, "big")
    return Candidate(
        id=new_id(now, shard_of_stream(enrollment.stream), unique),
        stream=enrollment.stream,
        journey=enrollment.journey,
        node=node.name,
        template=ask.template,
        purpose=ask.purpose,
        strategy=ask.strategy,
        asked_at=now,
        valid_until=now + ask.valid_for,
        time_critical=ask.time_critical,
        blocked=ask.blocked,
        config=enrollment.config,
        enrollment=enrollment.id,
        about=enrollment.about,
    )
