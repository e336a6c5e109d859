"""What BuildKit's words mean: real output of both command lines, shortened."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from modelway.adapters.buildkit_log import Progress
from modelway.errors import Failure, Malformed, Unavailable

OLD_RUN = """\
#5 [1/2] FROM docker.io/library/base:1
#5 sha256:91c6f3596d2f0f80bc9931e0634ac34ae75fc8b320e6d840aeea8c969594eaed
#5 DONE 0.0s

#4 [2/2] RUN make model
#4 0.166 make: *** No rule to make target 'model'.  Stop.
#4 ERROR: executor failed running [/bin/sh -c make model]: exit code: 2
------
 > [2/2] RUN make model:
------
executor failed running [/bin/sh -c make model]: exit code: 2
"""
NEW_RUN = """\
#7 [packages 4/4] RUN pip install -r /tmp/requirements.txt
#7 2.310 ERROR: No matching distribution found for nosuch==9
#7 ERROR: process "/bin/sh -c pip install" did not complete successfully: exit code: 1
ERROR: failed to solve: process "/bin/sh -c pip install" did not complete successfully: exit code: 1
"""
LOOKUP = """\
#3 [internal] load metadata for nosuch.invalid/x:1
#3 ERROR: failed to do request: Head "https://nosuch.invalid/v2/x/manifests/1": dial tcp: no such host
failed to create LLB definition: failed to do request: no such host
"""
IN_RUN = """\
#7 [2/2] RUN pip install x
#7 9.1 {said}
#7 ERROR: executor failed running [/bin/sh -c pip install x]: exit code: 1
executor failed running [/bin/sh -c pip install x]: exit code: 1
"""

CASES: Mapping[str, tuple[str, type[Failure], str, str]] = {
    "a command fails": (
        OLD_RUN,
        Malformed,
        "the build failed in [2/2] RUN make model",
        "No rule to make target",
    ),
    "a command fails, newer words": (
        NEW_RUN,
        Malformed,
        "[packages 4/4] RUN pip",
        "No matching distribution",
    ),
    "a file is not there": (
        '#6 [2/2] COPY nosuch /\n#6 ERROR: "/nosuch" not found: not found\n'
        'failed to compute cache key: "/nosuch" not found: not found\n',
        Malformed,
        "[2/2] COPY nosuch /",
        '"/nosuch" not found',
    ),
    "the Dockerfile cannot be read": (
        "dockerfile parse error line 2: unknown instruction: RUM\n",
        Malformed,
        "the Dockerfile cannot be built",
        "line 2: unknown instruction: RUM",
    ),
    "a registry is out of reach": (LOOKUP, Unavailable, "a registry could not be reached", "no such host"),
    "a base is private": (
        "ERROR: failed to solve: x/y:1: pull access denied, it does not exist or wants authorization\n",
        Unavailable,
        "a base image may not be pulled",
        "pull access denied",
    ),
    "no engine": (
        "failed to dial gRPC: cannot connect to the Docker daemon\n",
        Unavailable,
        "the Docker engine does not answer",
        "",
    ),
    "full": ("write /var/lib/x: no space left on device\n", Unavailable, "the disk is full", ""),
    "offline in a command": (
        IN_RUN.format(said="NewConnectionError: Temporary failure in name resolution"),
        Unavailable,
        "could not reach the network in [2/2] RUN pip install x",
        "Temporary failure",
    ),
    "a certificate in a command": (
        IN_RUN.format(said="SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))"),
        Unavailable,
        "could not verify a server's certificate",
        "CERTIFICATE_VERIFY_FAILED",
    ),
}


@pytest.mark.parametrize(("said", "kind", "what", "seen"), CASES.values(), ids=CASES.keys())
def test_failures(said: str, kind: type[Failure], what: str, seen: str) -> None:
    progress = Progress()
    for line in said.splitlines():
        progress.read(line)
    failure = progress.failure()
    assert type(failure) is kind
    assert what in failure.what
    assert seen in failure.seen
    assert failure.cure


def test_only_the_last_twenty_lines_of_the_failing_step_are_told() -> None:
    progress = Progress()
    progress.read("#1 [1/1] RUN x")
    for number in range(50):
        progress.read(f"#1 0.{number} line {number}")
        progress.read(f"#2 0.{number} of another step")
    progress.read("#1 ERROR: executor failed running [x]: exit code: 1")
    progress.read("executor failed running [x]: exit code: 1")
    seen = progress.failure().seen.splitlines()
    assert len(seen) == 20
    assert seen[-2:] == ["line 49", "executor failed running [x]: exit code: 1"]


def test_the_current_step_is_told_on_one_line() -> None:
    progress = Progress()
    progress.read("#4 [2/2] RUN a     &&   " + "b" * 200)
    assert progress.current.startswith("[2/2] RUN a && b")
    assert len(progress.current) == 100
