"""Production's gate, all its steps, the registry on this machine: whole processes, imports included.

In seconds of processors, the best of five: on a busy machine those on the wall say nothing.

Beside it, where cosign 3 is at hand, what a person would run instead: three verifications of signatures, a
part of what the gate looks at.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from child import ran
from cloud import SCRIPT
from kept import CONFIG, Kept, kept
from measure import verdict

from modelway.core.cyclonedx import PREDICATE
from modelway.core.evidence import PROVENANCE, VERDICT
from modelway.core.passage import Step
from modelway.rehearsal import grounds

ROUNDS = 5


def main() -> int:
    """Measure, print, and say whether the claim holds."""
    with kept(2) as there:
        image = str(there.releases[-1])
        script = [SCRIPT, "gate", str(CONFIG), "-e", "production", "--image", image, "--format", "json"]
        told = json.loads(ran(script).output)
        best = min((ran(script) for _ in range(ROUNDS)), key=lambda one: one.processor)
        theirs = _cosign(there, image)
    for one in told["steps"]:
        print(f"  {one['step']}: {one['reason']}")
    print(f"best of {ROUNDS}: {best.seconds:.2f} s on the wall, {best.processor:.2f} s of processors")
    print(
        f"cosign verify-attestation three times: {theirs:.2f} s" if theirs else "no cosign 3 to compare with"
    )
    claims = [
        verdict("production's gate", best.processor, at_most=1.5, unit="s"),
        verdict("steps it left out", len(Step) - len(told["steps"]), at_most=0, unit="x"),
    ]
    return 0 if all(claims) else 1


def _cosign(there: Kept, image: str) -> float:
    """Three verifications one after the other, best of the rounds; 0 without cosign 3."""
    old = (b"v1.", b"v2.")  # Debian's build of version 3 does not know its own
    if not shutil.which("cosign") or any(each in ran(["cosign", "version"]).output for each in old):
        return 0
    asked = (("build", PROVENANCE), ("build", PREDICATE), ("staging", VERDICT))
    program = [
        "cosign",
        "verify-attestation",
        "--insecure-ignore-tlog=true",
        "--allow-insecure-registry",
        image,
    ]
    commands = [
        [*program, "--key", str(there.keys[who].with_suffix(".pub")), "--type", kind] for who, kind in asked
    ]
    with TemporaryDirectory() as folder:
        login = _docker_login(Path(folder), image)
        return min(sum(ran(command, login).seconds for command in commands) for _ in range(ROUNDS))


def _docker_login(folder: Path, image: str) -> Mapping[str, str]:
    """What ``docker login`` would keep for the image's registry, and where clients look for it."""
    address, account, region, *_ = image.split("/")
    told = grounds.account(account, region).client("ecr").get_authorization_token()["authorizationData"][0]
    logins = {"auths": {address: {"auth": told["authorizationToken"]}}}
    (folder / "config.json").write_text(json.dumps(logins), encoding="utf-8")
    return {"DOCKER_CONFIG": str(folder)}


if __name__ == "__main__":
    sys.exit(main())
