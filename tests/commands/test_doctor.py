"""What is missing, what is not, what could not be checked: told apart, all at once."""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from modelway.adapters import examine_github
from modelway.commands import doctor
from modelway.core import ecr
from modelway.core.config import ModelConfig
from modelway.core.diagnosis import Diagnosis, Examination, Health, missing, ok
from modelway.core.hosting import HostedEnvironment, HostedRepository, Subject
from modelway.core.problem import Problem
from modelway.core.verdict import Approval
from modelway.errors import Unavailable
from tests.configs import model_config
from tests.fake_world import OneConfig, Stage

CONFIG = "model-configs/iris-classifier.yaml"


def look(subject: str, told: Callable[[], Diagnosis]) -> Examination:
    return Examination(area="somewhere", subject=subject, look=told)


def fails() -> Diagnosis:
    raise Unavailable("AWS does not allow it", cure="add the permission")


def breaks() -> Diagnosis:
    raise KeyError("nobody foresaw this")


@dataclass
class Bench:
    """A world with these examinations."""

    examinations: Sequence[Examination] = ()
    stage: Stage = field(default_factory=Stage)
    problems: tuple[Problem, ...] = ()

    def doctor(self, *arguments: str) -> str:
        parser = argparse.ArgumentParser()
        doctor.arguments(parser)
        configs = OneConfig(self.stage.config)
        if self.problems:
            configs.read = lambda path: (None, self.problems)  # type: ignore[method-assign]  # another answer
        world = replace(self.stage.world, configs=configs, examinations=lambda _: self.examinations)
        try:
            doctor.run(parser.parse_args(arguments or [CONFIG]), world)
        finally:
            self.told = "\n".join(self.stage.reporter.printed)
        return self.told


def test_where_nothing_is_missing_all_is_well() -> None:
    told = Bench([look("git", lambda: ok("2.39"))]).doctor()
    assert "ok      git: 2.39" in told
    assert "2 ok, 0 missing, 0 could not be checked" in told


def test_what_is_missing_comes_with_its_cure_and_exit_8() -> None:
    bench = Bench([look("bucket", lambda: missing("it does not exist", "aws s3 mb s3://b"))])
    with pytest.raises(Unavailable, match="1 thing is missing: bucket"):
        bench.doctor()
    assert "MISSING bucket: it does not exist\n          fix: aws s3 mb s3://b" in bench.told


def test_what_cannot_be_checked_is_not_missing() -> None:
    told = Bench([look("quota", fails)]).doctor()
    assert "?       quota: AWS does not allow it\n          to check it: add the permission" in told


def test_no_look_hides_another_whatever_it_meets() -> None:
    told = Bench([look("one", breaks), look("two", fails), look("three", lambda: ok("fine"))]).doctor()
    assert "?       one: looking met something modelway does not know: KeyError" in told
    assert "ok      three: fine" in told


def test_looks_run_side_by_side() -> None:
    together = threading.Barrier(8, timeout=60)

    def wait() -> Diagnosis:
        together.wait()
        return ok("")

    told = Bench([look(str(n), wait) for n in range(8)]).doctor()
    assert "9 ok, 0 missing, 0 could not be checked" in told  # and the config


def test_a_broken_config_is_missing_and_the_rest_is_looked_at() -> None:
    problem = Problem(file=CONFIG, line=3, column=1, message="`name` is missing", cure="Add it.")
    bench = Bench([look("git", lambda: ok("2.39"))], problems=(problem,))
    with pytest.raises(Unavailable):
        bench.doctor()
    assert f"MISSING {CONFIG}: line 3: `name` is missing\n          fix: Add it." in bench.told
    assert "ok      git" in bench.told


def test_programs_get_every_line_with_its_state() -> None:
    bench = Bench([look("git", lambda: ok("2.39")), look("quota", fails)])
    rows = json.loads(bench.doctor(CONFIG, "--format", "json"))
    assert [row["health"] for row in rows] == ["ok", "ok", "could not be checked"]
    assert rows[1] == {"area": "somewhere", "subject": "git", "health": "ok", "seen": "2.39", "cure": ""}


# --- GitHub ---


@dataclass
class FakeCodeHost:
    """A GitHub with these environments."""

    private: bool = False
    plan: str = ""
    reviewers: int = 1
    names: tuple[str, ...] = ("staging", "production")
    made_of: tuple[str, ...] = ()

    def pull_request(self) -> int | None:
        return None

    def comment(self, pull_request: int, marker: str, markdown: str, /) -> str | None:
        raise NotImplementedError

    def issue(self, marker: str, title: str, markdown: str, /) -> str | None:
        raise NotImplementedError

    def close_issue(self, marker: str, words: str, /) -> str | None:
        raise NotImplementedError

    def repository(self) -> HostedRepository:
        return HostedRepository(
            name="octo/models",
            id=9,
            owner_id=5,
            private=self.private,
            organisation=True,
            default_branch="main",
            plan=self.plan,
        )

    def environments(self) -> tuple[HostedEnvironment, ...]:
        return tuple(HostedEnvironment(name=name, reviewers=self.reviewers) for name in self.names)

    def approval(self, environment: str, /) -> Approval | None:
        raise NotImplementedError

    def subject(self) -> Subject:
        return Subject(default=not self.made_of, claims=self.made_of)


def on_github(host: FakeCodeHost, config: ModelConfig | None = None) -> dict[str, Diagnosis]:
    found = examine_github.examinations([config or model_config()], lambda: host)
    return {one.subject: one.diagnose() for one in found}


def test_a_repository_that_is_set_up_lacks_nothing() -> None:
    assert {one.health for one in on_github(FakeCodeHost()).values()} == {Health.OK}


def test_an_environment_that_is_not_there_comes_with_its_command() -> None:
    told = on_github(FakeCodeHost(names=("production",)))["environment staging"]
    assert told.health is Health.MISSING
    assert told.cure == "gh api --method PUT repos/octo/models/environments/staging"


def test_only_where_something_is_promoted_to_somebody_must_approve() -> None:
    told = on_github(FakeCodeHost(reviewers=0))
    assert told["environment staging"].health is Health.OK
    assert told["environment production"].health is Health.MISSING
    assert '"reviewers"' in told["environment production"].cure


def test_where_there_is_a_glass_its_environment_has_reviewers_of_its_own() -> None:
    config = model_config()
    place = replace(config.environments["production"], break_glass_role="firefighter")
    config = replace(config, environments={**config.environments, "production": place})
    subject = "environment production-break-glass"
    assert subject not in on_github(FakeCodeHost())
    told = on_github(FakeCodeHost(), config)[subject]
    assert told.cure == "gh api --method PUT repos/octo/models/environments/production-break-glass"
    names = ("staging", "production", "production-break-glass")
    assert on_github(FakeCodeHost(names=names), config)[subject].health is Health.OK
    assert on_github(FakeCodeHost(names=names, reviewers=0), config)[subject].health is Health.MISSING


def test_where_the_plan_has_no_reviewers_production_waits_for_a_list() -> None:
    told = on_github(FakeCodeHost(reviewers=0, private=True, plan="team"))["environment production"]
    assert told.health is Health.MISSING
    assert "GitHub Team has no required reviewers" in told.seen
    assert "workflow_dispatch" in told.cure


def test_where_the_plan_is_unknown_nobody_can_tell() -> None:
    told = on_github(FakeCodeHost(reviewers=0, private=True))["environment production"]
    assert told.health is Health.UNKNOWN
    assert "422" in told.cure


def test_a_subject_of_other_claims_does_not_match_the_trust() -> None:
    told = on_github(FakeCodeHost(made_of=("repo", "job_workflow_ref")))["OIDC subject"]
    assert told.health is Health.MISSING
    assert "use_default=true" in told.cure


def test_github_is_asked_once_for_each_thing() -> None:
    asked = []

    class Counting(FakeCodeHost):
        def environments(self) -> tuple[HostedEnvironment, ...]:
            asked.append("environments")
            return super().environments()

    on_github(Counting())
    assert asked == ["environments"]


def test_without_a_token_nothing_is_called_missing() -> None:
    def closed() -> FakeCodeHost:
        raise Unavailable("GitHub cannot be asked without a token", cure="export GITHUB_TOKEN")

    found = [one.diagnose() for one in examine_github.examinations([model_config()], closed)]
    assert {one.health for one in found} == {Health.UNKNOWN}


# --- who may pull ---


def test_modelways_own_policy_bars_nobody() -> None:
    policy = ecr.pull_policy("aws", ["111111111111", "222222222222"])
    assert ecr.barred(policy, "aws", ["111111111111", "222222222222"]) == ()
    assert ecr.barred(policy, "aws", ["111111111111", "444444444444"]) == ("444444444444",)


@pytest.mark.parametrize(
    ("statement", "barred"),
    [
        ({"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}, ()),
        ({"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": ["ecr:*"]}, ()),
        (
            {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "ecr:BatchGetImage"},
            ("111111111111",),
        ),
        ({"Effect": "Deny", "Principal": "*", "Action": "ecr:*"}, ("111111111111",)),
    ],
)
def test_somebody_elses_policy_counts_too(statement: dict[str, str], barred: tuple[str, ...]) -> None:
    assert ecr.barred({"Statement": [statement]}, "aws", ["111111111111"]) == barred


def test_without_any_config_init_is_the_cure(tmp_path: Path) -> None:
    bench = Bench()

    def nothing(_: Sequence[str]) -> tuple[Path, ...]:
        raise Unavailable("there is no config under model-configs/")

    configs = OneConfig(bench.stage.config)
    configs.find = nothing  # type: ignore[method-assign]  # another answer
    parser = argparse.ArgumentParser()
    doctor.arguments(parser)
    world = replace(bench.stage.world, configs=configs, examinations=lambda _: ())
    with pytest.raises(Unavailable):
        doctor.run(parser.parse_args([]), world)
    assert "scripts/run init" in bench.stage.reporter.text
