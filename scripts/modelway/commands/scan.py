"""Look for known vulnerabilities in the image, and judge them by the config's scan policy.

The image is the one `build` made for the config, the local one --image names, or the one of the config's
repository that --pushed names: read from there, every layer's digest verified. The report is
kept under .modelway/reports/, named by the image config's digest; an image that was scanned with
the same advisories is not scanned again. The model artifact is looked into as it streams from S3, its
checksum verified: a pickle in it that runs code is a finding like any other.

--sarif, --sbom and --report write the same findings in the same words for other programs, also where the
policy says no. --since compares with what serves in an environment, from the report attached to its image.

Exit 3: the policy says no, or a waiver has expired. Exit 9: the scan could not run.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

from modelway import serving
from modelway.commands import options as shared
from modelway.commands.build import local_image
from modelway.core.access import reading
from modelway.core.config import ModelConfig
from modelway.core.image import Digest
from modelway.errors import Malformed
from modelway.keeping import write
from modelway.ports import World
from modelway.scan_outcome import cyclonedx_text, document, enforce, sarif_text, show
from modelway.scanning import Scanned, examine, examine_pushed


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--image", metavar="LOCAL_TAG", help="another local image than `build` made")
    which.add_argument(
        "--pushed",
        metavar="DIGEST",
        help="an image of the config's repository, read from there: no engine is needed",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", "sarif", "cyclonedx"),
        default="text",
        help="text for people, json for programs, sarif for GitHub's code scanning, cyclonedx as SBOM",
    )
    parser.add_argument("--all", action="store_true", help="show also what the policy lets pass")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write there what --format json prints")
    parser.add_argument("--sarif", type=Path, metavar="FILE", help="write there what --format sarif prints")
    parser.add_argument(
        "--sbom", type=Path, metavar="FILE", help="write there what --format cyclonedx prints"
    )
    parser.add_argument(
        "--since",
        metavar="ENVIRONMENT",
        help="say what is new, fixed and still there since the version that serves there",
    )
    parser.add_argument(
        "--weights",
        choices=("look", "skip"),
        default="look",
        help="look into the model artifact in S3, or leave that to the gate: it needs credentials (look)",
    )
    parser.add_argument("--database", type=Path, metavar="FILE", help="the index of advisories (see scan-db)")


def run(options: argparse.Namespace, world: World) -> None:
    """Scan, show, and stop where the policy says so."""
    config = shared.load(options, world)
    if options.since:
        shared.known_environment(config, options.since, "--since")
    scanned = _scanned(options, world, config)
    if options.since:
        judged = partial(world.advisories, options.database)
        looking = replace(world, advisories=lambda _: judged())
        since = serving.changed_since(looking, reading(config), options.since, scanned.verdict)
        if since is None:
            world.reporter.note(f"{options.since} serves no version of modelway's: nothing to compare with")
        scanned = replace(scanned, since=since)
    texts = {
        "json": partial(document, scanned),
        "sarif": partial(sarif_text, config, scanned),
        "cyclonedx": partial(cyclonedx_text, world, config, scanned),
    }
    for name, path in (("json", options.report), ("sarif", options.sarif), ("cyclonedx", options.sbom)):
        if path:
            write(path, texts[name]())
    if options.format in texts:
        world.reporter.data(texts[options.format]())
    world.reporter.output("report", str(scanned.files[0]))
    world.reporter.output("config_digest", str(scanned.subject))
    show(world, scanned, every=options.all)
    enforce(world, config, scanned)


def _scanned(options: argparse.Namespace, world: World, config: ModelConfig) -> Scanned:
    """The report on the image the options mean, judged."""
    look = options.weights == "look"
    if options.pushed:
        digest = _digest(options.pushed)
        with world.reporter.stage(f"Scan {config.registry.repository}@{digest}"):
            return examine_pushed(world, config, digest, database=options.database, look=look)
    tag = options.image or local_image(world, config)
    with world.reporter.stage(f"Scan {tag}"):
        return examine(world, config, tag, database=options.database, look=look)


def _digest(text: str) -> Digest:
    """A digest, alone or behind a repository."""
    try:
        return Digest.parse(text.rpartition("@")[2])
    except ValueError as error:
        raise Malformed(
            f"--pushed {text!r} is no digest", cure="write it as sha256:... or repository@sha256:...."
        ) from error


def scan_image(world: World, config: ModelConfig, tag: str) -> Scanned:
    """Scan a local image, show what was found, and stop where the policy says so.

    Raises ``Blocked`` for what the policy does not let pass, ``NotEvaluated`` for a scan that did
    not run. What returns has passed.
    """
    scanned = examine(world, config, tag)
    show(world, scanned)
    enforce(world, config, scanned)
    return scanned
