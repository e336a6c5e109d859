"""Say which models a range of commits touches, as the matrix of a GitHub Actions job.

A model is touched by a change of its config, of anything its Dockerfile could copy (the build context
but for .dockerignore), of Dockerfile, requirements, source and contract-test bodies, of a schema of this
repository its first line names, of the organisation's policy, and when a model whose image it is built on
is touched. Renamed files count on both sides.

Without --base: in a pull request since it left its base branch, after a push since the commit before it,
otherwise since the branch left the default branch. Commits are compared, not uncommitted files.

With --tag: the model and version of a release tag, as iris-classifier/v1.4.0.
"""

from __future__ import annotations

import argparse
import json

from modelway.commands import options as shared
from modelway.core import changes, tags
from modelway.core.changes import Scope, Touched
from modelway.core.json import Json, canonical
from modelway.core.span import Span
from modelway.errors import Malformed
from modelway.ports import World

JOBS = 256
"""Jobs a matrix may have (docs.github.com, "Usage limits, billing, and administration")."""
_TABLE_ROWS = 50


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--base", metavar="REF", help="compare with where --head left this commit's history")
    parser.add_argument("--head", metavar="REF", help="the commit whose models count; without it, HEAD")
    parser.add_argument("--tag", metavar="TAG", help="say what a release tag names, instead")
    parser.add_argument(
        "--batch", type=int, default=JOBS, metavar="N", help=f"models in a matrix, at most {JOBS} (default)"
    )
    shared.formats(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Compare and say; outputs are the same in every format."""
    if not 1 <= options.batch <= JOBS:
        what = f"--batch cannot be {options.batch}"
        raise Malformed(what, cure=f"give a number from 1 to {JOBS}, which is GitHub's limit.")
    if options.tag is not None:
        _of_tag(options, world)
        return
    history = world.history()
    span = history.span(options.base, options.head)
    paths = history.paths(span)
    scopes = history.scopes(span.head)
    found = changes.touched(scopes, paths, history.sent)
    gone = changes.deleted(_gone(world, span, paths, scopes), scopes)
    batches = changes.batches(found, options.batch)
    _outputs(world, found, gone, batches)
    if options.format == "json":
        world.reporter.data(json.dumps(_document(span, found, gone, batches), indent=2, ensure_ascii=False))
        return
    _show(world, span, found, gone)


def _gone(world: World, span: Span, paths: tuple[str, ...], scopes: tuple[Scope, ...]) -> dict[str, str]:
    """Configs there were at the base and are not at the head, with their models."""
    now = {scope.config for scope in scopes}
    missing = [path for path in paths if path not in now and path.endswith((".yaml", ".yml"))]
    return dict(world.history().models(span.base, missing)) if missing else {}


def _of_tag(options: argparse.Namespace, world: World) -> None:
    """The model and version of a tag; raises ``Malformed`` with the closest names."""
    history = world.history()
    scopes = history.scopes(history.commit(options.head))
    release = tags.parse(options.tag, {scope.model for scope in scopes})
    config = next(scope.config for scope in scopes if scope.model == release.model)
    told: dict[str, Json] = {
        "model": release.model,
        "version": str(release.version),
        "config": config,
        "prerelease": bool(release.version.prerelease),
    }
    for name in ("model", "version", "config"):
        world.reporter.output(name, str(told[name]))
    world.reporter.output("prerelease", "true" if release.version.prerelease else "false")
    matrix = changes.matrix([Touched(config=config, model=release.model, reason=options.tag)])
    world.reporter.output("matrix", canonical(matrix))
    world.reporter.output("count", "1")
    text = f"{release.model} {release.version} ({config})"
    world.reporter.data(json.dumps(told) if options.format == "json" else text)


def _outputs(
    world: World, found: tuple[Touched, ...], gone: tuple[tuple[str, str], ...], batches: list[Json]
) -> None:
    """What later jobs use. ``matrix`` is the first batch; GitHub refuses a matrix without jobs: see count."""
    report = world.reporter
    report.output("matrix", canonical(batches[0] if batches else changes.matrix([])))
    report.output("batches", canonical(batches))
    report.output("count", str(len(found)))
    report.output("models", canonical([one.model for one in found]))
    report.output("deleted", canonical([model for _, model in gone]))
    if len(batches) > 1:
        report.warn(
            f"{len(found)} models are touched: more than one matrix may hold. The output matrix is the first "
            f"of {len(batches)} batches; run a workflow for each element of the output batches."
        )


def _document(
    span: Span, found: tuple[Touched, ...], gone: tuple[tuple[str, str], ...], batches: list[Json]
) -> dict[str, Json]:
    """Everything, for programs."""
    return {
        "base": span.base,
        "head": span.head,
        "compared": span.words,
        "count": len(found),
        "models": [{"config": one.config, "model": one.model, "reason": one.reason} for one in found],
        "deleted": [{"config": config, "model": model} for config, model in gone],
        "batches": batches,
    }


def _show(world: World, span: Span, found: tuple[Touched, ...], gone: tuple[tuple[str, str], ...]) -> None:
    """For people."""
    report = world.reporter
    report.note(f"{span.base[:12]}..{span.head[:12]}: {span.words}")
    for one in found:
        report.data(f"{one.model}  {one.config}  ({one.reason})")
    for config, model in gone:
        report.data(f"{model}  {config}  (deleted: what runs of it stays until it is retired)")
    if not found and not gone:
        report.note("No model is touched.")
    if world.run.ci and found:
        rows = [(one.model, one.config, one.reason) for one in found[:_TABLE_ROWS]]
        if len(found) > _TABLE_ROWS:
            rows.append(("...", "", f"and {len(found) - _TABLE_ROWS} more"))
        report.table("Touched models", ("model", "config", "because of"), rows)
