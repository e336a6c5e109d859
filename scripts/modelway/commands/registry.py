"""Keep what runs: check the repository's lifecycle policy against it, or plan and remove what nobody needs.

  check   preview the lifecycle policy that is there, or one in a file, against what every environment of
          every config that shares the repository runs or may go back to; the lifecycle rules of the buckets
          with model artifacts, too. Exit 5 where one would take what is needed, or archive it, or where it
          lies in ECR's archive already: nothing is pulled from there.
  prune   list this model's images and model artifacts that no environment needs, how many bytes they
          have, and what is kept and why. Reads only; with --apply, what was listed is deleted, but for what
          became needed meanwhile.

What is needed is read back from the environments: every version that still stands there, and every image
their platforms say they run. Where one of them cannot be looked at, nothing is deleted. Of this model are
images whose provenance says so; the newest registry.keep_releases of them stay, and so does what is younger
than a day, or than --older-than says. Evidence stays and goes with its image. Only the role
registry.prune_role may delete.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

from modelway import registry_guard
from modelway.commands import options as shared
from modelway.core import duration
from modelway.core.access import pruning, reading
from modelway.core.config import ModelConfig
from modelway.core.json import Json, JsonObject
from modelway.core.lifecycle import Stored
from modelway.core.stock import YOUNG, Danger, Fate, Ruling, Use, archived, still
from modelway.core.weights import Copy, Decision, Expiry
from modelway.errors import Differs, Malformed
from modelway.ports import Shelf, World

Taken: TypeAlias = "tuple[Copy, Expiry, str]"
Kept: TypeAlias = "tuple[tuple[Decision, Shelf], ...]"
_SHOWN = 19
"""Characters of a digest that people are shown: ``sha256:`` and 12 digits."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|prune")
    check = actions.add_parser("check", help="would a lifecycle policy take what is needed? reads only")
    prune = actions.add_parser("prune", help="list what nobody needs; with --apply, delete it")
    for action in (check, prune):
        shared.config(action)
        action.add_argument(
            "--also",
            action="append",
            default=[],
            metavar="PATH",
            help="configs outside model-configs/ that share the repository; may be given several times",
        )
        shared.formats(action)
    check.add_argument(
        "--lifecycle", metavar="FILE", help="a policy's JSON, instead of the one the repository has"
    )
    prune.add_argument(
        "--older-than",
        default=duration.words(YOUNG),
        metavar="AGE",
        help=f"what is younger stays, for it may be on its way: 12h, 7d ({duration.words(YOUNG)})",
    )
    prune.add_argument("--apply", action="store_true", help="delete what is listed")


def run(options: argparse.Namespace, world: World) -> None:
    """Check or prune; what is given is read before anybody is asked for anything."""
    check = options.action == "check"
    policy = _file(Path(options.lifecycle)) if check and options.lifecycle else None
    young = YOUNG if check else _age(options.older_than)
    config = shared.load(options, world)
    configs = registry_guard.sharing(world, config, options.also)
    with world.reporter.stage(f"What runs of {config.registry.repository}"):
        needed = registry_guard.uses(world, configs)
    if check:
        _check(options, world, config, needed, policy)
    else:
        _prune(options, world, config, configs, needed, young)


# --- check ---


def _check(
    options: argparse.Namespace,
    world: World,
    config: ModelConfig,
    needed: Sequence[Use],
    given: JsonObject | None,
) -> None:
    """Say what a policy endangers, the one given or the one there; raises ``Differs`` where it does."""
    stock = world.stock(reading(config).registry)
    policy = stock.lifecycle() if given is None else given
    found = registry_guard.dangers(world, config, policy, needed) if policy else ()
    taken = registry_guard.dangers_to_weights(world, config, needed)
    stored = stock.stored()
    away = archived(stored, needed)
    _warn(world, config, stored, needed)
    images = {digest for use in needed for digest in use.images}
    if options.format == "json":
        world.reporter.data(json.dumps(_checked(images, (*found, *away), taken)))
    world.reporter.output("endangered", "true" if found or taken or away else "false")
    if away:
        raise _away(config, away)
    if found:
        raise _refused(options.lifecycle or "", config, found)
    if taken:
        raise _refused_weights(taken)
    named = f"the policy of {options.lifecycle}" if options.lifecycle else "the lifecycle policy"
    said = f"{named} takes none of {len(images)} images in use" if policy else "there is no lifecycle policy"
    if options.format == "text":
        world.reporter.data(f"{config.registry.repository}: {said}")


def _warn(world: World, config: ModelConfig, stored: Sequence[Stored], needed: Sequence[Use]) -> None:
    """Tell what is needed and not kept, or not there any more."""
    for digest, why in registry_guard.unmarked(stored, needed):
        world.reporter.warn(
            f"no tag keeps {digest}, which is needed: {why}. Deploy that version again: it is tagged."
        )
    for digest, why in registry_guard.missing(stored, needed):
        world.reporter.warn(
            f"{digest} is needed and is not in {config.registry.repository}: {why}. Push it again from what "
            "built it, and look who deleted it; or release another version. If the model moved here from "
            "another repository, keep that one until no version of it stands any more."
        )
    for uri, why in registry_guard.missing_weights(world, config, needed):
        world.reporter.warn(
            f"{uri} is not there, the weights of what is needed: {why}. The next instance cannot load them: "
            "take the delete marker off, or copy them there again (aws s3 cp), and look who deleted them; if "
            "the bucket was another one before, keep that until no version of it stands any more."
        )


def _file(path: Path) -> JsonObject:
    """A policy in a file."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Malformed(
            f"{path} holds no lifecycle policy", seen=str(error), cure="Name a JSON file."
        ) from error
    if not isinstance(read, dict) or "rules" not in read:
        raise Malformed(f"{path} holds no lifecycle policy", cure='It begins as {"rules": [')
    parsed: JsonObject = read
    return parsed


def _refused(file: str, config: ModelConfig, found: Sequence[Danger]) -> Differs:
    """The refusal, each danger on a line."""
    verb = "archive" if all(one.archives for one in found) else "delete"
    what = f"{file or 'the lifecycle policy'} would {verb} what is needed of {config.registry.repository}"
    seen = registry_guard.told(found)
    cure = (
        "Put a rule before it that keeps env-*: tagPrefixList [env-], imageCountMoreThan 9999; "
        "scripts/run push sets modelway's own policy, which has it."
    )
    return Differs(what, seen=seen, cure=cure)


def _away(config: ModelConfig, found: Sequence[Danger]) -> Differs:
    """What is needed cannot be pulled as it is."""
    spec = config.registry
    what = f"what is needed of {spec.repository} lies in the archive, from where nothing can be pulled"
    cure = (
        f"Restore each, in up to 20 minutes: aws ecr update-image-storage-class --region {spec.region}"
        f" --repository-name {spec.repository} --target-storage-class STANDARD --image-id imageDigest=..."
    )
    return Differs(what, seen=registry_guard.told(found), cure=cure)


def _refused_weights(taken: Sequence[Taken]) -> Differs:
    """The refusal of a bucket's rules."""
    what = f"a lifecycle rule of {taken[0][0].bucket} would take model artifacts that are needed"
    seen = "\n".join(f"rule {rule.name} would {rule.does} {copy}: {why}" for copy, rule, why in taken)
    cure = "Take the model's prefix out of the rule: scripts/run registry prune deletes what nobody needs."
    return Differs(what, seen=seen, cure=cure)


def _checked(images: Iterable[object], found: Iterable[Danger], taken: Iterable[Taken]) -> JsonObject:
    dangers: list[Json] = [
        {"digest": str(one.digest), "rule": one.rule, "needed_by": one.why} for one in found
    ]
    dangers += [{"artifact": str(copy), "rule": rule.name, "needed_by": why} for copy, rule, why in taken]
    return {"images_in_use": sorted(map(str, images)), "endangered": dangers}


# --- prune ---


def _prune(  # noqa: PLR0913, PLR0917  (all that it depends on)
    options: argparse.Namespace,
    world: World,
    config: ModelConfig,
    configs: Sequence[ModelConfig],
    needed: tuple[Use, ...],
    young: timedelta,
) -> None:
    """List, and delete what is asked to."""
    planned = registry_guard.rulings(world, config, needed, young)
    copies = registry_guard.decisions(world, config, needed, young)
    deleted = _apply(world, config, configs, planned, copies, young) if options.apply else ()
    if options.format == "json":
        told = [_json(ruling, deleted=ruling.group.digests in _digests(deleted)) for ruling in planned]
        world.reporter.data(json.dumps({"images": told, "artifacts": [_copy_json(one) for one, _ in copies]}))
    else:
        for ruling in planned:
            world.reporter.data(_line(ruling))
        for decision, _ in copies:
            world.reporter.data(_copy_line(decision))
    going = deleted if options.apply else tuple(each for each in planned if each.fate is Fate.GOES)
    size = sum(each.group.size for each in going)
    verb = "deleted" if options.apply else "would go"
    count = len(going)
    world.reporter.note(
        f"{count} images of {config.name} {verb}: {_bytes(size)}; {len(planned) - count} stay"
    )
    if artifacts := [one.copy for one, _ in copies if one.goes]:
        freed = _bytes(sum(copy.size for copy in artifacts))
        world.reporter.note(f"{len(artifacts)} model artifacts {verb}: {freed}")
    world.reporter.output("images", str(count))
    world.reporter.output("artifacts", str(len(artifacts)))
    world.reporter.output("bytes", str(size))
    if (going or artifacts) and not options.apply:
        world.reporter.note(f"To delete them: scripts/run registry prune {options.config} --apply")


def _age(text: str) -> timedelta:
    """How old what may go has to be."""
    try:
        return duration.parse(text)
    except ValueError as error:
        what = f"--older-than {text} is no age"
        raise Malformed(what, cure="Give a number and s, m, h or d: 12h, 7d.") from error


def _apply(  # noqa: PLR0913, PLR0917  (all that a deletion depends on)
    world: World,
    config: ModelConfig,
    configs: Sequence[ModelConfig],
    planned: Sequence[Ruling],
    copies: Kept,
    young: timedelta,
) -> tuple[Ruling, ...]:
    """Look again at everything, and delete what was planned and may still go."""
    needed = registry_guard.uses(world, configs)
    _delete_copies(world, copies, registry_guard.weights(config, needed))
    now = registry_guard.rulings(world, config, needed, young)
    going, spared = still(planned, now)
    for ruling in spared:
        world.reporter.warn(f"not deleted: {ruling.group.lead.digest} has changed, or is needed by now")
    stock = world.stock(pruning(config).registry)
    for ruling in going:
        for step in ruling.group.order:
            stock.delete(step)
        world.reporter.progress(f"deleted {ruling.group.lead.digest}")
    if tags := [tag for ruling in now if ruling.fate is Fate.KEPT for tag in ruling.untag]:
        stock.untag(tags)
    return going


def _delete_copies(world: World, copies: Kept, needed: Collection[str]) -> None:
    """Delete the copies that were planned to go, but for those needed by now and those of others."""
    for decision, shelf in copies:
        copy = decision.copy
        if decision.goes and copy.sha256 in needed:
            world.reporter.warn(f"not deleted: {copy} is needed by now")
        elif decision.goes and not shelf.delete(copy):
            world.reporter.warn(f"not deleted: {copy} was not written by modelway")


def _digests(rulings: Iterable[Ruling]) -> set[frozenset[object]]:
    return {frozenset(each.group.digests) for each in rulings}


def _line(ruling: Ruling) -> str:
    """An image on a line."""
    group = ruling.group
    word = "goes " if ruling.fate is Fate.GOES else "stays"
    tags = f" ({', '.join(group.tags)})" if group.tags else ""
    less = f"; loses {', '.join(ruling.untag)}" if ruling.untag else ""
    more = f" and {len(group.members) - 1} attached" if len(group.members) > 1 else ""
    return f"{word} {str(group.lead.digest)[:_SHOWN]}{tags}{more}, {_bytes(group.size)}: {ruling.why}{less}"


def _json(ruling: Ruling, *, deleted: bool) -> JsonObject:
    group = ruling.group
    return {
        "digest": str(group.lead.digest),
        "members": sorted(map(str, group.digests)),
        "tags": list(group.tags),
        "bytes": group.size,
        "pushed": group.lead.pushed.isoformat(),
        "goes": ruling.fate is Fate.GOES,
        "deleted": deleted,
        "why": ruling.why,
        "untag": list(ruling.untag),
    }


def _copy_line(decision: Decision) -> str:
    """A model artifact on a line."""
    word, copy = "goes " if decision.goes else "stays", decision.copy
    return f"{word} {copy} (version {copy.version}), {_bytes(copy.size)}: {decision.why}"


def _copy_json(decision: Decision) -> JsonObject:
    copy = decision.copy
    return {
        "uri": str(copy),
        "version": copy.version,
        "bytes": copy.size,
        "goes": decision.goes,
        "why": decision.why,
    }


def _bytes(size: int) -> str:
    """Bytes as people read them."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:  # noqa: PLR2004 - SI
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
