"""Show all that is known of a model's releases, checked against what runs: who built, tested, approved.

Read back from the registry and the platforms: no database, no server. Everything of the newest releases, of
one image, of one version, or of what serves. `--verify` asks one question, whether an environment runs the
version that was tested, and ends with exit 5 where it does not; what is shown changes nothing of the answer.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from modelway import dossier
from modelway.commands import options as shared
from modelway.core import dossier_page, dossier_text
from modelway.core.choice import Choice
from modelway.core.config import ModelConfig
from modelway.core.dossier import Dossier, dossier_json
from modelway.core.image import Digest
from modelway.core.json import canonical
from modelway.errors import Differs, Malformed, NotAllowed
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    parser.add_argument(
        "-e", "--environment", metavar="NAME", help="whose question is answered (the config's last)"
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument(
        "--image", metavar="DIGEST", help="only this image: sha256:..., or repository@sha256:..."
    )
    only.add_argument(
        "--version",
        metavar="ID",
        help="only this version, and what other environments say of the same image and weights",
    )
    only.add_argument("--serving", action="store_true", help="only what serves in the environment")
    parser.add_argument("--last", type=int, default=50, metavar="N", help="releases shown at most (50)")
    parser.add_argument(
        "--verify", action="store_true", help="exit 5 unless the environment runs the tested version"
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", "html", "cyclonedx"),
        default="text",
        help="for people, for programs, one self-contained page, or the SBOM of the one image shown",
    )
    parser.add_argument("--out", metavar="FILE", help="write there instead of printing")


def run(options: argparse.Namespace, world: World) -> None:
    """Gather, show, and answer."""
    config = shared.load(options, world)
    environment = _environment(options, config)
    told = dossier.gather(world, config, environment, _choice(options))
    for place in told.places:
        if place.trouble:
            world.reporter.warn(f"{place.name}: {place.trouble}")
    _show(options, world, told)
    answer = told.answer
    world.reporter.output("tested", "true" if answer.ok else "false")
    if options.verify and not answer.ok:
        raise Differs(answer.reason, seen=answer.seen, cure=answer.cure)


def _choice(options: argparse.Namespace) -> Choice:
    """What is to be shown."""
    if options.last < 1:
        raise Malformed(f"--last {options.last} shows nothing", cure="Give a number of releases, 1 or more.")
    return Choice(
        image=_digest(options.image) if options.image else None,
        version=shared.version_id(options.version, "--version") if options.version else None,
        serving=options.serving,
        most=options.last,
    )


def _show(options: argparse.Namespace, world: World, told: Dossier) -> None:
    """In the form that is asked for."""
    match options.format:
        case "json":
            text = canonical(dossier_json(told))
        case "html":
            text = dossier_page.page(told, world.clock.now())
        case "cyclonedx":
            text = _sbom(told)
        case _:
            text = dossier_text.text(told)
    if options.out:
        try:
            Path(options.out).write_text(text, encoding="utf-8")
        except OSError as error:
            what, cure = f"--out: {options.out} cannot be written", "Name a file in a folder that is there."
            raise Malformed(what, seen=str(error), cure=cure) from error
        world.reporter.note(f"wrote {options.out}")
    else:
        world.reporter.data(text.rstrip("\n"))


def _sbom(told: Dossier) -> str:
    """The SBOM as the build says it: of what serves, or else the newest; of the one image asked for."""
    serving = {one.image for one in told.places if one.name == told.answer.environment}
    first = sorted(told.releases, key=lambda one: str(one.image) not in serving)[:1]
    release = first[0] if first else None
    contents = release.contents if release else None
    if contents is None or not contents.vouched:
        image = release.image if release else told.answer.environment
        expected = "expected one of the build, named by its provenance, found "
        raise NotAllowed(
            f"there is no SBOM of {image} that can be relied on",
            seen=expected + (contents.trust if contents else "none"),
            cure="Scan and push it again from the release workflow: push attaches it.",
        )
    return canonical(contents.document)


def _environment(options: argparse.Namespace, config: ModelConfig) -> str:
    """The one named, or the config's last."""
    known = [*config.environments]
    if options.environment and options.environment not in known:
        what = f"{config.name} has no environment {options.environment!r}"
        raise Malformed(what, cure=f"Use --environment with one of: {', '.join(known)}")
    return str(options.environment or known[-1])


def _digest(text: str) -> Digest:
    """The image's digest."""
    try:
        return Digest.parse(text.rpartition("@")[2])
    except ValueError as error:
        raise Malformed(f"--image: {error}", cure="Give sha256:..., as `status` shows it.") from error
