"""What next: journeys are read and checked (check), compiled (compile_program), started and advanced, purely."""

from outrider.contracts.step import EventSeen, FactsChanged, Started, Stimulus, TimerFired, Touched
from outrider.contracts.surroundings import Surroundings, TemplateFacts
from outrider.journeys.advance import Progress, advance, late_exit, leave, note_goal, with_open, without_open
from outrider.journeys.check import Checked, check
from outrider.journeys.compile import compile_program
from outrider.journeys.definition import Definition, Program
from outrider.journeys.enter import NotStarted, Start, about_of, enrollment_id, start
from outrider.journeys.seen import start_facts
from outrider.journeys.view import Timed, timed_kinds, view

__all__ = [
    "Checked",
    "Definition",
    "EventSeen",
    "FactsChanged",
    "NotStarted",
    "Program",
    "Progress",
    "Start",
    "Started",
    "Stimulus",
    "Surroundings",
    "TemplateFacts",
    "Timed",
    "TimerFired",
    "Touched",
    "about_of",
    "advance",
    "check",
    "compile_program",
    "enrollment_id",
    "late_exit",
    "leave",
    "note_goal",
    "start",
    "start_facts",
    "timed_kinds",
    "view",
    "with_open",
    "without_open",
]
