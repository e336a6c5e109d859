"""What neither act nor a linter sees: actions are the commands, and workflows keep their promises.

Read from the files themselves, because act ignores permissions, environments, concurrency and time limits,
and because GitHub drops an output nobody declared without a word.
"""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelway.commands import VERBS

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = sorted((ROOT / "actions").glob("*/action.yml"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FILES = [*ACTIONS, *WORKFLOWS]
PUBLIC = {"ci", "pull-request", "release", "promote", "rollback", "drift", "rescan", "registry"}
INNER = {"pull-request-models", "deploy", "drift-models", "rescan-models", "registry-models"}


def read(path: Path) -> dict[str, Any]:
    """A workflow or an action; YAML 1.1 reads its key ``on`` as true."""
    document = yaml.safe_load(path.read_text())
    return {"on" if key is True else key: value for key, value in document.items()}


def named(path: Path) -> str:
    return path.parent.name if path.name == "action.yml" else path.stem


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield f"{path.stem}/{name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in ACTIONS:
        for step in read(path)["runs"]["steps"]:
            yield named(path), step
    for name, job in jobs():
        for step in job.get("steps", []):
            yield name, step


JOBS, STEPS = list(jobs()), list(steps())


def job(name: str) -> dict[str, Any]:
    return dict(JOBS)[name]


# --- actions are the commands ---


def test_actions_their_page_and_the_readmes_table_are_as_the_commands_say():
    """Otherwise: PYTHONPATH=scripts python actions/generate.py."""
    script = runpy.run_path(str(ROOT / "actions/generate.py"))
    stale = [
        str(path.relative_to(ROOT))
        for path, text in script["files"]().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == []
    assert {path.parent.name for path in ACTIONS} == set(script["ACTIONS"])


def test_every_command_a_workflow_can_use_has_an_action():
    laptop_only = {"release", "rehearse", "init", "doctor", "adopt"}
    assert set(VERBS) - laptop_only == {path.parent.name for path in ACTIONS}


def outputs_of(verb: str) -> set[str]:
    """Names a verb's modules give ``reporter.output``: as literals, or from the keys of a dict ``told``."""
    found = set()
    for module in (f"commands/{VERBS[verb][0]}.py", "delivery.py" if verb in {"deploy", "promote"} else ""):
        tree = ast.parse((ROOT / "scripts/modelway" / module).read_text()) if module else ast.Module([], [])
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
        outputs = [call for call in calls if call.func.attr == "output"]  # type: ignore[attr-defined]
        literal = [call.args[0].value for call in outputs if isinstance(call.args[0], ast.Constant)]
        found |= {str(name) for name in literal}
        if len(literal) < len(outputs):
            found |= set(_keys(tree))
    return {name.replace("_", "-") for name in found}


def _keys(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) or not isinstance(
            node.value, ast.Dict
        ):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and target.id == "told":
            yield from (str(key.value) for key in node.value.keys if isinstance(key, ast.Constant))


@pytest.mark.parametrize("path", ACTIONS, ids=named)
def test_declared_outputs_are_those_the_command_tells(path: Path):
    declared = set(read(path)["outputs"]) - {"result"}
    assert declared == outputs_of(path.parent.name)


@pytest.mark.parametrize("path", ACTIONS, ids=named)
def test_an_action_is_one_step_that_hands_its_inputs_over(path: Path):
    action = read(path)
    (step,) = action["runs"]["steps"]
    assert step["run"] == f'"$GITHUB_ACTION_PATH/../../scripts/run" action {path.parent.name}'
    assert step["shell"] == "bash"
    handed = {re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value)[1] for value in step["env"].values()}  # type: ignore[index]
    assert handed == set(action.get("inputs") or {})
    for name, output in action["outputs"].items():
        assert output["value"] == f"${{{{ steps.modelway.outputs.{name} }}}}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_inputs_and_outputs_are_described_and_spelled_in_kebab_case(path: Path):
    document = read(path)
    places = [document] if path in ACTIONS else list((document["on"] or {}).values())
    for place in places:
        for kind in ("inputs", "outputs"):
            for name, told in ((place or {}).get(kind) or {}).items():
                assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
                assert len(told["description"]) > 3


# --- what stands in every file ---


@pytest.mark.parametrize(("name", "step"), STEPS, ids=[name for name, _ in STEPS])
def test_no_script_holds_an_expression_and_third_parties_are_pinned(name: str, step: dict[str, Any]):
    assert "${{" not in step.get("run", "")
    uses = step.get("uses", "")
    assert not uses.startswith("./")
    if uses and not uses.startswith("$/"):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", uses)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_pins_tell_their_version_and_every_file_uses_the_same_one(path: Path):
    for line in re.findall(r"uses: (?!\$/)(.+)", path.read_text()):
        assert re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
    pins = {pin for file in FILES for pin in re.findall(r"uses: (?!\$/)(\S+@\S+)", file.read_text())}
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


@pytest.mark.parametrize("path", FILES, ids=named)
def test_own_actions_and_workflows_that_are_used_exist_and_get_inputs_they_have(path: Path):
    used = [
        *(step for name, step in STEPS if name.partition("/")[0] == named(path)),
        *(one for name, one in JOBS if name.partition("/")[0] == path.stem),
    ]
    for one in used:
        uses = one.get("uses", "")
        if not uses.startswith("$/"):
            continue
        target = ROOT / uses.removeprefix("$/")
        if target.suffix:
            inputs = read(target)["on"]["workflow_call"]["inputs"]
        else:
            inputs = read(target / "action.yml")["inputs"]
        given = set(one.get("with", {}))
        assert given <= set(inputs)
        assert {name for name, told in inputs.items() if told.get("required")} <= given


@pytest.mark.parametrize("path", FILES, ids=named)
def test_outputs_of_steps_and_jobs_that_are_read_are_declared(path: Path):
    """GitHub takes an output that does not exist for empty."""
    if path in ACTIONS:
        return
    document = read(path)
    for name, one in document["jobs"].items():
        here = {step["id"]: step for step in one.get("steps", []) if "id" in step}
        for step, output in re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", str(one)):
            assert output in declared(here[step]), (name, step, output)
        for other, output in re.findall(r"needs\.([\w-]+)\.outputs\.([\w-]+)", str(one)):
            assert other in ([one["needs"]] if isinstance(one["needs"], str) else one["needs"])
            assert output in declared(document["jobs"][other]), (name, other, output)
    for other, output in re.findall(r"jobs\.([\w-]+)\.outputs\.([\w-]+)", str(document["on"])):
        assert output in declared(document["jobs"][other])


def declared(one: dict[str, Any]) -> set[str]:
    """Outputs of a step or a job."""
    uses = one.get("uses", "")
    if uses.startswith("$/actions/"):
        return set(read(ROOT / uses.removeprefix("$/") / "action.yml")["outputs"])
    if uses.startswith("$/"):
        return set(read(ROOT / uses.removeprefix("$/"))["on"]["workflow_call"]["outputs"])
    return set(one.get("outputs", {})) | set(re.findall(r"echo \"([\w-]+)=", one.get("run", "")))


# --- jobs: time, rights, turns ---


def test_there_are_these_workflows_and_others_can_call_them():
    assert {path.stem for path in WORKFLOWS} == PUBLIC | INNER
    for path in WORKFLOWS:
        triggers = read(path)["on"]
        assert "pull_request_target" not in triggers
        assert "workflow_run" not in triggers
        assert path.stem == "ci" or "workflow_call" in triggers
        assert read(path)["permissions"] == {}


@pytest.mark.parametrize(("name", "one"), JOBS, ids=[name for name, _ in JOBS])
def test_every_job_has_its_rights_and_its_time(name: str, one: dict[str, Any]):
    assert one["permissions"]
    if "uses" in one:
        return
    assert one["timeout-minutes"] <= 90
    written = {right for right, how in one["permissions"].items() if how == "write"}
    assert written <= {"id-token"} or name in {"pull-request/comment", "drift/issue"} or rescans(name, one)


def rescans(name: str, one: dict[str, Any]) -> bool:
    """It writes issues, and holds no role that can change anything."""
    return (
        name == "rescan-models/judge"
        and accesses(one) == ["plan"]
        and one["permissions"]["issues"] == "write"
    )


def accesses(one: dict[str, Any]) -> list[str]:
    """Which roles a job asks for, in order."""
    return [s["with"]["access"] for s in one.get("steps", []) if s.get("with", {}).get("access")]


def test_only_jobs_of_an_environment_hold_its_deploy_role():
    for name, one in JOBS:
        assert any("deploy" in access for access in accesses(one)) == ("environment" in one), name


def test_an_emergency_has_reviewers_and_a_role_of_its_own():
    for name in ("deploy/deploy", "deploy/resume"):
        one = job(name)
        assert "format('{0}-break-glass', inputs.environment)" in one["environment"]
        assert accesses(one) == ["${{ inputs.break-glass != '' && 'break-glass' || 'deploy' }}"]
        (role,) = [s["with"]["role-to-assume"] for s in one["steps"] if "configure-aws" in s.get("uses", "")]
        assert role.startswith("${{ inputs.break-glass == '' && vars.MODELWAY_DEPLOY_ROLE")


def test_what_builds_and_scans_holds_nothing_that_deploys_and_what_deploys_builds_nothing():
    for name, one in JOBS:
        used = {
            s["uses"].rpartition("/")[2] for s in one.get("steps", []) if "$/actions" in s.get("uses", "")
        }
        if used & {"build", "scan", "push", "try"}:
            assert not any("deploy" in access for access in accesses(one)), name
        if "push" in accesses(one):
            assert name == "release/image"


def test_a_pull_request_builds_and_scans_before_it_gets_any_credentials():
    order = [
        s.get("uses", "").rpartition("/")[2].partition("@")[0]
        for s in job("pull-request-models/model")["steps"]
    ]
    assert order.index("scan") < order.index("configure-aws-credentials")
    assert order.index("build") < order.index("configure-aws-credentials")
    assert accesses(job("pull-request-models/model")) == ["plan"]


def test_a_fork_gets_no_credentials_no_comment_and_no_runner_of_ones_own():
    fork = "github.event.pull_request.head.repo.fork"
    model = job("pull-request-models/model")
    assert model["runs-on"] == f"${{{{ {fork} && 'ubuntu-24.04' || inputs.runner }}}}"
    (credentials,) = [s for s in model["steps"] if "configure-aws" in s.get("uses", "")]
    assert f"!{fork}" in credentials["if"]
    (comment,) = [s for s in job("pull-request/comment")["steps"] if s.get("uses") == "$/actions/preview"]
    assert f"!{fork}" in comment["with"]["post"]
    for name, one in JOBS:
        if name.startswith("pull-request/") and "runs-on" in one:
            assert one["runs-on"] == "ubuntu-24.04"


def test_deploys_of_a_model_to_an_environment_take_turns_and_none_is_dropped():
    for name in ("deploy/deploy", "deploy/resume"):
        assert job(name)["concurrency"] == {
            "group": "modelway-deploy-${{ inputs.model }}-${{ inputs.environment }}",
            "cancel-in-progress": False,
            "queue": "max",
        }


def test_a_rollback_never_waits_behind_a_release():
    group = job("rollback/rollback")["concurrency"]["group"]
    assert group not in {
        one.get("concurrency", {}).get("group") for name, one in JOBS if "rollback" not in name
    }


def test_nothing_goes_on_to_production_but_what_succeeded_in_staging_and_was_planned():
    assert "needs.staging.outputs.result == 'succeeded'" in job("release/plan")["if"]
    assert job("release/production")["if"] == "needs.plan.outputs.changes == 'true'"
    assert job("release/production")["with"]["plan-artifact"]
    assert job("deploy/resume")["if"] == "needs.deploy.outputs.result == 'started'"


def test_no_job_keeps_the_checkouts_token_and_every_role_is_held_to_its_account():
    for name, step in STEPS:
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False, name
        if "configure-aws-credentials@" in step.get("uses", ""):
            assert {"allowed-account-ids", "role-session-name", "role-to-assume"} <= set(step["with"]), name


def test_act_runs_the_same_text_but_for_what_it_cannot_read():
    """``$/`` becomes the full name, ``queue`` goes; so what is shown under act is shown of these files."""
    from tests.act.runner import OWN, REF, staged

    for path in FILES:
        text = path.read_text()
        back = staged(text).replace(f"uses: {OWN}/", "uses: $/").replace(f"@{REF}", "")
        assert back == "".join(line for line in text.splitlines(keepends=True) if "queue: max" not in line)
