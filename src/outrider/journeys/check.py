"""Everything that can be known to be wrong with a journey before it runs, with file, line and column."""

from __future__ import annotations

import msgspec

from outrider.contracts.reading import Context, Reading
from outrider.contracts.surroundings import Surroundings
from outrider.domain.problem import Problem
from outrider.journeys.definition import Definition
from outrider.journeys.read import read_definition
from outrider.lib.yaml12 import Located, YamlError, read


class Checked(msgspec.Struct, frozen=True):
    """The outcome of a check: problems in the order of the file, and the definition when none of them is an error."""

    problems: tuple[Problem, ...]
    definition: Definition | None = None


def check(text: str, file: str, surroundings: Surroundings) -> Checked:
    """Read and check the text of one journey file. `file` is its path as the author knows it. Never raises."""
    try:
        located = read(text, file)
    except YamlError as error:
        return Checked((Problem(file, error.line, error.column, error.message),))
    context = Context(located, surroundings, _start_event(located))
    definition = read_definition(Reading(context))
    problems = tuple(sorted(set(context.problems), key=lambda problem: (problem.line, problem.column, problem.message)))
    return Checked(problems, None if any(problem.is_error for problem in problems) else definition)


def _start_event(located: Located) -> str:
    """The type of the event that starts the journey: what ``event`` means in conditions of steps."""
    event = Reading(Context(located, Surroundings())).at("start", "on").value
    return event if isinstance(event, str) else ""
