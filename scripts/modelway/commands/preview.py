"""Say what a pull request would do, as its one comment: Markdown that is updated in place.

Without CONFIG, the models the change touches (as `changed` says, with --base). Each is validated here;
what other steps found is read from files and never trusted: it is shown, and can be nothing but text.

--results DIR holds a folder for each model, at any depth, named as the model (as download-artifact leaves
them). In it, all optional:
  <verb>.result              how the action ended, its output `result`
  <verb>.log                 what it said; its last lines are shown when it failed
  build.json scan.json       what `build` and `scan` print with --format json
  rescan.json                what `rescan` prints with --format json: to tell what is new and what is gone
                             since the version that serves
  plan-<environment>.json    what `plan --out` writes
  permissions.txt            what `iam --diff` prints

--post writes the comment to the pull request (GITHUB_TOKEN; permission pull-requests: write). A fork's
token may not: then it says so, and everything is in the job's summary all the same. Exit 0 whatever the
other steps found: they say so themselves.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from modelway.commands import options as shared
from modelway.core import changes, preview_parts, preview_scan
from modelway.core.changes import Touched
from modelway.core.config import ModelConfig
from modelway.core.json import Json
from modelway.core.planfile import PlanFile, parse
from modelway.core.preview import MARKER, Part, Preview, comment
from modelway.delivery import words
from modelway.errors import Malformed, Unavailable
from modelway.ports import World

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_LARGEST = 32 << 20
"""Bytes read of a file; a report of a large image has a tenth of it."""


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
        help="what `scan --format json` printed; repeatable, one for each CONFIG in their order",
    )
    parser.add_argument("--permissions", type=Path, metavar="FILE", help="what `iam --diff` printed")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the Markdown there")
    parser.add_argument("--post", action="store_true", help="write or update the pull request's comment")
    parser.add_argument(
        "--pull-request", type=int, metavar="N", help="its number; without it, from the workflow's event"
    )


def run(options: argparse.Namespace, world: World) -> None:
    """Gather, write, and post if asked to."""
    touched = _touched(options, world)
    given = _given(options, touched)
    previews = [_preview(world, one, given) for one in touched]
    markdown = comment(previews, world.run.revision[:12])
    if options.out:
        _write(options.out, markdown)
    world.reporter.summary(markdown)
    if not options.post:
        if not options.out:
            world.reporter.data(markdown)
        return
    _post(options, world, markdown)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """Files named one by one on the command line, and the folder of results."""

    folder: Path | None
    plans: dict[tuple[str, str], PlanFile] = field(default_factory=dict)
    """By model and environment."""
    reports: dict[str, Path] = field(default_factory=dict)
    permissions: Path | None = None

    def folders(self, model: str) -> list[Path]:
        """Where the model's results are; a folder somewhere below is named as the model."""
        if self.folder is None or not self.folder.is_dir() or not _NAME.fullmatch(model):
            return []  # the model of a broken config may be called anything
        below = (path for path in self.folder.rglob(model) if path.is_dir() and not path.is_symlink())
        own = [self.folder] if self.folder.name == model else []
        return [*own, *sorted(below)]

    def text(self, model: str, name: str) -> str:
        """A file's text; empty where there is none."""
        for folder in self.folders(model):
            path = folder / name
            if path.is_file() and not path.is_symlink():
                return _read(path)
        return ""


def _touched(options: argparse.Namespace, world: World) -> tuple[Touched, ...]:
    """The models to show: named, or touched by the change."""
    if options.config:
        found = []
        for path in world.configs.find(options.config):
            config, _ = world.configs.read(path)
            name = config.name if config else path.stem
            found.append(Touched(config=config.path if config else str(path), model=name, reason=""))
        return tuple(found)
    history = world.history()
    span = history.span(options.base, None)
    return changes.touched(history.scopes(span.head), history.paths(span), history.sent)


def _given(options: argparse.Namespace, touched: tuple[Touched, ...]) -> _Given:
    """The files the command line names; raises ``Malformed`` for those that are not what they should be."""
    if options.report and len(options.report) != len(touched):
        what = f"--report was given {len(options.report)} times for {len(touched)} models"
        raise Malformed(what, cure="Name the configs too, and one report for each in the same order.")
    plans = {}
    for each in options.plan:
        environment, _, name = each.rpartition("=")
        plan = shared.plan_file(name)
        if plan is None or (environment and plan.environment != environment):
            what = f"--plan {each}: this plan is for {plan.environment if plan else 'nothing'}"
            raise Malformed(what, cure="Leave the environment out: the plan knows it.")
        plans[plan.model, plan.environment] = plan
    reports = {one.model: path for one, path in zip(touched, options.report, strict=False)}
    for path in (*options.report, *([options.permissions] if options.permissions else [])):
        if not path.is_file():
            raise Malformed(f"{path} does not exist", cure="Name a file another step wrote.")
    return _Given(folder=options.results, plans=plans, reports=reports, permissions=options.permissions)


def _preview(world: World, one: Touched, given: _Given) -> Preview:
    """Everything about one model."""
    config, problems = world.configs.read(Path(one.config))
    parts = [preview_parts.validation(problems)]
    if config:
        parts += _steps(one.model, given)
        parts += [_plan(config.name, name, given) for name in config.environments]
        permissions = _permissions(config, given)
        parts += [permissions] if permissions else []
    return Preview(model=one.model, config=one.config, reason=one.reason, parts=tuple(parts))


def _steps(model: str, given: _Given) -> Iterator[Part]:
    """Image, scan, contract tests."""
    told = {
        (verb, kind): given.text(model, f"{verb}.{kind}")
        for verb in ("build", "scan", "try")
        for kind in ("result", "log", "json")
    }
    scanned = _read(given.reports[model]) if model in given.reports else told["scan", "json"]
    serves = given.text(model, "rescan.json")
    try:
        built, document, serving = _json(told["build", "json"]), _json(scanned), _json(serves)
    except ValueError as error:
        yield preview_parts.unreadable("Results", str(error))
        built = document = serving = None
    result = {verb: told[verb, "result"].strip()[:40] for verb in ("build", "scan", "try")}
    yield preview_parts.build(result["build"], built, told["build", "log"])
    yield preview_scan.scan(result["scan"], document, serving, told["scan", "log"])
    yield preview_parts.contract(result["try"], told["try", "log"])


def _plan(model: str, environment: str, given: _Given) -> Part:
    """What would happen in one environment."""
    plan = given.plans.get((model, environment))
    text = given.text(model, f"plan-{environment}.json")
    try:
        plan = plan or (parse(text) if text else None)
        told = words(plan) if plan else ""
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        return preview_parts.unreadable(f"Plan for {environment}", str(error))
    if plan is None:
        log, result = (given.text(model, f"plan.{kind}") for kind in ("log", "result"))
        return preview_parts.no_plan(environment, result.strip()[:40], log)
    if (plan.model, plan.environment) != (model, environment):
        return preview_parts.unreadable(f"Plan for {environment}", "it is about something else")
    return preview_parts.plan(environment, plan, told)


def _permissions(config: ModelConfig, given: _Given) -> Part | None:
    """What the roles newly need."""
    if given.permissions:
        return preview_parts.permissions(_read(given.permissions))
    text = given.text(config.name, "permissions.txt")
    return preview_parts.permissions(text) if text else None


def _post(options: argparse.Namespace, world: World, markdown: str) -> None:
    """Write the comment, or say why it is only in the summary."""
    host = world.hosting()
    number = options.pull_request or host.pull_request()
    if number is None:
        what = "there is no pull request to comment on"
        cure = "run it for the event pull_request, or say --pull-request N"
        raise Malformed(what, cure=cure)
    address = host.comment(number, MARKER, markdown)
    if address is None:
        world.reporter.note(
            "This token may not comment (a pull request from a fork, or the job lacks "
            "`permissions: pull-requests: write`): the preview is in the job's summary only."
        )
    world.reporter.output("comment", address or "")
    if address:
        world.reporter.note(f"The comment is {address}")


def _json(text: str) -> Json:
    """A document; ``None`` for no text; raises ``ValueError``."""
    try:
        document: Json = json.loads(text) if text.strip() else None
    except RecursionError as error:
        msg = "it is nested too deeply"
        raise ValueError(msg) from error
    return document


def _read(path: Path) -> str:
    """A file's text, whatever its bytes."""
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode(errors="replace")
    except OSError as error:
        cure = "Name files another step wrote."
        raise Malformed(f"{path} cannot be read", seen=str(error), cure=cure) from error


def _write(path: Path, markdown: str) -> None:
    """Write the comment to a file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(markdown, encoding="utf-8")
    except OSError as error:
        cure = "Name another file with --out."
        raise Unavailable(f"{path} cannot be written", seen=str(error), cure=cure) from error
