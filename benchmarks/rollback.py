"""Rolling back on Lambda: how long the command takes, how soon traffic is back, against the aws command.

The alternative is what a person types who knows the old version's number: get-alias, then update-alias.
It asks no tests, withdraws nothing and remembers nothing.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from statistics import median

from cloud import REHEARSAL, SCRIPT, Released, released
from measure import verdict

CONFIG = str(REHEARSAL / "work" / "released" / "iris-lambda.yaml")
FUNCTION = "iris-lambda-production"
_OURS = [SCRIPT]
ROUNDS = 5


def main() -> int:
    """Measure, print, and say whether the claims hold."""
    if shutil.which("aws") is None:
        print("skipped: there is no aws command to compare with")
        return 0
    with released("--target", "lambda") as there:
        versions, keys = _versions(there), _keys(there)
        whole, until, by_hand = [], [], []
        for number in range(ROUNDS + 1):
            by_hand.append(_by_hand(there, keys))
            goal, place = versions[number % 2], ["-e", "production"]
            there.read([*_OURS, "reinstate", CONFIG, goal, *place, "--reason", "bench"])
            before, began, clock = there.last_call(), time.time(), time.perf_counter()
            there.read([*_OURS, "rollback", CONFIG, *place, "--to", goal])
            whole.append(time.perf_counter() - clock)
            until.append(there.when("UpdateAlias", before) - began)
    seconds, back, ours = median(whole[1:]), median(until[1:]), median(by_hand[1:])
    print(f"median of {ROUNDS}: command {seconds:.2f} s, traffic back after {back:.2f} s; aws {ours:.2f} s")
    claims = [
        verdict("a rollback on Lambda, its contract tests included", seconds, at_most=2, unit="s"),
        verdict("until the traffic is back, against get-alias and update-alias", back / ours, at_most=1),
    ]
    return 0 if all(claims) else 1


def _versions(there: Released) -> tuple[str, str]:
    """The version before the one that serves, and the one that serves: both passed."""
    place = json.loads(there.read([*_OURS, "status", CONFIG, "--format", "json"]))["production"]
    serving = str(place["serving"])
    [other] = [str(each["id"]) for each in place["versions"] if each["id"] != serving]
    return other, serving


def _by_hand(there: Released, keys: Mapping[str, str]) -> float:
    """The two commands, moving the alias to where it points already."""
    began = time.perf_counter()
    alias = ["--function-name", FUNCTION, "--name", "live"]
    seen = json.loads(there.read(["aws", "lambda", "get-alias", *alias], **keys))
    move = ["--function-version", seen["FunctionVersion"], "--revision-id", seen["RevisionId"]]
    there.read(["aws", "lambda", "update-alias", *alias, *move], **keys)
    return time.perf_counter() - began


def _keys(there: Released) -> Mapping[str, str]:
    """Credentials in the production account, which the person has already."""
    role = "arn:aws:iam::222222222222:role/rehearsal"
    asked = ["aws", "sts", "assume-role", "--role-arn", role, "--role-session-name", "bench"]
    given = json.loads(there.read(asked))["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


if __name__ == "__main__":
    raise SystemExit(main())
