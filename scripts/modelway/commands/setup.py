"""Make modelway's environment, and say which role a job of a workflow is to assume.

`scripts/run` makes the environment by being called at all. With CONFIG, what a workflow asks of it is told:
the model, and with --access the account, region and role of that access, so that no workflow needs a list
of roles:

  build   look in the registry       push     push to the registry
  plan    look at an environment     deploy   change an environment
  prune   see what runs, and delete images and model artifacts nobody needs
  break-glass   change an environment in an emergency, past its gate's policy
"""

from __future__ import annotations

import argparse
import platform

from modelway.commands import options as shared
from modelway.core.config import Environment, ModelConfig
from modelway.core.json import canonical
from modelway.core.naming import role_arn
from modelway.errors import Malformed
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", nargs="?", metavar="CONFIG", help="the model's config")
    parser.add_argument(
        "--access",
        choices=("build", "push", "plan", "deploy", "break-glass", "retire", "prune"),
        help="what the job is going to do",
    )
    parser.add_argument(
        "-e", "--environment", metavar="NAME", help="where; without it, the last of the config's environments"
    )
    shared.formats(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Say it."""
    world.reporter.note(f"Python {platform.python_version()} on {platform.machine()}")
    if not options.config:
        if options.access:
            cure = "name the model's config: model-configs/<name>.yaml"
            raise Malformed("--access needs a config", cure=cure)
        return
    config = shared.load(options, world)
    place = _place(config, options.environment)
    told = {
        "model": config.name,
        "environment": place.name,
        "promote_from": place.promote_from or "",
        "artifact": "true" if config.artifact else "false",
    }
    if options.access:
        account, region, role = _access(config, place, options.access)
        told |= {"account": account, "region": region, "role": role_arn(role, account, region)}
    for name, value in told.items():
        world.reporter.output(name, value)
    world.reporter.data(canonical(told) if options.format == "json" else told.get("role", config.name))


def _access(config: ModelConfig, place: Environment, access: str) -> tuple[str, str, str]:
    """Account, region and role."""
    spec = config.registry
    match access:
        case "build":
            return spec.account, spec.region, spec.read_role
        case "prune":
            return spec.account, spec.region, spec.prune_role
        case "push":
            return spec.account, spec.region, spec.push_role
        case "break-glass":
            return place.account, place.region, shared.glass_role(config, place)
        case _:
            roles = {"deploy": place.deploy_role, "retire": place.retire_role}
            return place.account, place.region, roles.get(access, place.plan_role)


def _place(config: ModelConfig, name: str | None) -> Environment:
    """The environment; without a name the last, from which those before it can be looked at."""
    name = name or list(config.environments)[-1]
    if name not in config.environments:
        known = ", ".join(config.environments)
        what = f"{config.name} has no environment {name!r}"
        raise Malformed(what, seen=f"It has: {known}.", cure=f"Use --environment with one of: {known}")
    return config.environments[name]
