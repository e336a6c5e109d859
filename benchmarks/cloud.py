"""A rehearsal cloud that stays up for a benchmark, with a release in it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelway.core.json import Json
from modelway.rehearsal import launch

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = str(ROOT / "scripts" / "run")
REHEARSAL = ROOT / ".modelway" / "rehearsal"
CONFIG = REHEARSAL / "work" / "released" / "iris-classifier.yaml"
_READS = (
    "Describe",
    "Get",
    "List",
    "Head",
    "BatchGet",
    "BatchCheck",
    "AssumeRole",
    "Filter",
    "InvokeEndpoint",
)


@dataclass(frozen=True, slots=True)
class Released:
    """What a rehearsal left standing."""

    cloud: launch.Cloud

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables with which a client reaches it."""
        own = {"MODELWAY_ADVISORIES": str(REHEARSAL / "work" / "advisories.sqlite")}
        return {**self.cloud.environment(os.environ), **own}

    def last_call(self) -> int:
        """The number of the latest AWS call."""
        return max((int(str(call["number"])) for call in self._calls(0)), default=0)

    def writes(self, after: int) -> list[str]:
        """AWS calls since then that could change something."""
        operations = [str(call["operation"]) for call in self._calls(after)]
        return [name for name in operations if not name.startswith(_READS)]

    def when(self, operation: str, after: int) -> float:
        """When the first such call since then was answered, in seconds since 1970."""
        return next(float(str(c["time"])) for c in self._calls(after) if c["operation"] == operation)

    def read(self, argv: Sequence[str], **variables: str) -> str:
        """What a program that has to succeed says, as a client of the cloud."""
        environment = {**self.environment, **variables}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr}"
            raise SystemExit(message)
        return done.stdout

    def _calls(self, after: int) -> list[Mapping[str, Json]]:
        calls = self.cloud.control(f"calls?after={after}")
        return [call for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []


@contextmanager
def released(*options: str) -> Iterator[Released]:
    """Rehearse a release with these options, keep its cloud, and remove it in the end."""
    subprocess.run([SCRIPT, "rehearse", "--stop"], check=True, capture_output=True)
    subprocess.run([SCRIPT, "rehearse", "--keep", *options], check=True, stdout=subprocess.DEVNULL)
    try:
        cloud = launch.find(REHEARSAL / "cloud")
        if cloud is None:
            message = "the rehearsal cloud did not stay up"
            raise SystemExit(message)
        yield Released(cloud)
    finally:
        subprocess.run([SCRIPT, "rehearse", "--stop"], check=True, capture_output=True)
