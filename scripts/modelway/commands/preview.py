"""Say what a pull request would do, as its one comment: Markdown that is updated in place.

Without CONFIG, the models the change touches (as `changed` says, with --base). Each is validated here;
what other steps found is read from files and never trusted: it is shown, and can be nothing but text.

--results DIR holds a folder for each model, at any depth, named as the model (as download-artifact leaves
them). In it, all optional:
  build.json  scan.json  try.json   what `build`, `scan` and `try` print with --format json
  plan-<environment>.json           what `plan --out` writes
  permissions.txt                   what `iam --diff` prints
  <verb>.result                     the output `result` of that action, where it was not `succeeded`
  <verb>.log                        what it said; its last lines are shown when it failed

--post writes the comment to the pull request (GITHUB_TOKEN; permission pull-requests: write). A fork's
token may not: then it says so, and everything is in the job's summary all the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", nargs="*", metavar="CONFIG", help="configs; without any, those touched")
    parser.add_argument("--base", metavar="REF", help="compare with where this commit left REF's history")
    parser.add_argument("--results", type=Path, metavar="DIR", help="what the other steps found")
    parser.add_argument(
        "--plan",
        action="append",
        default=[],
        metavar="[ENV=]FILE",
        help="a plan of `plan --out`; knows its model and environment itself; repeatable",
    )
    parser.add_argument(
        "--report",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="what `scan --format json` printed; repeatable, together with one CONFIG",
    )
    parser.add_argument("--permissions", type=Path, metavar="FILE", help="what `iam --diff` printed")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the Markdown there")
    parser.add_argument("--post", action="store_true", help="write or update the pull request's comment")
    parser.add_argument(
        "--pull-request", type=int, metavar="N", help="its number; without it, from the workflow's event"
    )


def run(options: argparse.Namespace, world: World) -> None:
    """Gather, write, and post if asked to."""
    raise NotImplementedError
