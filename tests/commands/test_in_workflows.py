"""What commands tell the steps of a workflow, over fakes."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from modelway.commands import deploy, plan, promote, setup, status
from modelway.core.config import Capacity
from modelway.core.plan import State
from modelway.core.version import Version
from modelway.errors import Differs, Malformed
from tests.configs import model_config
from tests.fake_world import AnsweringTarget, Stage


def run(command: ModuleType, stage: Stage, *argv: str) -> dict[str, str]:
    """As ``__main__`` runs it; the outputs it told."""
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    stage.reporter.outputs.clear()
    command.run(parser.parse_args(["model.yaml", *argv]), stage.world)
    return stage.reporter.outputs


class Foreign(AnsweringTarget):
    """A place where somebody else's endpoint serves."""

    def observe(self, wanted: Version | None, /) -> State:
        """The same, but for who made it."""
        return replace(super().observe(wanted), foreign="their-endpoint")


def released(release: str = "1.0.0") -> Stage:
    """One version in both environments."""
    stage = Stage()
    image = stage.push()
    run(deploy, stage, "-e", "staging", "--image", str(image), "--release", release)
    run(promote, stage, "-e", "production", "--release", release)
    return stage


def test_a_digest_alone_names_an_image_of_the_configs_repository():
    stage = Stage()
    image = stage.push()
    run(deploy, stage, "-e", "staging", "--image", str(image.digest))
    assert stage.reporter.outputs["image"] == str(image)


def test_plan_without_an_environment_plans_each_and_says_if_any_changes(tmp_path: Path):
    stage = Stage()
    image = stage.push()
    out = str(tmp_path / "plan-{environment}.json")
    told = run(plan, stage, "--image", str(image), "--out", out)
    assert told["changes"] == "true"
    for name in ("staging", "production"):
        assert json.loads((tmp_path / f"plan-{name}.json").read_text())["environment"] == name


def test_what_serves_as_configured_is_no_drift_and_changed_capacity_is():
    stage = released()
    assert run(plan, stage, "--serving")["changes"] == "false"
    place = stage.config.environments["production"]
    more = replace(place, capacity=Capacity(instances=7))
    stage.config = replace(stage.config, environments={**stage.config.environments, "production": more})
    assert run(plan, stage, "--serving")["changes"] == "true"
    assert "set the capacity" in stage.reporter.text


def test_where_nothing_serves_there_is_no_drift():
    assert run(plan, Stage(), "--serving")["changes"] == "false"


def test_what_modelway_did_not_make_is_drift():
    stage = released()
    stage.targets["production"] = Foreign(clock=stage.clock)
    with pytest.raises(Differs, match="their-endpoint serves in production"):
        run(plan, stage, "--serving")


def test_status_tells_what_serves_and_what_is_not_decided():
    stage = released("1.4.0")
    told = run(status, stage, "-e", "production")
    assert (told["passed"], told["settled"], told["release"]) == ("true", "true", "1.4.0")
    assert told["digest"].startswith("sha256:")
    assert told["pending"] == ""


def test_status_of_every_environment_has_no_outputs():
    assert run(status, released()) == {}


ROLES = {
    ("build", None): "arn:aws:iam::333333333333:role/modelway-read",
    ("push", "staging"): "arn:aws:iam::333333333333:role/modelway-push",
    ("plan", None): "arn:aws:iam::222222222222:role/modelway-plan",
    ("plan", "staging"): "arn:aws:iam::111111111111:role/modelway-plan",
    ("deploy", "production"): "arn:aws:iam::222222222222:role/modelway-deploy",
}


@pytest.mark.parametrize(("access", "place"), ROLES)
def test_setup_tells_the_role_of_an_access(access: str, place: str | None):
    stage = Stage()
    told = run(setup, stage, "--access", access, *(["-e", place] if place else []))
    assert told["role"] == ROLES[access, place]
    assert told["account"] in told["role"]


def test_setup_tells_what_a_workflow_asks_of_a_config():
    told = run(setup, Stage(config=model_config()), "-e", "production")
    assert (told["promote_from"], told["artifact"]) == ("staging", "true")
    assert "role" not in told


def test_setup_refuses_an_environment_the_config_has_not():
    with pytest.raises(Malformed, match="no environment 'prod'"):
        run(setup, Stage(), "-e", "prod")
