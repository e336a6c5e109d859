"""The advisories the builtin scanner uses: a local index made from OSV records.

  update   download what OSV publishes now for PyPI and Debian
  import   read OSV records from JSON files, folders of them, or all.zip of OSV's export
  status   say what the index holds and how old it is

The index lies in this user's cache folder, or where MODELWAY_ADVISORIES or --database says.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from modelway.commands import options as shared
from modelway.core.duration import parse
from modelway.core.json import canonical
from modelway.core.report import Database
from modelway.core.report_json import database_json
from modelway.errors import Malformed, NotEvaluated
from modelway.ports import Advisories, World

OSV = "https://osv-vulnerabilities.storage.googleapis.com"
ECOSYSTEMS = ("PyPI", "Debian")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="update|import|status")
    update = actions.add_parser("update", help="download what OSV publishes now")
    update.add_argument("--base-url", default=OSV, metavar="URL", help=f"a mirror of OSV's export ({OSV})")
    update.add_argument(
        "--ecosystem",
        action="append",
        metavar="NAME",
        help=f"may be given several times ({' and '.join(ECOSYSTEMS)})",
    )
    bring = actions.add_parser("import", help="read OSV records from files")
    bring.add_argument("source", nargs="+", type=Path, metavar="FILE|FOLDER|ZIP", help="OSV records")
    bring.add_argument(
        "--note", default="", metavar="TEXT", help="what readers of a report must know of these advisories"
    )
    bring.add_argument(
        "--as-of", metavar="DATE", help="the day the records speak for (their newest change, otherwise)"
    )
    status = actions.add_parser("status", help="say what the index holds")
    status.add_argument("--max-age", metavar="TIME", help="exit 9 when the advisories are older, as in 7d")
    for action in (update, bring, status):
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
        _check_age(options.max_age, about, world.clock.now())


def _act(options: argparse.Namespace, world: World, advisories: Advisories) -> Database:
    match str(options.action):
        case "update":
            with world.reporter.stage("Update the advisories"):
                return advisories.update(options.ecosystem or ECOSYSTEMS, options.base_url)
        case "import":
            with world.reporter.stage("Import advisories"):
                return advisories.bring(options.source, note=options.note, as_of=_day(options.as_of))
        case "status":
            return advisories.about()
        case other:
            raise AssertionError(other)


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
        f"digest {about.digest}",
        about.note,
    )
    return "\n".join(line for line in lines if line)


def _check_age(allowed: str | None, about: Database, now: datetime) -> None:
    """Old advisories are a failure where a limit was given."""
    if allowed is None:
        return
    try:
        most = parse(allowed)
    except ValueError as error:
        raise Malformed(f"--max-age: {error}", cure="write it as 36h or 7d.") from error
    if about.as_of is None or now - about.as_of > most:
        of = f"of {about.as_of:%Y-%m-%d}" if about.as_of else "of an unknown day"
        raise NotEvaluated(
            f"The advisories are {of}; --max-age allows {allowed}",
            cure="run `scripts/run scan-db update`, or `scripts/run scan-db import FILE`.",
        )
