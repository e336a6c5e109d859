# ruff: noqa: INP001  (a script of its own, in no package)
"""Writes actions/<verb>/action.yml, docs/reference/actions.md and the README's table of actions.

Run it by ``PYTHONPATH=scripts python actions/generate.py``. Inputs are the verbs' own options; what outputs
mean is said here. A test compares the files with what this makes.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from modelway.commands import VERBS
from modelway.commands.action import ENDING, FAIL_ON_SUPERSEDED, KEEP, Input, inputs

ROOT = Path(__file__).resolve().parent.parent
RESULT = (
    "succeeded, rolled_back, blocked, superseded, started, unavailable, not_evaluated or failed; empty where "
    "the step was killed"
)
PREVIEWED = ("validate", "build", "scan", "rescan", "try", "plan", "drift", "iam")
"""What `preview` reads the results of."""
WRITER = "whom the comment is written by"
REPORTER = (
    "whom the issue is written by; its job needs the permission to write issues, and to read contents, for "
    "the policy on the default branch"
)
APPROVER = (
    "the token GitHub is asked with who approved the run, and for the policy on the default branch; its job "
    "needs the permissions to read actions and contents"
)
READER = (
    "the token GitHub is asked with for the policy on the default branch, where the clone does not have it; "
    "its job needs the permission to read contents"
)
_VERSION = "id of the version, 12 hex digits"
_DIGEST = "the image's digest, sha256:..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action: what it is for, and its outputs beside ``result``."""

    does: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    """What it asks GitHub with a token for, if it asks something."""

    @property
    def told(self) -> Mapping[str, str]:
        """All its outputs."""
        return {"result": RESULT, **self.outputs}


_DEPLOYED = {
    "version": _VERSION,
    "image": "repository@sha256:...; GitHub drops it where the account id is masked",
    "environment": "the environment it went to",
}
ACTIONS: Mapping[str, Action] = {
    "setup": Action(
        does="Make modelway's environment once a job, and say which role the job is to assume.",
        outputs={
            "model": "the model's name",
            "environment": "the environment named, or the config's last",
            "promote-from": "the environment it is promoted from",
            "artifact": "true where the config names a model artifact",
            "account": "with access: account of the role",
            "region": "with access: region of the role's place",
            "role": "with access: ARN of the role to assume",
        },
    ),
    "validate": Action(does="Check model configs; every problem becomes an annotation on its line."),
    "changed": Action(
        does="Say which models a change touches, as a matrix; or what a release tag names.",
        outputs={
            "matrix": "for strategy.matrix: config and model of each; the first of several batches",
            "batches": "list of such matrices, at most 256 models each",
            "count": "how many models",
            "models": "their names, a JSON list",
            "deleted": "names of models whose config is gone, a JSON list",
            "model": "with tag: the model",
            "version": "with tag: the semantic version, without v",
            "config": "with tag: path of the model's config",
            "prerelease": "with tag: true for a version as 1.4.0-rc.1",
        },
    ),
    "build": Action(
        does="Build the model's image on this runner, unless the same inputs were built before.",
        outputs={
            "local-image": "its name on this runner",
            "input-hash": "hash of everything it is built from",
            "image": "repository@sha256:... where it was pushed before",
            "reused": "why it was not built; empty where it was",
        },
    ),
    "scan-db": Action(
        does="Update, import, show, push or pull the advisories the builtin scanner uses.",
        outputs={"advisories": "repository@sha256:... of the index that was pushed"},
    ),
    "scan": Action(
        does="Look for known vulnerabilities in the image, and judge them by the config's policy.",
        outputs={
            "report": "file with the report",
            "config-digest": "digest of the image's config, which the report is about",
        },
        token=READER,
    ),
    "try": Action(does="Run the image on this runner as SageMaker would, and ask it the contract tests."),
    "push": Action(
        does="Push the image that was built and scanned to Amazon ECR.",
        outputs={
            "image": "repository@sha256:...; GitHub drops it where the account id is masked: use digest",
            "repository": "address of the repository; as image",
            "digest": _DIGEST,
            "region": "region of the repository",
        },
        token=READER,
    ),
    "gate": Action(does="Say whether an image may go to an environment, and why. Reads only.", token=READER),
    "plan": Action(
        does="Show the steps from what is to what is wanted, and the way back. Reads only.",
        outputs={
            "changes": "true where there is something to do",
            "version": _VERSION,
            "fingerprint": "hash of the plan",
        },
    ),
    "deploy": Action(
        does="Take an image to an environment: gate, plan, the approved steps, the way back if it is sick.",
        outputs=_DEPLOYED,
        token=APPROVER,
    ),
    "promote": Action(
        does="Deploy to an environment what passed in the one before it.", outputs=_DEPLOYED, token=APPROVER
    ),
    "rollback": Action(
        does="Go back to the last version that passed, or to the one named.",
        outputs={"version": "id of the version that serves again, 12 hex digits"},
    ),
    "reinstate": Action(does="Allow a withdrawn version again, with a reason."),
    "evidence": Action(
        does="Show who built, tested and approved what, and whether the tested version runs. Reads only.",
        outputs={"tested": "true where the environment runs the version that was tested"},
    ),
    "status": Action(
        does="Show what runs where. Outputs are about the environment named.",
        outputs={
            "serving": "id of the version that serves; empty where none has all the traffic",
            "digest": "digest of its image",
            "release": "name of its release",
            "foreign": "what serves, where modelway did not make it",
            "settled": "true unless a change is under way",
            "passed": "true where what serves passed its contract tests and was not withdrawn",
            "pending": "digest of a version that was attempted and is not decided yet",
            "pending-release": "name of its release",
            "break-glass": "why what serves came in past the gate; empty where it did not",
        },
    ),
    "drift": Action(
        does="Name each field in which the world is not what a config says, and who changed it. Reads only.",
        outputs={"drifted": "true where something differs"},
    ),
    "rescan": Action(
        does="Judge what serves again, with the advisories of today, from its stored reports. Reads only.",
        outputs={
            "failing": "how many images would not pass or could not be judged, and broken configs",
            "issue": "with issue: address of the model's issue",
        },
        token=REPORTER,
    ),
    "registry": Action(
        does="Check lifecycle policies against what runs, or list and delete what no environment needs.",
        outputs={
            "endangered": "check: true where a policy would take what is needed",
            "images": "prune: how many images go, or went",
            "bytes": "prune: how many bytes they have",
            "artifacts": "prune: how many copies of model artifacts go, or were to go",
        },
    ),
    "retire": Action(
        does="List everything modelway made for a model and, with delete, delete it and nothing else.",
        outputs={"things": "how many things there were"},
    ),
    "iam": Action(
        does="Print the least-privilege policies and OIDC trust the configs need; or what would change.",
        outputs={"changes": "with diff: true where a role needs other permissions"},
    ),
    "preview": Action(
        does="Say what a pull request would do: its one comment, and the summary.",
        outputs={"comment": "address of the comment; empty where none was written"},
        token=WRITER,
    ),
}
"""Actions in the order a workflow uses them."""


def parser_of(verb: str) -> argparse.ArgumentParser:
    """The verb's own parser."""
    parser = argparse.ArgumentParser()
    import_module(f"modelway.commands.{VERBS[verb][0]}").arguments(parser)
    return parser


def inputs_of(verb: str) -> tuple[Input, ...]:
    """The verb's options, and what only an action has."""
    more = Input(
        name=FAIL_ON_SUPERSEDED,
        help="end red, with exit code 10, where a newer release took over; otherwise a warning says so",
        flag=True,
    )
    kept = Input(
        name=KEEP, help="folder in which to keep what the command prints, says and ends with, for preview"
    )
    return (
        *inputs(parser_of(verb)),
        *([more] if verb in ENDING else []),
        *([kept] if verb in PREVIEWED else []),
    )


def described(each: Input) -> str:
    """What an input is for, and what it takes."""
    parts = [each.help]
    parts += ["true or false"] if each.flag else []
    parts += ["one a line"] if each.many else []
    parts += [f"one of {', '.join(each.choices)}"] if each.choices and "one of" not in each.help else []
    parts += [f"with {each.only.replace('|', ', ')}"] if each.only else []
    return "; ".join(part for part in parts if part)


def action_yml(verb: str) -> str:
    """The action's file: it only hands its inputs over."""
    action = ACTIONS[verb]
    lines = [
        "# Written by actions/generate.py from the options of the verb: do not edit.",
        f"name: modelway {verb}",
        f"description: {json.dumps(action.does)}",
        "inputs:",
    ]
    for each in inputs_of(verb):
        lines += [f"  {each.name}:", f"    description: {json.dumps(described(each))}"]
        lines += ["    required: true"] if each.required else []
        lines += [f"    default: {json.dumps('false' if each.flag else '')}"] if not each.required else []
    if action.token:
        lines += ["  github-token:", f"    description: {action.token}", "    default: ${{ github.token }}"]
    lines += ["outputs:"]
    for name, words in action.told.items():
        lines += [
            f"  {name}:",
            f"    description: {json.dumps(words)}",
            f"    value: ${{{{ steps.modelway.outputs.{name} }}}}",
        ]
    lines += [
        "runs:",
        "  using: composite",
        "  steps:",
        "    - id: modelway",
        f"      name: {verb}",
        "      shell: bash",
        "      env:",
        *(f"        {each.variable}: ${{{{ inputs.{each.name} }}}}" for each in inputs_of(verb)),
        *(["        GITHUB_TOKEN: ${{ inputs.github-token }}"] if action.token else []),
        f"      run: '\"$GITHUB_ACTION_PATH/../../scripts/run\" action {verb}'",
    ]
    return "\n".join(lines) + "\n"


def table() -> str:
    """The README's table."""
    rows = [f"| [`{verb}`](actions/{verb}/action.yml) | {action.does} |" for verb, action in ACTIONS.items()]
    return "\n".join(["| action | does |", "| --- | --- |", *rows])


HEAD = """\
# The actions

Written by `actions/generate.py` from the commands' options. [The workflows](workflows.md) call them.

Use an action as `uses: OWNER/modelway/actions/NAME@SHA # vX.Y.Z`. Each runs the command of the same name;
its exit codes are the [commands'](../../README.md#the-commands). Inputs are texts; an empty one is not given.

- Every action has the output `result`. Where a newer release took over (`superseded`), or where a change
  goes on without the job because `max-wait` said so (`started`), the step ends green with a warning: steps
  that follow have to look at `result`.
- Linux on x64 or arm64 with Python 3.11 or newer, hosted by GitHub or by yourself; else there is one error.
- Nothing is written to `GITHUB_ENV` or `GITHUB_PATH`, nothing to the workspace but `.modelway/`. The Python
  environment lies in the runner's tool cache and is made once; `MODELWAY_CACHE` names another folder.
- Credentials are those of the job: `aws-actions/configure-aws-credentials`, a profile, an instance role. An
  image is named between jobs by its digest alone: GitHub drops outputs that hold a masked account id.
"""


def page() -> str:
    """The reference."""
    return "\n".join([HEAD, *(line for verb in ACTIONS for line in _section(verb))])


def _section(verb: str) -> Iterator[str]:
    action = ACTIONS[verb]
    yield f"## {verb}\n\n{action.does}\n"
    if inputs_of(verb):
        yield "| input | required | meaning |\n| --- | --- | --- |"
    for each in inputs_of(verb):
        yield f"| `{each.name}` | {'yes' if each.required else ''} | {_cell(described(each))} |"
    if action.token:
        yield f"| `github-token` |  | {action.token}; without it, the job's own |"
    yield "\n| output | meaning |\n| --- | --- |"
    for name, words in action.told.items():
        yield f"| `{name}` | {_cell(words)} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def files() -> dict[Path, str]:
    """Every file this writes, and what is in it."""
    readme = ROOT / "README.md"
    made = {ROOT / "actions" / verb / "action.yml": action_yml(verb) for verb in ACTIONS}
    made[ROOT / "docs" / "reference" / "actions.md"] = page()
    old = readme.read_text(encoding="utf-8")
    made[readme] = re.sub(r"\| action \| does \|\n(\|.*\n)+", lambda _: table() + "\n", old)
    return made


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
