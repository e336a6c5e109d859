"""Print the roles the configs need: what each may do, and who may assume it. Looks at no AWS account.

Roles: build and push in the registry's account, plan (reads only) and deploy in each environment's. The role
that removes a model for good is printed only where it is asked for: --role retire. The templates are applied
once in each account. With --repository, each role trusts jobs of that repository
through GitHub's OIDC provider; with both ids, in the immutable form of the subject too.

With --diff: what the configs as they are here newly need, compared with where this branch left BASE.
"""

from __future__ import annotations

import argparse
import json
from urllib.parse import urlsplit

from modelway.core.config import ModelConfig
from modelway.core.iam import INLINE_LIMIT, MANAGED_LIMIT, TRUST_LIMIT, Statement, size, statement_json
from modelway.core.iam_diff import RoleChange, changes
from modelway.core.iam_documents import (
    POLICIES,
    Documents,
    as_json,
    cloudformation,
    documents,
    terraform,
)
from modelway.core.json import Json, JsonObject
from modelway.core.roles import Kind, Role, roles
from modelway.core.trust import Repository
from modelway.errors import Malformed
from modelway.ports import World

_SEVERAL_ENVIRONMENTS = 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", nargs="*", metavar="CONFIG", help="configs; without one, all")
    parser.add_argument(
        "-e", "--environment", metavar="NAME", help="only the plan and deploy role of this one"
    )
    parser.add_argument("--role", choices=[*Kind], help="only roles of this kind")
    parser.add_argument(
        "--format",
        choices=("json", "cloudformation", "terraform", "text"),
        help="policy documents, a template, a .tf.json file; json, with --diff text",
    )
    parser.add_argument("--repository", metavar="ORG/REPO", help="the GitHub repository; without it, origin")
    parser.add_argument("--repository-id", default="", metavar="N", help="gh api repos/ORG/REPO --jq .id")
    parser.add_argument("--owner-id", default="", metavar="N", help="gh api repos/ORG/REPO --jq .owner.id")
    parser.add_argument(
        "--default-branch", default="main", metavar="NAME", help="main, unless told otherwise"
    )
    parser.add_argument("--diff", metavar="BASE", help="say what is newly needed since a branch or commit")


def run(options: argparse.Namespace, world: World) -> None:
    """Print the roles, or what would change in them."""
    configs = [world.configs.load(path) for path in world.configs.find(options.config)]
    wanted = _chosen(options, roles(configs, world.permissions))
    if options.diff:
        _diff(options, world, configs, wanted)
        return
    if not wanted:
        what = "no role of the configs is asked for"
        raise Malformed(what, cure="correct --environment and --role, or leave them out.")
    repository = _repository(options, world)
    all_ = [documents(role, repository) for role in wanted]
    _warn(world, all_)
    world.reporter.data(_rendered(options.format or "json", all_))


def _rendered(form: str, all_: list[Documents]) -> str:
    """The roles in one of the forms."""
    if form == "text":
        return "\n".join(
            line for one in all_ for line in (one.role.words, *_lines("  ", one.role.statements))
        )
    if form != "json" and any(one.trust is None for one in all_):
        what = f"--format {form} makes roles, and a role needs somebody who may assume it"
        raise Malformed(what, cure="name the GitHub repository: --repository ORG/REPO")
    made: JsonObject
    match form:
        case "cloudformation":
            made = cloudformation(all_)
        case "terraform":
            made = terraform(all_)
        case _:
            made = as_json(all_)
    return json.dumps(made, indent=2)


def _chosen(options: argparse.Namespace, all_: tuple[Role, ...]) -> tuple[Role, ...]:
    """Those asked for."""
    known = sorted({name for role in all_ for name in role.environments})
    if options.environment and options.environment not in known:
        what = f"no config has an environment {options.environment!r}"
        raise Malformed(what, seen=f"They have: {', '.join(known)}.", cure="correct --environment.")
    return tuple(
        role
        for role in all_
        if (not options.environment or options.environment in role.environments)
        and (options.role in role.kinds if options.role else role.kinds != {Kind.RETIRE})
    )


def _repository(options: argparse.Namespace, world: World) -> Repository | None:
    """The repository named, else the one this is a clone of; ``None`` where that is not on GitHub."""
    source = urlsplit(world.run.source)
    # GitHub Enterprise Server has its own issuer: its repositories are not this provider's.
    origin = source.path.strip("/") if source.hostname == "github.com" else ""
    name = options.repository or origin
    if not name:
        world.reporter.note("No --repository is named, so no trust policy is printed.")
        return None
    if bool(options.repository_id) != bool(options.owner_id):
        raise Malformed("one id without the other pins nothing", cure="give --repository-id and --owner-id.")
    if not options.repository_id:
        world.reporter.warn(
            f"without ids, whoever gets the name {name} is trusted, and no subject in the immutable form is. "
            "To fix: give --repository-id and --owner-id."
        )
    try:
        return Repository(
            name=name,
            repository_id=options.repository_id,
            owner_id=options.owner_id,
            default_branch=options.default_branch,
        )
    except ValueError as error:
        raise Malformed(str(error), cure="see scripts/run iam --help") from error


def _warn(world: World, all_: list[Documents]) -> None:
    """What AWS would refuse, and what gives away more than it must."""
    for one in all_:
        role = one.role
        total = sum(map(size, one.policies))
        if len(one.policies) > 1:
            text = (
                f"{role.words}: {total:,} characters are more than the {MANAGED_LIMIT:,} of a managed policy"
            )
            more = f"; as inline policies they would exceed {INLINE_LIMIT:,}" if total > INLINE_LIMIT else ""
            world.reporter.warn(f"{text}: it gets {len(one.policies)}{more}.")
        if len(one.policies) > POLICIES:
            cure = "Give models roles of their own: push_role, read_role, plan_role, deploy_role."
            world.reporter.warn(f"{role.words}: AWS allows {POLICIES} managed policies a role. {cure}")
        if one.trust and size(one.trust) > TRUST_LIMIT:
            cure = "Give models roles of their own, or have the quota raised to 4,096."
            told = f"{size(one.trust):,} characters of {TRUST_LIMIT:,}"
            world.reporter.warn(f"{role.words}: the trust policy has {told}. {cure}")
        if Kind.DEPLOY in role.kinds and len(role.environments) >= _SEVERAL_ENVIRONMENTS:
            world.reporter.warn(
                f"{role.words}: a job of any of these environments can deploy to the others. "
                "To fix: name another deploy_role in one of them."
            )
        if len(role.kinds) > 1:
            world.reporter.warn(f"{role.words}: one role for several purposes has the rights of all.")


def _diff(
    options: argparse.Namespace, world: World, configs: list[ModelConfig], wanted: tuple[Role, ...]
) -> None:
    """What would newly be needed, and what no more."""
    history = world.history()
    base = history.span(options.diff, None).base
    named = {config.path for config in configs} if options.config else None
    before = []
    for path, config in history.configs(base).items():
        if config is None:
            world.reporter.warn(
                f"{path} had errors at {options.diff}: all it needs counts as new.", file=path
            )
        elif named is None or path in named:
            before.append(config)
    old = roles(before, world.permissions)
    kept = _chosen(options, old) if not options.environment else _of_environment(options, old)
    found = changes(kept, wanted)
    world.reporter.output("changes", "true" if found else "false")
    if options.format == "json":
        world.reporter.data(
            json.dumps({"base": base, "roles": [_change_json(one) for one in found]}, indent=2)
        )
        return
    if not found:
        world.reporter.data("no role needs other permissions")
    for one in found:
        for line in _change_lines(one):
            world.reporter.data(line)


def _of_environment(options: argparse.Namespace, old: tuple[Role, ...]) -> tuple[Role, ...]:
    """The same choice among roles of before, which may not have had the environment."""
    return tuple(
        role
        for role in old
        if options.environment in role.environments and (not options.role or options.role in role.kinds)
    )


def _change_lines(one: RoleChange) -> list[str]:
    """A role's changes for people."""
    state = ": new" if one.new else ": needed no more" if one.gone else ""
    return [f"{one.role.words}{state}", *_lines("  + ", one.added), *_lines("  - ", one.removed)]


def _lines(sign: str, statements: tuple[Statement, ...]) -> list[str]:
    """Statements on a line each."""
    return [
        f"{sign}{', '.join(one.actions)} on {', '.join(one.resources)}"
        + "".join(f" when {c.key} is {' or '.join(c.values)}" for c in one.conditions)
        for one in statements
    ]


def _change_json(one: RoleChange) -> JsonObject:
    """A role's changes for programs."""
    added: list[Json] = [statement_json(statement) for statement in one.added]
    removed: list[Json] = [statement_json(statement) for statement in one.removed]
    return {"arn": one.role.arn, "new": one.new, "gone": one.gone, "added": added, "removed": removed}
