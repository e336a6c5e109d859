"""What one needs to look around in a rehearsal cloud that was kept: variables, profiles, commands to type."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping

from modelway.core.config import ModelConfig
from modelway.ports import Reporter
from modelway.rehearsal.grounds import ROLE
from modelway.rehearsal.launch import Cloud
from modelway.rehearsal.venue import open_venue


def profiles(config: ModelConfig, session: str) -> str:
    """An AWS config file with a profile for the registry's account and one for each environment.

    The aws command keeps assumed roles under ``~/.aws/cli/cache``, named by what the profile says: a
    ``session`` of this rehearsal's own keeps it from using the credentials of one that has ended.
    """
    places = {"registry": (config.registry.account, config.registry.region)}
    places |= {e.name: (e.account, e.region) for e in config.environments.values()}
    return "\n".join(
        f"[profile {name}]\n"
        f"role_arn = arn:aws:iam::{account}:role/{ROLE}\n"
        f"role_session_name = {session}\n"
        "credential_source = Environment\n"
        f"region = {region}\n"
        for name, (account, region) in places.items()
    )


def exports(variables: Mapping[str, str]) -> str:
    """Lines for a shell."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items()))


def commands(config: ModelConfig, endpoint: str) -> Iterator[str]:
    """What to type to see the image, what serves and the registry."""
    address = endpoint.removeprefix("http://")
    registry, last = config.registry, list(config.environments.values())[-1]
    path = f"{address}/{registry.account}/{registry.region}/{registry.repository}"
    yield f"aws --profile registry ecr describe-images --repository-name {registry.repository}"
    body = next((t.body for t in config.contract_tests if t.body), "{}")
    yield from open_venue(config, last).commands(body)
    yield (
        "aws --profile registry ecr get-login-password"
        f" | docker login --username AWS --password-stdin {address}"
    )
    yield f"docker pull {path}@<digest>"


def hand_over(reporter: Reporter, cloud: Cloud, config: ModelConfig) -> None:
    """Write the profiles; print the variables to standard output, and what to type beside it."""
    file = cloud.state / "aws-config"
    file.write_text(profiles(config, f"rehearsal-{cloud.variables['AWS_ACCESS_KEY_ID'][-8:]}"))
    variables = {
        **cloud.variables,
        "AWS_CONFIG_FILE": str(file),
        "NO_PROXY": "127.0.0.1,localhost",
        # The rehearsal's own advisories, so that modelway's verbs can scan here too.
        "MODELWAY_ADVISORIES": os.environ["MODELWAY_ADVISORIES"],
    }
    reporter.note("The rehearsal cloud stays up. To look around, give a shell these variables:")
    reporter.data(exports(variables))
    reporter.note("then, for example:")
    for command in commands(config, cloud.endpoint):
        reporter.note(f"  {command}")
    reporter.note("scripts/run rehearse --stop ends it and removes its containers and files.")
