"""What ``doctor`` looks at of an emergency's role: there, its own, and closed to every ordinary job."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial

from modelway.adapters import aws
from modelway.adapters.examine_aws import Look, read
from modelway.core import glass
from modelway.core.access import glass_environment
from modelway.core.config import Environment, ModelConfig
from modelway.core.diagnosis import Diagnosis, Examination, missing, ok
from modelway.core.json import JsonObject
from modelway.core.naming import role_arn


def examinations(configs: Sequence[ModelConfig], look: Look) -> Iterator[Examination]:
    """Of each environment that has one, against the other roles of its config."""
    for config in configs:
        for place in config.environments.values():
            if place.break_glass_role:
                yield Examination(
                    area=f"{place.name} ({place.account})",
                    subject=f"break-glass role {place.break_glass_role} of {config.name}",
                    look=partial(_role, look, config, place, place.break_glass_role),
                )


def _role(look: Look, config: ModelConfig, place: Environment, role: str) -> Diagnosis:
    """It is not assumed to look: nobody but an emergency may."""
    if key := glass.shared(config, place):
        cure = f"name another in environments.{place.name}.break_glass_role, which no ordinary job may assume"
        return missing(f"{key} names the same role: every ordinary release could break the glass", cure)
    session, arn = look.place(place), role_arn(role, place.account, place.region)
    client = look.making(lambda: session.client("iam", config=aws.patient()))
    found = read(
        f"look at the role {role}",
        "iam",
        lambda: client.get_role(RoleName=role),
        none=frozenset({"NoSuchEntity", "NoSuchEntityException"}),
    )
    made = f"scripts/run iam --format cloudformation, applied in {place.account}"
    if found is None:
        return missing(f"{arn} does not exist: nobody can break the glass", made)
    told = found["Role"].get("AssumeRolePolicyDocument", "{}")
    policy: JsonObject = json.loads(told if isinstance(told, str) else json.dumps(told))
    if strangers := glass.open_to(policy, config, place):
        seen = f"it may be assumed by {'; '.join(strangers)}"
        wanted = f"only jobs of the environment {glass_environment(place.name)} may: {made}"
        return missing(seen, wanted)
    if not glass.lets_in(policy):
        return missing("nobody may assume it: neither jobs of GitHub's nor people", made)
    return ok(f"{arn}, closed to ordinary jobs")
