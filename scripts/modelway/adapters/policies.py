"""Which scan policy counts: in a workflow the default branch's, elsewhere that of the working tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from modelway.adapters import default_branch, key_roots, organisation, written_policies
from modelway.adapters.default_branch import FOLDER, Branch
from modelway.adapters.github_branch import of_host
from modelway.adapters.github_rest import GitHubRest
from modelway.adapters.written_policies import Written
from modelway.core import rules
from modelway.core.config import ModelConfig
from modelway.core.problem import Level, Problem
from modelway.core.rules import Governing, Rules
from modelway.core.scan_spec import Organisation, ScanSpec
from modelway.errors import Malformed, NotEvaluated, Unavailable

_CURE = (
    "actions/checkout with `fetch-depth: 0`; or GITHUB_TOKEN: ${{ github.token }} and `contents: read` for "
    "the job, so that GitHub can be asked."
)

_NO_POLICY = (
    "merge the file there first, or correct the variable; the policy of another repository has to lie "
    "outside of this one's folder, as in $RUNNER_TEMP."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of one repository's models."""

    root: Path
    ci: bool
    """Whether this is a workflow, where the checkout may be anybody's wish."""
    today: Callable[[], date]
    rest: Callable[[], GitHubRest]
    """GitHub's API; raises ``Unavailable``."""
    known: dict[str, Governing] = field(default_factory=dict)

    def __call__(self, config: ModelConfig) -> Governing:
        """What counts for a model; raises ``Unavailable`` or ``NotEvaluated`` where that cannot be read."""
        key = f"{config.name} {config.path}"
        if key not in self.known:
            self.known[key] = self._governing(config)
        return self.known[key]

    def _governing(self, config: ModelConfig) -> Governing:
        if not self.ci:
            return Governing(rules=rules.of_checkout(config, self._organisation()))
        here = rules.of_checkout(config, self._organisation(), key_roots.here(config, self.root))
        branch = self._branch(config.path)
        return rules.governing(here, self._protected(config, branch))

    def _organisation(self) -> Organisation | None:
        """The checkout's; raises ``Malformed``."""
        found, problems = organisation.of_checkout(self.root, self.today)
        errors = _errors(problems)
        if errors:
            cure = "correct it; `scripts/run validate` checks it again."
            raise Malformed("the organisation's policy has errors", seen=errors, cure=cure)
        return found

    def _branch(self, path: str) -> Branch:
        """The default branch, from this clone or from GitHub."""
        found = default_branch.of_clone(self.root)
        if found:
            return found
        try:
            inside = organisation.inside(self.root)
            return of_host(self.rest(), [path, *([inside] if inside else [])])
        except Unavailable as error:
            what = "the policy of the default branch cannot be read, and that of a checkout does not count"
            seen = f"The clone does not have a fresh state of the branch. {error.what}"
            seen = f"{seen}: {error.seen}" if error.seen else seen
            raise Unavailable(what, seen=seen, cure=_CURE) from error

    def _protected(self, config: ModelConfig, branch: Branch) -> Rules:
        """What the branch says of the model, wherever its config lies there."""
        above = self._protected_organisation(branch)
        found = _written(config, branch, self.today())
        if found is None:
            source = f"{branch.words}, which has no config of this model"
            return Rules(scan=ScanSpec(), organisation=above, source=source)
        if errors := _errors(found.problems):
            raise _broken(found.path, branch, errors)
        return Rules(
            scan=found.scan,
            environments=found.environments,
            organisation=above,
            source=branch.words,
            roots=key_roots.of(found.signing, found.before, found.glass, branch.text),
        )

    def _protected_organisation(self, branch: Branch) -> Organisation | None:
        """The organisation's policy there; one that lies outside of the repository is nobody's wish."""
        path = organisation.inside(self.root)
        if path is None:
            return self._organisation()
        text = branch.text(path)
        if text is None:
            if organisation.demanded():
                what = f"{organisation.VARIABLE} names the policy {path}, and {branch.words} has no such file"
                raise NotEvaluated(what, cure=_NO_POLICY)
            return None
        found, problems = organisation.parsed(path, text, self.today())
        if errors := _errors(problems):
            raise _broken(path, branch, errors)
        return found


def _written(config: ModelConfig, branch: Branch, today: date) -> Written | None:
    """A model's policies on a branch: at the config's path, or wherever its name is.

    A moved file is still the model's. A file without a readable name stands for the model at its path.
    """
    text = branch.text(config.path)
    here = written_policies.read(config.path, text, today) if text is not None else None
    if here and here.model in {config.name, ""}:
        return here
    found = [written_policies.read(path, other, today) for path, other in branch.naming(config.name)]
    usual = [one for one in found if one.path.startswith(f"{FOLDER}/") and one.model in {config.name, ""}]
    named = [one for one in usual if one.model]
    likely = named or usual or [one for one in found if one.whole and one.model == config.name]
    if len(likely) > 1:
        raise NotEvaluated(
            f"{branch.words} has {len(likely)} files that may be the config of {config.name}, and none of "
            f"them is {config.path}: nobody knows whose policy counts",
            seen=", ".join(one.path for one in likely),
            cure=f"leave the config where it was, or leave one of them on {branch.name} first.",
        )
    return likely[0] if likely else None


def _errors(problems: Sequence[Problem]) -> str:
    return "\n".join(str(one) for one in problems if one.level is Level.ERROR)


def _broken(path: str, branch: Branch, errors: str) -> NotEvaluated:
    what = f"the policy in {path} of {branch.words} has errors, so nobody knows what it lets pass"
    return NotEvaluated(what, seen=errors, cure=f"correct it on {branch.name} first.")
