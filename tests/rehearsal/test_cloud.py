"""The rehearsal cloud as a process: it answers its own address only, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from botocore.exceptions import ClientError

from modelway.errors import Unavailable
from modelway.rehearsal import launch, leftovers
from modelway.rehearsal.launch import Cloud
from modelway.rehearsal.namespace import is_alive, namespace
from tests.rehearsal import images
from tests.rehearsal.clients import LAPTOP, REGISTRY, Clients
from tests.rehearsal.logins import login

pytestmark = pytest.mark.rehearsal


def processes_of(state: Path) -> list[int]:
    """Processes whose command line names the folder: supervisor, server and registry."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str(state).encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_until(what: Callable[[], bool], seconds: float = 40) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return what()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    launch.stop_all(tmp_path)
    assert wait_until(lambda: not processes_of(tmp_path))


def test_stopping_leaves_no_process_and_no_secret(state: Path) -> None:
    with launch.start(state, clock_factor=1) as cloud:
        assert len(processes_of(state)) == 3
        assert stat.S_IMODE((state / "cloud.json").stat().st_mode) == 0o600
        assert launch.find(state) is not None
    assert processes_of(state) == []
    assert not (state / "cloud.json").exists()
    assert launch.find(state) is None
    cloud.stop()  # twice does no harm


STARTER = """
import sys, time
from dataclasses import replace
from pathlib import Path
from modelway.rehearsal import launch, leftovers
launch.start(Path(sys.argv[1]), clock_factor=1, keep=sys.argv[2] == "keep")
print("started", flush=True)
time.sleep(60)
"""


def start_elsewhere(state: Path, keep: str) -> subprocess.Popen[str]:
    """Start a cloud from another process, so that the starter can die."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(state), keep],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert starter.stdout
    assert starter.stdout.readline() == "started\n"
    starter.stdout.close()
    return starter


def test_a_starter_that_is_killed_takes_the_cloud_with_it(state: Path) -> None:
    starter = start_elsewhere(state, "")
    starter.kill()
    starter.wait()
    assert wait_until(lambda: not processes_of(state))


def test_a_kept_cloud_outlives_its_starter_until_it_is_stopped(state: Path) -> None:
    starter = start_elsewhere(state, "keep")
    starter.kill()
    starter.wait()
    cloud = launch.find(state)
    assert cloud
    with pytest.raises(Unavailable, match="running already"):
        launch.start(state, clock_factor=1)
    removed = launch.stop_all(state)
    assert f"rehearsal cloud at {cloud.endpoint}" in removed
    assert processes_of(state) == []
    assert [path.name for path in state.iterdir()] == ["blobs"]


@pytest.mark.parametrize("killed", [0, 1], ids=["supervisor", "server"])
def test_whoever_of_the_two_is_killed_the_other_clears_up(state: Path, killed: int) -> None:
    cloud = launch.start(state, clock_factor=1)
    server = next(pid for pid in processes_of(state) if f"\nPPid:\t{cloud.pid}\n" in status_of(pid))
    os.kill((cloud.pid, server)[killed], signal.SIGKILL)
    ended = wait_until(lambda: has_ended(cloud) and not processes_of(state))
    # One that is killed while it starts may leave its file; nobody takes that for a cloud.
    found = launch.find(state)
    cloud.stop()
    assert ended
    assert found is None


def has_ended(cloud: Cloud) -> bool:
    return cloud.process is not None and cloud.process.poll() is not None


def status_of(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


@pytest.mark.docker
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_containers_of_the_run_go_with_it_even_when_the_server_is_killed(
    state: Path, ending: signal.Signals
) -> None:
    engine = docker.from_env()
    name = f"modelway-rehearsal-test-cloud-{os.getpid()}"  # another run may have the same tests
    [image] = engine.images.load(images.archive(name))
    cloud = launch.start(state, clock_factor=1)
    run = json.loads((state / "cloud.json").read_text())["run"]
    mine = engine.api.create_container(image.id, ["/x"], labels={"modelway.rehearsal": run})["Id"]
    server = next(pid for pid in processes_of(state) if f"\nPPid:\t{cloud.pid}\n" in status_of(pid))
    os.kill(server, ending)
    assert wait_until(lambda: has_ended(cloud))
    left = [one.id for one in engine.containers.list(all=True, ignore_removed=True)]
    cloud.stop()
    assert mine not in left
    engine.images.remove(f"{name}:latest")


def test_a_registry_that_cannot_start_is_said_so(
    state: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    occupied = tmp_path_factory.mktemp("blobs")
    (occupied / "docker").write_text("a file where a folder belongs")
    (occupied / "lock").mkdir()
    with pytest.raises(Unavailable, match="did not start"):
        launch.start(state, clock_factor=1, blobs=occupied)


@pytest.mark.parametrize(
    ("run", "alive"),
    [
        (f"{os.getpid()}-{namespace()}-aa", False),  # another program has the process id now
        (f"{2**22 + 1}-{namespace()}-aa", False),  # nobody has it
        ("1-12345-aa", True),  # a namespace we cannot look into
    ],
    ids=["another program", "nobody", "elsewhere"],
)
def test_only_runs_that_are_known_to_be_over_are_orphans(run: str, *, alive: bool) -> None:
    assert is_alive(run) is alive


def test_a_wrong_release_of_moto_is_refused(
    state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The parts patch moto's insides."""
    fake = tmp_path_factory.mktemp("site") / "moto-0.0.1.dist-info"
    fake.mkdir()
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: moto\nVersion: 0.0.1\n")
    hook = fake.parent / "sitecustomize.py"
    hook.write_text(f"import sys; sys.path.insert(0, {str(fake.parent)!r})\n")
    monkeypatch.setattr(launch, "PYTHONPATH", f"{fake.parent}:{launch.PYTHONPATH}")
    with pytest.raises(Unavailable, match=r"expected 5\.2\.5, found 0\.0\.1"):
        launch.start(state, clock_factor=1)


def test_layers_are_kept_between_runs_but_images_are_not(tmp_path: Path) -> None:
    built = images.image("kept")
    blobs = tmp_path / "cache"
    for run in (1, 2):
        state = tmp_path / f"run{run}"
        with launch.start(state, clock_factor=1, blobs=blobs) as cloud:
            ecr = Clients(cloud).ecr()
            uri = ecr.create_repository(repositoryName="ml/x")["repository"]["repositoryUri"]
            pusher = images.Pusher(uri, login(ecr))
            layer = f"blobs/{images.sha256(built.blobs[1])}"
            assert pusher.request("HEAD", layer).status == (404 if run == 1 else 200)
            registry = json.loads((state / "cloud.json").read_text())["registry"]
            for address in (cloud.endpoint.removeprefix("http://"), registry):
                there = replace(pusher, uri=f"{address}/{uri.partition('/')[2]}")
                assert there.request("GET", f"manifests/{built.digest}").status == 404
            pusher.push(built, "v1")


def ask(url: str, **headers: str) -> int:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - loopback
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_other_host_names_are_refused(cloud: Cloud) -> None:
    """A web page whose name resolves to loopback is a web page of somebody else (DNS rebinding)."""
    for host in ("attacker.example", f"attacker.example:{cloud.endpoint.rpartition(':')[2]}", "127.0.0.1:1"):
        assert ask(f"{cloud.endpoint}/v2/", Host=host) == 421
    assert ask(f"{cloud.endpoint}/v2/") == 401


@pytest.mark.parametrize("path", ["/_rehearse/calls", "/_rehearse/faults", "/moto-api/data.json"])
def test_control_needs_the_token(cloud: Cloud, path: str) -> None:
    assert ask(cloud.endpoint + path) == 403
    assert ask(cloud.endpoint + path, **{"X-Rehearse-Token": "wrong"}) == 403
    assert ask(cloud.endpoint + path, **{"X-Rehearse-Token": cloud.token}) != 403


def bridges(run: str) -> set[str]:
    """Where this machine is on networks of a run, as ``/proc/net/tcp`` writes it."""
    if not leftovers.reach_engine():
        return set()
    networks = docker.from_env().networks.list(filters={"label": f"modelway.rehearsal={run}"})
    gateways = [each.attrs["IPAM"]["Config"][0]["Gateway"] for each in networks]
    return {bytes(reversed(socket.inet_aton(gateway))).hex().upper() for gateway in gateways}


def test_only_loopback_listens_and_the_bridge_of_the_runs_own_containers(cloud: Cloud) -> None:
    told = json.loads((cloud.state / "cloud.json").read_text())
    ports = {f"{int(cloud.endpoint.rpartition(':')[2]):04X}"}
    ports.add(f"{int(told['registry'].rpartition(':')[2]):04X}")
    table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    rows = [line.split() for line in table.splitlines() if " 0A " in line]
    listening = [row[1] for row in rows if row[1].rpartition(":")[2] in ports]
    loopback = {f"0100007F:{port}" for port in ports}
    assert loopback <= set(listening)
    assert {each.partition(":")[0] for each in set(listening) - loopback} <= bridges(told["run"])


def calls(cloud: Cloud, *, after: int) -> list[dict[str, object]]:
    told = cloud.control(f"calls?after={after}")
    assert isinstance(told, list)
    return told


def test_calls_are_logged_with_who_and_what(clients: Clients, cloud: Cloud) -> None:
    ecr = clients.ecr()
    last = max([0, *(int(str(entry["number"])) for entry in calls(cloud, after=0))])
    with pytest.raises(ClientError):
        ecr.describe_images(repositoryName="ml/nowhere")
    [entry] = calls(cloud, after=last)
    assert (entry["service"], entry["operation"], entry["resource"]) == (
        "ecr",
        "DescribeImages",
        "ml/nowhere",
    )
    assert (entry["account"], entry["region"], entry["status"]) == (REGISTRY, "eu-west-1", 400)
    assert entry["principal"] == f"arn:aws:sts::{REGISTRY}:assumed-role/modelway/test"


UNKNOWN: list[tuple[str, str, dict[str, object]]] = [
    ("ecr", "get_account_setting", {"name": "BLOB_MOUNTING"}),
    ("eks", "list_access_entries", {"clusterName": "x"}),
    ("pricing", "describe_services", {}),
    ("iam", "simulate_custom_policy", {"PolicyInputList": ["{}"], "ActionNames": ["s3:GetObject"]}),
    ("sts", "get_web_identity_token", {"Audience": ["x"], "SigningAlgorithm": "RS256"}),
    ("accessanalyzer", "validate_policy", {"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}),
]


@pytest.mark.parametrize(("service", "operation", "parameters"), UNKNOWN)
def test_what_is_not_rehearsed_says_so_once(
    clients: Clients, service: str, operation: str, parameters: dict[str, object]
) -> None:
    """moto answers HTTP 500 in HTML, which botocore retries as an outage."""
    client = clients.other(service, LAPTOP)
    name = client.meta.method_to_api_mapping[operation]
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    response = caught.value.response
    assert response["Error"]["Code"] == "NotRehearsed"
    assert f"{service}:{name}" in response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_the_environment_replaces_aws_settings_of_the_user(cloud: Cloud) -> None:
    mine = {
        "AWS_PROFILE": "work",
        "AWS_ENDPOINT_URL_S3": "https://s3.example",
        "PATH": "/bin",
        "NO_PROXY": "a.b",
    }
    given = cloud.environment(mine)
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3"} & given.keys()
    assert (given["PATH"], given["AWS_ENDPOINT_URL"]) == ("/bin", cloud.endpoint)
    assert given["NO_PROXY"].startswith("a.b,127.0.0.1,localhost,127.")  # load balancers have their own
    assert given["MODELWAY_CLOCK_FACTOR"] == "60.0"
