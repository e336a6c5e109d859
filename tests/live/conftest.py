"""The sandbox account of ``--live``, the ground in it, and the command as a user types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from modelway.rehearsal.play import ADVISORIES
from modelway.targets import TARGETS
from tests.live.account import SHARES, Account, Unfit, read
from tests.live.ground import NAME, Ground, standing
from tests.rehearsal import model_image

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
SURROUNDINGS = dict(os.environ)
"""What other tests are kept from: the profile or the keys of the sandbox."""
MODELS: Mapping[str, Mapping[str, object]] = {
    "sagemaker": {
        "settings": {"mode": "realtime", "instance_type": "ml.m5.large", "execution_role": NAME},
    },
    "ecs": {
        "settings": {},
        "rollout": {"strategy": "canary", "canary_percent": 50, "bake_time": "1m"},
    },
    "lambda": {
        "settings": {"execution_role": NAME, "memory_mb": 512},
        "rollout": {"strategy": "canary", "canary_percent": 50, "bake_time": "1m"},
    },
}


@pytest.fixture(scope="session")
def account(request: pytest.FixtureRequest) -> Account:
    """The account ``--live`` names; without it these tests are skipped."""
    named = request.config.getoption("--live")
    if not named:
        pytest.skip("no sandbox account is configured: --live FILE (docs/how-to/live-tests.md)")
    try:
        found = read(Path(named))
    except (Unfit, OSError) as error:
        pytest.exit(str(error), returncode=2)
    print(f"\nThis run may cost {found.cost:.2f} USD at the most, of {found.spend_at_most:.2f} allowed.")  # noqa: T201
    return found


@pytest.fixture(scope="session")
def ground(account: Account) -> Iterator[Ground]:
    """Everything a release needs around it; deleted in the end, whatever happens, Ctrl-C included."""
    with standing(account) as made:
        yield made


@dataclass
class Sandbox:
    """A team's repository with one tiny model in the sandbox."""

    root: Path
    account: Account
    target: str
    environment: Mapping[str, object]
    ends: float
    """When its time is over, by the clock that only goes forward."""
    said: list[str] = field(default_factory=list)
    data: str = ""
    """What the last command wrote to standard output."""

    def write(self, number: int, behaviour: str = "healthy") -> None:
        """Write the config of a version."""
        settings = self.environment["settings"]
        assert isinstance(settings, Mapping)
        variables = {"VERSION": str(number), "BEHAVIOUR": behaviour}
        place = {
            "target": self.target,
            "account": self.account.number,
            "region": self.account.region,
            **self.environment,
            "settings": {**settings, "environment": variables},
        }
        document = {
            "schema_version": 1,
            "name": f"{NAME}-{self.target}",
            "owner": "live-tests",
            "image": {"strategy": "byoc", "context": "context", "dockerfile": "context/Dockerfile"},
            "registry": {
                "account": self.account.number,
                "region": self.account.region,
                "repository": NAME,
            },
            "scan": {"fail_on": "off"},
            "contract_tests": [{"name": "it answers", "body": "[1]", "expect": {"status": 200}}],
            "environments": {"sandbox": place},
        }
        folder = self.root / "model-configs"
        folder.mkdir(exist_ok=True)
        (folder / "live.yaml").write_text(yaml.safe_dump(document, sort_keys=False))

    def run(self, verb: str, *options: str) -> int:
        """Run a command, as long as there is time; its exit code."""
        given = options if verb == "scan-db" else ("model-configs/live.yaml", *options)
        variables = {"PYTHONPATH": str(SCRIPTS), "MODELWAY_ADVISORIES": str(self.root / "index.sqlite")}
        command = [sys.executable, "-m", "modelway", verb, *given]
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=SURROUNDINGS | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                self.data, said = process.communicate(timeout=max(1.0, self.ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                _, said = process.communicate()
                pytest.fail(f"{SHARES[self.target].minutes} minutes are over\n{said}")
        self.said.append(f"$ {verb} {' '.join(given)}: exit {process.returncode}\n{self.data}{said}")
        return process.returncode

    def step(self, code: int, verb: str, *options: str) -> None:
        """A command that must end so."""
        assert self.run(verb, *options) == code, "\n".join(self.said[-2:])

    def serving(self) -> str:
        """The version that serves, by its id."""
        self.step(0, "status", "-e", "sandbox", "--format", "json")
        return str(json.loads(self.data)["sandbox"]["serving"])


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, account: Account, ground: Ground, tmp_path: Path) -> Sandbox:
    """A repository whose model goes to one target."""
    target: str = request.param
    if target not in account.targets:
        pytest.skip(f"the account's file does not list the target {target}")
    if target not in TARGETS:
        pytest.skip(f"this modelway has no target {target}")
    environment = dict(MODELS[target])
    if target == "ecs":
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ:
                patch.delenv(name)
            for name, value in SURROUNDINGS.items():
                patch.setenv(name, value)
            environment["settings"] = ground.ecs_settings()
    _image(tmp_path / "context")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    ends = time.monotonic() + 60 * SHARES[target].minutes
    made = Sandbox(tmp_path, account, target, environment, ends)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    made.step(0, "scan-db", "import", str(ADVISORIES), "--note", "live tests", "--as-of", today)
    return made


def _image(context: Path) -> None:
    """The tiny model, with a package a scanner can see."""
    model_image.write_context(context)
    folder = context / "packages" / "tiny-0.1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 0.1\n")
    with (context / "Dockerfile").open("a") as file:
        file.write("COPY packages /usr/lib/python3/dist-packages\n")
