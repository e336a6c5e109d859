"""Starting a repository: what is written can be used as it is, and nothing of the team's is overwritten."""

from __future__ import annotations

import argparse
import base64
import json
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml

from modelway.adapters import organisation
from modelway.commands import init
from modelway.core import starter
from modelway.core.starter import Start
from modelway.core.starter_targets import TARGETS
from modelway.errors import Malformed
from tests.adapters.test_configs import TODAY, configs
from tests.fake_world import Stage

ACCOUNTS = (
    "--registry-account=444455556666",
    "--staging-account=444455557777",
    "--production-account=444455558888",
)
SHA = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Team:
    """An empty repository, and running the command in it."""

    root: Path
    stage: Stage = field(default_factory=Stage)

    def init(self, *arguments: str) -> str:
        parser = argparse.ArgumentParser()
        init.arguments(parser)
        world = self.stage.world
        run = replace(world.run, source="https://github.com/octo/models")
        init.run(parser.parse_args(["--directory", str(self.root), *arguments]), replace(world, run=run))
        return "\n".join(self.stage.reporter.printed)

    def problems(self) -> list[str]:
        """What `validate` says."""
        there = configs(self.root)
        found = [there.read(path) for path in there.find([])]
        assert found
        return [str(problem) for _, problems in found for problem in problems]

    def workflow(self) -> dict[str, dict[str, dict[str, object]]]:
        return yaml.safe_load((self.root / ".github/workflows/modelway.yml").read_text())  # type: ignore[no-any-return]  # YAML


@pytest.fixture
def team(tmp_path: Path) -> Team:
    root = tmp_path / "iris-models"
    root.mkdir()
    return Team(root)


@pytest.mark.parametrize("target", TARGETS)
def test_the_config_is_valid_as_it_is_written(team: Team, target: str) -> None:
    team.init("--target", target)
    text = (team.root / "model-configs/iris-models.yaml").read_text()
    assert text.count(f"target: {target}") == 2
    assert team.problems() == []


def test_the_policy_is_valid_bound_to_and_the_example_of_the_repository(team: Team, root: Path) -> None:
    assert "modelway-policy.yaml" not in team.init()
    team.init("--policy")
    text = (team.root / "modelway-policy.yaml").read_text("utf-8")
    assert text == (root / "examples/policy/modelway-policy.yaml").read_text("utf-8")
    found, problems = organisation.of_checkout(team.root, lambda: TODAY)
    assert found
    assert problems == ()
    there = replace(configs(team.root), organisation=lambda: (found, ()))
    assert [str(one) for path in there.find([]) for one in there.read(path)[1]] == []


def test_everything_written_is_said(team: Team) -> None:
    told = team.init("--name", "my-model")
    made = {str(path.relative_to(team.root)) for path in team.root.rglob("*") if path.is_file()}
    assert made == set(re.findall(r"wrote (\S+)", told))
    assert {"model-configs/my-model.yaml", ".github/workflows/modelway.yml", "modelway-setup.md"} <= made
    assert "validate model-configs/my-model.yaml" in team.stage.reporter.text


def test_what_is_not_known_is_marked_and_said(team: Team) -> None:
    team.init("--modelway", "octo/modelway", "--ref", SHA)
    assert "CHANGE ME" in (team.root / "model-configs/iris-models.yaml").read_text()
    assert len(team.stage.reporter.warnings) == 1
    assert "--registry-account" in team.stage.reporter.warnings[0]


def test_where_all_is_known_nothing_is_a_placeholder(team: Team) -> None:
    team.init("--modelway=octo/modelway", f"--ref={SHA}", "--release=v1.2.3", *ACCOUNTS)
    assert team.stage.reporter.warnings == []
    for path in team.root.rglob("*"):
        assert not path.is_file() or starter.PLACEHOLDER not in path.read_text()
    text = (team.root / ".github/workflows/modelway.yml").read_text()
    assert f"uses: octo/modelway/.github/workflows/release.yml@{SHA} # v1.2.3" in text
    assert "repos/octo/models/environments/production" in (team.root / "modelway-setup.md").read_text()


def test_nothing_is_overwritten_unasked_and_nothing_half_written(team: Team) -> None:
    (team.root / "modelway-setup.md").write_text("mine")
    with pytest.raises(Malformed, match=r"modelway-setup.md is there already"):
        team.init()
    assert [path.name for path in team.root.iterdir()] == ["modelway-setup.md"]
    team.init("--force")
    assert (team.root / "modelway-setup.md").read_text() != "mine"


def test_a_second_run_changes_nothing(team: Team) -> None:
    team.init()
    (team.root / "models/iris-models/serve").chmod(0o700)
    told = team.init()
    assert told.count("kept ") == told.count("wrote ") > 5


def test_a_dockerfile_that_is_there_is_used(team: Team) -> None:
    (team.root / "Dockerfile").write_text("FROM scratch\n")
    team.init()
    text = (team.root / "model-configs/iris-models.yaml").read_text()
    assert "dockerfile: Dockerfile" in text
    assert not (team.root / "models").exists()
    assert team.problems() == []


def test_editors_find_the_schema_without_the_network(team: Team, root: Path) -> None:
    team.init()
    first = (team.root / "model-configs/iris-models.yaml").read_text().splitlines()[0]
    schema = (team.root / "model-configs" / first.partition("$schema=")[2]).resolve()
    assert schema.read_text() == (root / "schemas/model-config.schema.json").read_text()
    for reference in re.findall(r'"\$ref": "([^#"]+)', schema.read_text()):
        assert (schema.parent / reference).is_file()


def test_another_place_for_the_schema_needs_no_copy(team: Team) -> None:
    team.init("--schema", "https://example.com/model-config.schema.json")
    assert not (team.root / "schemas").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--name", "Not A Name"],
        ["--name", "a" * 41],
        ["--ref", "main"],
        ["--ref", f"{SHA}\nrun: evil"],
        ["--modelway", "octo/modelway@main"],
        ["--repository", "$(evil)/x"],
        ["--region", "eu-west-1; evil"],
        ["--owner", "a: b\nc"],
        ["--staging-account", "123"],
        ["--directory", "/nowhere"],
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_written(team: Team, arguments: list[str]) -> None:
    with pytest.raises(Malformed):
        team.init(*arguments)
    assert [*team.root.iterdir()] == []


@pytest.mark.parametrize(
    ("folder", "name"),
    [("iris-models", "iris-models"), ("My Models_2", "my-models-2"), ("42", "model"), ("é", "model")],
)
def test_the_folder_names_the_model(tmp_path: Path, folder: str, name: str) -> None:
    (tmp_path / folder).mkdir()
    Team(tmp_path / folder).init()
    assert (tmp_path / folder / f"model-configs/{name}.yaml").is_file()


JOBS = ("pull-request", "release", "promote", "rollback", "drift")


def granted(path: Path) -> dict[str, str]:
    """What a reusable workflow's jobs ask for; those that call others say it for them."""
    found: dict[str, str] = {}
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        found |= job.get("permissions") or {}
    return found


@pytest.mark.parametrize("job", JOBS)
def test_each_job_grants_what_its_workflow_needs_and_no_more(team: Team, root: Path, job: str) -> None:
    """GitHub refuses a call whose workflow asks for more than the caller grants."""
    team.init()
    assert team.workflow()["jobs"][job]["permissions"] == granted(root / f".github/workflows/{job}.yml")


@pytest.mark.parametrize("job", JOBS)
def test_each_job_gives_inputs_its_workflow_has(team: Team, root: Path, job: str) -> None:
    team.init()
    called = yaml.safe_load((root / f".github/workflows/{job}.yml").read_text())
    inputs = called[True]["workflow_call"].get("inputs") or {}
    given = team.workflow()["jobs"][job].get("with") or {}
    assert isinstance(given, dict)
    assert {*given} <= {*inputs}
    assert {name for name, about in inputs.items() if about.get("required")} <= {*given}


def test_zizmor_finds_nothing_in_the_workflow(team: Team) -> None:
    zizmor = shutil.which("zizmor") or str(Path(sys.executable).with_name("zizmor"))
    team.init("--modelway=octo/modelway", f"--ref={SHA}", "--release=v1.2.3")
    done = subprocess.run(
        [zizmor, "--offline", "--persona=auditor", "--format=json", str(team.root / ".github")],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("target", TARGETS)
def test_the_commands_of_the_setup_are_shell_and_their_documents_json(team: Team, target: str) -> None:
    team.init("--target", target)
    text = (team.root / "modelway-setup.md").read_text()
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        checked = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr
    for document in [
        *re.findall(r"'(\{.*?\})'", text),
        *re.findall(r"<<'JSON'\n(.*?)\nJSON", text, re.DOTALL),
    ]:
        json.loads(document)


def test_the_starting_container_answers_as_sagemaker_asks(tmp_path: Path) -> None:
    code = starter.files(Start(name="m"))["models/m/serve"]
    compile(code, "serve", "exec")
    assert '"/ping"' in code
    assert "8080" in code


def test_the_starting_container_answers_events_on_lambda_too(tmp_path: Path) -> None:
    made = starter.files(Start(name="m", target="lambda"))
    compile(made["models/m/serve"], "serve", "exec")
    assert '"AWS_LAMBDA_RUNTIME_API"' in made["models/m/serve"]
    assert "from function import predict" in made["models/m/serve"]
    (tmp_path / "function.py").write_text(made["models/m/function.py"])
    handler = runpy.run_path(str(tmp_path / "function.py"))["handler"]
    coded = base64.b64encode(b"[1, 2, 3]").decode()
    assert handler({"body": "[1, 2, 3]"}, None)["body"] == "6"
    assert handler({"body": coded, "isBase64Encoded": True}, None)["body"] == "6"
    assert handler({"body": "no numbers"}, None)["statusCode"] == 400


def test_what_only_the_team_knows_of_ecs_is_marked(team: Team) -> None:
    team.init("--target", "ecs", "--modelway=octo/modelway", f"--ref={SHA}", "--release=v1.2.3", *ACCOUNTS)
    lines = (team.root / "model-configs/iris-models.yaml").read_text().splitlines()
    marked = {line.split(":")[0].strip() for line in lines if starter.PLACEHOLDER in line}
    assert marked == {"cluster", "subnets", "security_groups", "target_groups", "listener_rule"}
    assert "load balancer" in team.stage.reporter.warnings[0]
