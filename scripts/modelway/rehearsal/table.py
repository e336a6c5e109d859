"""What a rehearsal shows at its end, as rows: what ran, what users got, what serves, what next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from modelway.rehearsal.faults_catalogue import FAULTS, Fault, in_image
from modelway.rehearsal.load import Tally
from modelway.rehearsal.venue import Serving
from modelway.rehearsal.wish import Took

Row = tuple[str, ...]

INNER = "  "
"""What the name of a stage inside another stage begins with."""
_WIDEST = 90
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")


def ran(took: Sequence[Took]) -> list[Row]:
    """A row a stage, and their sum."""
    rows = [(one.stage, f"{one.seconds:.1f} s", shorten(one.outcome)) for one in took]
    whole = sum(one.seconds for one in took if not one.stage.startswith(INNER))
    return [*rows, ("all", f"{whole:.1f} s", "")]


def shorten(text: str) -> str:
    """A text that fits beside others in a row; digests keep their first digits."""
    short = _DIGEST.sub(r"\1...", text.partition("\n")[0])
    return short if len(short) <= _WIDEST else f"{short[: _WIDEST - 3]}..."


def users(tally: Tally, by_version: Mapping[str, tuple[int, int]]) -> list[Row]:
    """What users sent and lost, then who answered: requests and 5xx by version, users' and tests' alike."""
    kinds = ", ".join(f"{count} x {kind}" for kind, count in sorted(tally.answers.items()))
    rows: list[Row] = [("users", str(tally.sent), str(tally.lost), kinds or "none sent")]
    return [
        *rows,
        *((version, str(asked), str(failed), "answered") for version, (asked, failed) in by_version.items()),
    ]


def serving(places: Sequence[Serving]) -> list[Row]:
    """A row an environment."""
    return [(p.environment, p.version or "nothing", p.digest[:19], p.status, p.answer) for p in places]


def verdict(fault: Fault | None, code: int, target: str) -> str:
    """Whether it ended as it had to."""
    wanted = fault.exit_code if fault else 0
    name = f"with the fault {fault.name} " if fault else ""
    if code == wanted:
        meaning = f": {fault.ending(target)}" if fault else ""
        return f"The release {name}ended with exit code {code}, as it has to{meaning}."
    return f"The release {name}ended with exit code {code}; {wanted} was expected. What it said is above."


def next_steps(config: str, fault: Fault | None, target: str, *, builds: bool = True) -> Iterator[str]:
    """How to see more; faults in the image are for configs that build it from a Dockerfile."""
    able = [
        one.name for one in FAULTS.values() if target not in one.never_on and (builds or not in_image(one))
    ]
    others = [name for name in able if fault is None or name != fault.name]
    own = "" if config == DEFAULT_CONFIG else f" {config}"
    yield f"Try a failure next:    scripts/run rehearse{own} --fault {others[0]}"
    yield f"All of them:           scripts/run rehearse --list-faults   ({', '.join(others)})"
    yield f"Look around yourself:  scripts/run rehearse{own} --keep"


DEFAULT_CONFIG = "model-configs/iris-classifier.yaml"
"""What is rehearsed when nothing is named."""
