"""The advisories the builtin scanner uses: a local index of OSV records, and of what attackers use.

  update   download what OSV publishes now: only what changed, where that is less
  import   read OSV records from JSON files, folders of them, or all.zip of OSV's export; Amazon Linux's
           updateinfo.xml.gz; CISA's known_exploited_vulnerabilities.json; FIRST's epss_scores-*.csv.gz
  push     keep the index in the config's ECR repository, for machines that reach nothing else
  pull     take the newest one from there, its digest verified
  status   say what the index holds and how old it is

The index lies in this user's cache folder, or where MODELWAY_ADVISORIES or --database says. It is replaced
whole or not at all, so name every file of OSV records in one import; what is known of attackers stays until
it is imported anew. An update that was cut off goes on where it stopped.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from modelway import registry_guard
from modelway.commands import options as shared
from modelway.core.access import reading
from modelway.core.duration import parse
from modelway.core.json import canonical
from modelway.core.report import Database
from modelway.core.report_json import database_json
from modelway.errors import Failure, Malformed, NotEvaluated
from modelway.ports import Advisories, World

OSV = "https://osv-vulnerabilities.storage.googleapis.com"
KEV = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
EPSS = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
ECOSYSTEMS = ("PyPI", "Debian")
FILE_TYPE = "application/vnd.modelway.advisories.v1.sqlite+gzip"
"""The type of the index as a file in a registry."""
NAME = "advisories"
_MOST = 1 << 30


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="update|import|push|pull|status")
    update = actions.add_parser("update", help="download what OSV publishes now")
    update.add_argument("--base-url", default=OSV, metavar="URL", help=f"a mirror of OSV's export ({OSV})")
    update.add_argument(
        "--ecosystem",
        action="append",
        metavar="NAME",
        help=f"may be given several times ({' and '.join(ECOSYSTEMS)}); or Alpine, Ubuntu, AlmaLinux...",
    )
    update.add_argument(
        "--kev-url",
        default=KEV,
        metavar="URL",
        help="CISA's list of exploited vulnerabilities; empty for none",
    )
    update.add_argument("--epss-url", default=EPSS, metavar="URL", help="FIRST's estimates; empty for none")
    bring = actions.add_parser("import", help="read OSV records and lists of the exploited from files")
    bring.add_argument("source", nargs="+", type=Path, metavar="FILE|FOLDER|ZIP", help="what to read")
    bring.add_argument(
        "--note", default="", metavar="TEXT", help="what readers of a report must know of these advisories"
    )
    bring.add_argument(
        "--as-of", metavar="DATE", help="the day the records speak for (their newest change, otherwise)"
    )
    push = actions.add_parser("push", help="keep the index in the config's ECR repository")
    pull = actions.add_parser("pull", help="take the newest index from the config's ECR repository")
    for action in (push, pull):
        shared.config(action)
    status = actions.add_parser("status", help="say what the index holds")
    status.add_argument("--max-age", metavar="TIME", help="exit 9 when the advisories are older, as in 7d")
    status.add_argument("--warn-age", metavar="TIME", help="warn when the advisories are older, as in 3d")
    for action in (update, bring, push, pull, status):
        action.add_argument("--database", type=Path, metavar="FILE", help="another index than this user's")
        shared.formats(action)


def run(options: argparse.Namespace, world: World) -> None:
    """Carry out one action, then say what the index holds."""
    advisories = world.advisories(options.database)
    about = _act(options, world, advisories)
    if options.format == "json":
        world.reporter.data(canonical(database_json(about)))
    else:
        world.reporter.data(_words(about, advisories, world.clock.now()))
    if options.action == "status":
        _check_age(options, about, world)


def _act(options: argparse.Namespace, world: World, advisories: Advisories) -> Database:
    match str(options.action):
        case "update":
            with world.reporter.stage("Update the advisories"):
                wanted = options.ecosystem or ECOSYSTEMS
                return advisories.update(
                    wanted, options.base_url, kev_url=options.kev_url, epss_url=options.epss_url
                )
        case "import":
            return _import(options, world, advisories)
        case "push":
            return _push(options, world, advisories)
        case "pull":
            return _pull(options, world, advisories)
        case "status":
            return advisories.about()
        case other:
            raise AssertionError(other)


def _import(options: argparse.Namespace, world: World, advisories: Advisories) -> Database:
    """Read files; that they know much less than the index did is said: an import replaces all records."""
    try:
        before = advisories.about()
    except Failure:
        before = None  # there is none yet, or it is broken and replaced
    with world.reporter.stage("Import advisories"):
        after = advisories.bring(options.source, note=options.note, as_of=_day(options.as_of))
    lost = [name for name, _ in before.ecosystems if name not in dict(after.ecosystems)] if before else []
    if before and (lost or after.records * 2 < before.records):
        missing = f"; nothing is known of {', '.join(lost)} any more" if lost else ""
        world.reporter.warn(
            f"The index had {before.records:,} advisories from {', '.join(before.sources)} and has "
            f"{after.records:,} now{missing}. An import replaces all records: name every file in one import."
        )
    return after


def _push(options: argparse.Namespace, world: World, advisories: Advisories) -> Database:
    """Keep the index in the repository, which may be a new one; the same index is kept once."""
    config = shared.load(options, world)
    with world.reporter.stage("Push the advisories"), TemporaryDirectory() as folder:
        packed = Path(folder) / "advisories.sqlite.gz"
        about = advisories.pack(packed)
        registry = world.registry(config.registry)
        registry_guard.set_up(world, config, registry)
        digest = registry.publish(NAME, FILE_TYPE, packed, created=world.clock.now())
        world.reporter.note(f"{registry.repository}@{digest}")
    world.reporter.output("advisories", f"{registry.repository}@{digest}")
    return about


def _pull(options: argparse.Namespace, world: World, advisories: Advisories) -> Database:
    """Take the newest index of the repository."""
    config = reading(shared.load(options, world))
    with world.reporter.stage("Pull the advisories"), TemporaryDirectory() as folder:
        packed = Path(folder) / "advisories.sqlite.gz"
        registry = world.registry(config.registry)
        digest = registry.fetch(NAME, FILE_TYPE, packed, most=_MOST)
        if digest is None:
            raise NotEvaluated(
                f"There are no advisories in {registry.repository}",
                cure=f"run `scripts/run scan-db push {options.config}` where they are, on a schedule.",
            )
        world.reporter.note(f"{registry.repository}@{digest}")
        return advisories.take(packed)


def _day(text: str | None) -> datetime | None:
    """A date or time an option gives."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"--as-of {text!r} is no date", cure="write it as 2026-01-31.") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _words(about: Database, advisories: Advisories, now: datetime) -> str:
    """What the index holds, for people."""
    age = f", {(now - about.as_of).days} days ago" if about.as_of else ""
    ecosystems = ", ".join(f"{name} {count}" for name, count in about.ecosystems)
    lines = (
        f"{about.records} advisories in {advisories.path}",
        f"of {about.as_of:%Y-%m-%d}{age}" if about.as_of else "of an unknown day (import with --as-of DATE)",
        f"from {', '.join(about.sources)}",
        f"affected packages: {ecosystems}",
        *(f"{name} of {day}" for name, day in about.also),
        f"digest {about.digest}",
        about.note,
    )
    return "\n".join(line for line in lines if line)


def _check_age(options: argparse.Namespace, about: Database, world: World) -> None:
    """Old advisories are a warning, then a failure, where limits were given."""
    of = f"of {about.as_of:%Y-%m-%d}" if about.as_of else "of an unknown day"
    cure = "run `scripts/run scan-db update`, or `scripts/run scan-db import FILE`."
    now = world.clock.now()
    if _older(about, options.max_age, "--max-age", now):
        raise NotEvaluated(f"The advisories are {of}; --max-age allows {options.max_age}", cure=cure)
    if _older(about, options.warn_age, "--warn-age", now):
        world.reporter.warn(f"The advisories are {of}, older than {options.warn_age}: {cure}")


def _older(about: Database, allowed: str | None, option: str, now: datetime) -> bool:
    """Whether the advisories are older than an option allows; those of an unknown day are."""
    if allowed is None:
        return False
    try:
        most = parse(allowed)
    except ValueError as error:
        raise Malformed(f"{option}: {error}", cure="write it as 36h or 7d.") from error
    return about.as_of is None or now - about.as_of > most
