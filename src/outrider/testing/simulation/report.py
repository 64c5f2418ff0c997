"""Many simulated days: their figures added up, what was reached, and how to replay a day that failed."""

from __future__ import annotations

import hashlib
import time
from collections import Counter

import msgspec

from outrider.testing.simulation.day import Day, run_day
from outrider.testing.simulation.faults import NAMES
from outrider.testing.simulation.watch import Violated

#: What every fifty days of the standard profile reach, and how often at least: a tenth of what was measured over 100
#: days or less, so that a run fails for a gap in the simulator, not for bad luck.
CORE = {
    "a cap was full": 50,
    "a local day was full": 50,
    "a gap was waited for": 50,
    "an event came twice": 50,
    "C2 a repeat found its event stored": 50,
    "two receipts conflict": 20,
    "a forged callback was refused": 5,
    "failover sms-mode to sms-twi": 5,
    "failover sms-twi to sms-mode": 5,
    "a doubt ended by unresolved": 5,
    "a doubt ended by absent": 1,
    "a doubt ended by echo": 1,
    "a doubt ended by look-up": 1,
    "a labelled duplicate": 1,
    "poison in a burst": 1,
    "an append commits late": 50,
    "a process's clock jumps": 1,
    "all providers down": 1,
    "a paused engine was fenced off": 1,
    "zombie worker wakes": 1,
    "a worker stands still between intent and socket": 1,
    "version change with more than 10 waiting": 1,
    "the clocks changed on this day": 5,
    **dict.fromkeys(NAMES, 1),
}
#: Rarer ones are met by a few days of the storm profile, those of RARE_SEEDS.
RARE = (
    "a doubt ended by late answer",
    "C7 request written, the answer lost with its worker",
    "a ceiling was full",
    "a consent was withdrawn under a claim",
    "the database's clock jumps",
)
RARE_SEEDS = range(42, 54)
#: What a few days of the profile `people` meet.
LIVELY = {
    "a START lifted a STOP": 20,
    "a STOP between decision and intent": 5,
    "a STOP met a message that waited": 5,
    "an answer was told twice": 10,
    "two keys became one person": 20,
    "two keys parted": 10,
    "a merged person had a message": 100,
    "a passage moved": 10,
    "a passage went back": 5,
    "a text took the way that was left": 50,
    "a sender was refused between intent and call": 3,
    "mail came back for good": 10,
    "a bill went another way": 10,
    "C2 the API dies after a reply's commit": 1,
}
LIVELY_DAYS = 12
CHUNK = 50


class Report(msgspec.Struct):
    """What a run came to."""

    days: int
    first_seed: int
    profile: str
    seconds: float
    #: Seconds of processor time, and days per such second: comparable on a busy machine.
    cpu_seconds: float
    days_per_cpu_second: float
    totals: dict[str, int]
    sometimes: dict[str, int]
    #: Core counters that were not reached, with what was expected.
    missing: dict[str, int]
    #: Hash over the hashes of all days.
    digest: str
    #: The first violation and the command that replays it; empty when there is none.
    violated: str = ""
    violation: str = ""
    replay: str = ""

    @property
    def passed(self) -> bool:
        """Nothing violated, everything met."""
        return not self.violated and not self.missing


FIGURES = tuple(name for name in Day.__struct_fields__ if name not in ("seed", "digest", "sometimes"))


def replay_command(seed: int, profile: str) -> str:
    """The command that runs one day again, with its trace."""
    more = "" if profile == "standard" else f" --fault-profile {profile}"
    return f"python -m outrider.testing.simulation --seed {seed} --days 1{more} --verbose"


def run_days(days: int, seed: int = 0, profile: str = "standard", *, verbose: bool = False) -> Report:
    """Simulate the days of the seeds from `seed` on; stops at the first violation."""
    began, began_cpu = time.perf_counter(), time.process_time()
    totals: Counter[str] = Counter()
    sometimes: Counter[str] = Counter()
    digests: list[str] = []
    failure: tuple[int, Violated] | None = None
    for each in range(seed, seed + days):
        try:
            day = run_day(each, profile, verbose=verbose)
        except Violated as error:
            failure = (each, error)
            break
        totals.update({name: getattr(day, name) for name in FIGURES})
        sometimes.update(day.sometimes)
        digests.append(day.digest)
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    report = Report(
        days=len(digests),
        first_seed=seed,
        profile=profile,
        seconds=round(seconds, 2),
        cpu_seconds=round(cpu, 2),
        days_per_cpu_second=round(len(digests) / cpu, 2),
        totals={name: totals[name] for name in FIGURES},
        sometimes=dict(sorted(sometimes.items())),
        missing=_missing(sometimes, len(digests), profile) if failure is None else {},
        digest=digests[0] if len(digests) == 1 else _joined(digests),
    )
    if failure is not None:
        report.violated, report.violation = failure[1].name, str(failure[1])
        report.replay = replay_command(failure[0], profile)
    return report


def _missing(sometimes: Counter[str], days: int, profile: str) -> dict[str, int]:
    """The counters that a run of at least fifty days has not met as often as its days ask for."""
    if profile == "calm" or days < CHUNK:
        return {}
    return {name: least * (days // CHUNK) for name, least in CORE.items() if sometimes[name] < least * (days // CHUNK)}


def _joined(digests: list[str]) -> str:
    return hashlib.blake2b("".join(digests).encode(), digest_size=16).hexdigest()


def written(report: Report) -> str:
    """A report as text."""
    lines = [
        f"{report.days} days from seed {report.first_seed} ({report.profile}) in {report.seconds} s "
        f"({report.cpu_seconds} s of processor time, {report.days_per_cpu_second} days/s), trace {report.digest}",
        "  " + ", ".join(f"{name} {number}" for name, number in report.totals.items()),
    ]
    lines += [f"    {number:>6} {name}" for name, number in report.sometimes.items()]
    lines += [f"  not met: {name} (expected {least})" for name, least in report.missing.items()]
    if report.violated:
        lines += [report.violation, f"  replay: {report.replay}"]
    return "\n".join(lines)
