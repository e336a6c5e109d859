"""Options several commands share, and reading what they mean."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.core import duration, glass
from modelway.core.access import breaking, reading
from modelway.core.config import Environment, ModelConfig
from modelway.core.image import Digest, Image
from modelway.core.version import VersionId
from modelway.errors import Malformed, NotAllowed
from modelway.ports import World

if TYPE_CHECKING:
    from modelway.core.planfile import PlanFile
    from modelway.delivery import Delivery, Manner

_REASON = 10
"""Characters a reason for an emergency has at least."""


def config(parser: argparse.ArgumentParser) -> None:
    """The model's config file."""
    parser.add_argument("config", metavar="CONFIG", help="the model's config, model-configs/<name>.yaml")


def environment(parser: argparse.ArgumentParser) -> None:
    """One of the config's environments."""
    parser.add_argument(
        "-e", "--environment", required=True, metavar="NAME", help="one of the config's environments"
    )


def image(parser: argparse.ArgumentParser) -> None:
    """The image to deploy."""
    parser.add_argument(
        "--image",
        metavar="[REPOSITORY@]DIGEST",
        help="the image, or only its digest in the config's repository; without it, the one pushed for the "
        "files as they are here",
    )


def formats(parser: argparse.ArgumentParser) -> None:
    """Text or JSON on standard output."""
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="text for people, json for programs"
    )


def manner(parser: argparse.ArgumentParser, *, plan: bool = True) -> None:
    """How a release is carried out."""
    if plan:
        parser.add_argument(
            "--plan", metavar="FILE", help="do only what this plan lists, or stop; from `plan --out`"
        )
    parser.add_argument("--retry", action="store_true", help="open another attempt of a version that failed")
    parser.add_argument(
        "--release", default="", metavar="NAME", help="the release's name, as 1.4.0; without it, the commit"
    )
    parser.add_argument(
        "--hotfix",
        action="store_true",
        help="go out although a higher semantic version was attempted there",
    )
    parser.add_argument(
        "--max-wait",
        metavar="DURATION",
        help="leave a change that takes longer, as 50m, to the next run (exit 11); 0s only starts it",
    )


def way(parser: argparse.ArgumentParser) -> None:
    """What a person decides while a release is under way."""
    parser.add_argument(
        "--continue",
        dest="go_on",
        action="store_true",
        help="go on where rollout.pause waits for a person; without it, a release that waits goes on waiting",
    )
    parser.add_argument(
        "--skip-bake",
        action="store_true",
        help="no bake_time and no analysis this time, also of a release under way, unless the platform keeps "
        "its clock",
    )


def break_glass(parser: argparse.ArgumentParser) -> None:
    """For emergencies."""
    parser.add_argument(
        "--break-glass",
        metavar="REASON",
        help="an emergency: pass over what the gate's policy refuses, by environments.*.break_glass_role "
        "only; never over the digest, nor over forged evidence; who did it and why is signed and shown ever "
        "after",
    )


def broken(options: argparse.Namespace, world: World) -> Delivery:
    """The way in for whoever breaks the glass: by its own role, and by no other."""
    from modelway.delivery import Delivery  # noqa: PLC0415 - as below

    chosen = delivery(options, world)
    role = glass_role(chosen.config, chosen.environment)
    config_ = breaking(chosen.config, chosen.environment, role)
    acting = world.acting(config_, config_.environments[chosen.environment.name])
    world.reporter.warn(f"BREAK-GLASS: acting by {acting}")
    return Delivery.open(world, config_, chosen.environment.name)


def glass_reason(text: str | None) -> str:
    """Why the glass is broken, on one line; empty where it stays whole; ``Malformed`` for no reason."""
    if text is None:
        return ""
    reason = " ".join(text.split())
    if len(reason) < _REASON:
        cure = f"Say what happened, in at least {_REASON} characters: everybody who looks will read it."
        raise Malformed(f"--break-glass needs a reason, not {text!r}", cure=cure)
    return reason


def chosen_manner(options: argparse.Namespace) -> Manner:
    """How the release is to be carried out; raises ``Malformed``."""
    from modelway.delivery import Manner  # noqa: PLC0415 - as below

    try:
        wait = duration.parse(options.max_wait).total_seconds() if options.max_wait else None
    except ValueError as error:
        raise Malformed(f"--max-wait: {error}", cure="Write a number and a unit: 90s, 50m, 2h.") from error
    return Manner(
        approved=plan_file(getattr(options, "plan", None)),
        retry=options.retry,
        release=options.release,
        hotfix=options.hotfix,
        patience=wait,
        go_on=getattr(options, "go_on", False),
        skip_bake=getattr(options, "skip_bake", False),
        glass=glass_reason(getattr(options, "break_glass", None)),
    )


def load(options: argparse.Namespace, world: World) -> ModelConfig:
    """The config named on the command line; raises ``Malformed`` with every problem."""
    return world.configs.load(Path(options.config))


def known_environment(config_: ModelConfig, name: str, option: str) -> None:
    """Raise ``Malformed`` for an environment the config does not have."""
    if name not in config_.environments:
        known = ", ".join(config_.environments)
        what = f"{option}: {config_.name} has no environment {name!r}"
        raise Malformed(what, seen=f"It has: {known}.", cure=f"Name one of: {known}")


def delivery(options: argparse.Namespace, world: World) -> Delivery:
    """The config's way into the environment named on the command line."""
    from modelway.delivery import Delivery  # noqa: PLC0415 - 25 modules, and most commands deliver nothing

    _given_image(options)
    return Delivery.open(world, load(options, world), options.environment)


def reading_delivery(options: argparse.Namespace, world: World) -> Delivery:
    """The same, with roles that cannot change anything."""
    from modelway.delivery import Delivery  # noqa: PLC0415 - as above

    _given_image(options)
    return Delivery.open(world, reading(load(options, world)), options.environment)


def chosen_image(options: argparse.Namespace, world: World, config_: ModelConfig) -> Image:
    """``--image``, else what was pushed for the build inputs as they are here."""
    given = _given_image(options)
    if isinstance(given, Digest):
        return Image(world.registry(reading(config_).registry).repository, given)
    if given:
        return given
    from modelway.commands.build import pushed_image  # noqa: PLC0415 - build's imports cost time

    found = pushed_image(world, config_)
    if found is None:
        what = f"no image was pushed for {config_.name} as it is here"
        raise Malformed(what, cure=f"Build and push it first: scripts/run release {options.config}")
    return found


def _given_image(options: argparse.Namespace) -> Digest | Image | None:
    """What ``--image`` names; raises ``Malformed`` for a tag, before anybody is asked for anything."""
    text = getattr(options, "image", None)
    if not text:
        return None
    try:
        return Image.parse(text) if "@" in text else Digest.parse(text)
    except ValueError as error:
        cure = "Give repository@sha256:..., as `push` prints it, or sha256:... alone; tags can move."
        raise Malformed(f"--image: {error}", cure=cure) from error


def glass_role(config_: ModelConfig, place: Environment) -> str:
    """The role an emergency acts by; raises ``NotAllowed`` where the environment has none."""
    if place.break_glass_role is None:
        what = f"{config_.name} allows no break-glass in {place.name}"
        seen = f"environments.{place.name}.break_glass_role is not set."
        cure = (
            "Release it through the gate. To allow emergencies, name a role there on the default branch, "
            "make it with scripts/run iam, and give its GitHub environment reviewers."
        )
        raise NotAllowed(what, seen=seen, cure=cure)
    if key := glass.shared(config_, place):
        what = f"the break-glass role of {config_.name} in {place.name} is no role of its own"
        seen = f"{place.break_glass_role} is {key}, too: every job that has it could break the glass."
        cure = "Name another role there, on the default branch: scripts/run iam prints it."
        raise NotAllowed(what, seen=seen, cure=cure)
    return place.break_glass_role


def version_id(text: str, option: str) -> VersionId:
    """A version's id as people type it: twelve hex digits."""
    lowered = text.strip().lower()
    if len(lowered) != 12 or not all(c in "0123456789abcdef" for c in lowered):  # noqa: PLR2004
        cure = "Give the twelve hex digits `scripts/run status CONFIG` shows."
        raise Malformed(f"{option}: not a version's id: {text!r}", cure=cure)
    return VersionId(lowered)


def plan_file(path: str | None) -> PlanFile | None:
    """The plan file of ``--plan``."""
    from modelway.core.planfile import parse  # noqa: PLC0415 - as above

    if path is None:
        return None
    try:
        return parse(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Malformed(
            f"--plan: {path} cannot be read", seen=str(error), cure="Name the file `plan --out` wrote."
        ) from error
    except ValueError as error:
        cure = "Plan again: scripts/run plan CONFIG --environment NAME --out FILE"
        raise Malformed(f"--plan: {path}: {error}", cure=cure) from error
