"""Start a repository: a config, a workflow that calls modelway's, and the list of what to create once.

Writes model-configs/NAME.yaml (editors complete it by the schema beside it), .github/workflows/modelway.yml,
modelway-setup.md (AWS and GitHub, as commands), and, where the directory has no Dockerfile, a small container
that answers; with --policy, modelway-policy.yaml too. Asks nothing; what is not known is marked CHANGE ME.
Overwrites nothing without --force.

The schemas are copied to schemas/, so that editors find them without the network and without access to
modelway's repository; --schema names another place. `validate` always goes by its own.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import modelway
from modelway.core import starter, starter_targets
from modelway.core.starter import Start
from modelway.errors import Malformed, Unavailable
from modelway.ports import World

_SCHEMAS = Path(modelway.__file__).resolve().parents[2] / "schemas"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_ACCOUNT = re.compile(r"[0-9]{12}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/=+@-]{0,99}")
_DOCKERFILES = ("Dockerfile", "models/{name}/Dockerfile", "{name}/Dockerfile", "src/Dockerfile")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--name", help="the model's name; without it, the directory's")
    choices = starter_targets.TARGETS
    parser.add_argument(
        "--target", choices=choices, default=choices[0], help="what it is to run on (sagemaker)"
    )
    parser.add_argument("--directory", type=Path, default=Path(), help="the repository's root (.)")
    parser.add_argument("--owner", default="ml-platform", help="the team, a tag on all that is created")
    parser.add_argument("--region", default="eu-west-1", help="AWS region (eu-west-1)")
    for which in ("registry", "staging", "production"):
        parser.add_argument(f"--{which}-account", metavar="ID", help=f"AWS account of {which}, 12 digits")
    parser.add_argument("--repository", metavar="ORG/REPO", help="this repository; without it, origin's")
    parser.add_argument("--modelway", metavar="OWNER/REPO", help="where modelway's workflows are")
    parser.add_argument("--ref", metavar="SHA", help="modelway's commit, 40 hex digits")
    parser.add_argument("--release", metavar="vX.Y.Z", default="vX.Y.Z", help="the release that commit is")
    parser.add_argument("--schema", metavar="URL", help="for the completion line, in place of a copy")
    parser.add_argument(
        "--policy",
        action="store_true",
        help="write modelway-policy.yaml too, which binds all configs",
    )
    parser.add_argument("--force", action="store_true", help="overwrite what is there")


def run(options: argparse.Namespace, world: World) -> None:
    """Write what is not there; raises ``Malformed`` before anything is written where something is."""
    root: Path = options.directory
    if not root.is_dir():
        raise Malformed(f"{root} is not a directory", cure="make it, or name another with --directory.")
    start = _start(options, world, root)
    made = dict(starter.files(start))
    if not options.schema:
        made |= _schemas()
    there = [name for name, text in made.items() if _differs(root / name, text)]
    if there and not options.force:
        raise Malformed(
            f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already",
            seen="Nothing was written.",
            cure="give the model another --name, or say --force to overwrite.",
        )
    new = {name: text for name, text in made.items() if name in there or not (root / name).exists()}
    _write(root, new)
    for name in made:
        world.reporter.data(f"wrote {name}" if name in new else f"kept {name}: it is as it would be written")
    for words in start.missing:
        world.reporter.warn(f"Not known yet, marked {starter.PLACEHOLDER}: {words}")
    world.reporter.note(
        f"Next: scripts/run validate model-configs/{start.name}.yaml, then follow modelway-setup.md;"
        " scripts/run doctor says what is still missing."
    )


def _start(options: argparse.Namespace, world: World, root: Path) -> Start:
    """What is known; raises ``Malformed`` for what cannot be right."""
    name = options.name or _named_by(root.resolve().name)
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        cure = f"use lower-case letters, digits and single hyphens, a letter first, at most {_LONGEST}."
        raise Malformed(f"--name {name!r} cannot be a model's name", cure=cure)
    _checked(options)
    default = Start(name=name)
    return Start(
        name=name,
        target=options.target,
        owner=options.owner,
        repository=options.repository or _origin(world.run.source) or default.repository,
        source=options.modelway or default.source,
        ref=options.ref or default.ref,
        release=options.release,
        region=options.region,
        registry=options.registry_account or default.registry,
        staging=options.staging_account or default.staging,
        production=options.production_account or default.production,
        policy=options.policy,
        dockerfile=next(_dockerfiles(root, name), ""),
        schema=options.schema or default.schema,
    )


def _checked(options: argparse.Namespace) -> None:
    """Nothing goes into a workflow or a command that is not what it should be."""
    rules = (
        ("--ref", options.ref, _COMMIT, "40 hex digits: tags can move"),
        ("--modelway", options.modelway, _REPOSITORY, "OWNER/REPO"),
        ("--repository", options.repository, _REPOSITORY, "ORG/REPO"),
        ("--region", options.region, _REGION, "a region as eu-west-1"),
        ("--owner", options.owner, _OWNER, "a team's name without quotes"),
        ("--release", options.release, re.compile(r"[A-Za-z0-9.+-]+"), "a release as v1.2.3"),
        ("--schema", options.schema, re.compile(r"[^\s]+"), "an address without blanks"),
        *(
            (f"--{which}-account", getattr(options, f"{which}_account"), _ACCOUNT, "12 digits")
            for which in ("registry", "staging", "production")
        ),
    )
    for option, value, pattern, allowed in rules:
        if value is not None and not pattern.fullmatch(value):
            raise Malformed(f"{option} cannot be {value!r}", cure=f"give {allowed}.")


def _named_by(folder: str) -> str:
    """A model's name from a folder's."""
    plain = re.sub(r"[^a-z0-9]+", "-", folder.lower())
    return plain.lstrip("-0123456789")[:_LONGEST].strip("-") or "model"


def _origin(source: str) -> str:
    """``ORG/REPO`` of the clone's origin."""
    name = urlsplit(source).path.strip("/")
    return name if _REPOSITORY.fullmatch(name) else ""


def _dockerfiles(root: Path, name: str) -> Iterator[str]:
    """Those there are, but for the one this command writes."""
    for pattern in _DOCKERFILES:
        path = pattern.format(name=name)
        ours = (root / path).with_name("serve")
        if (root / path).is_file() and not ours.is_file():
            yield path


def _schemas() -> Mapping[str, str]:
    """The schemas a config and a policy are completed by, and what they refer to."""
    named = ("model-config.schema.json", "policy.schema.json")
    paths = [*(_SCHEMAS / name for name in named), *sorted((_SCHEMAS / "targets").glob("*.schema.json"))]
    return {f"schemas/{path.relative_to(_SCHEMAS)}": path.read_text(encoding="utf-8") for path in paths}


def _differs(path: Path, text: str) -> bool:
    """Whether writing would change what is there."""
    try:
        return path.is_symlink() or (path.exists() and path.read_text(encoding="utf-8") != text)
    except (OSError, ValueError):
        return True


def _write(root: Path, made: Mapping[str, str]) -> None:
    """Write everything."""
    for name, text in made.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if name.endswith("/serve"):
                path.chmod(0o755)
        except OSError as error:
            cure = "make the directory writable, then run it again."
            raise Unavailable(f"{path} cannot be written", seen=str(error), cure=cure) from error
