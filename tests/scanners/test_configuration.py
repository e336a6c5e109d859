"""Each rule about Dockerfiles and images is broken by what breaks it, and by nothing near it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.config import Byoc, Extended, Prebuilt
from modelway.core.image import Image
from modelway.core.json import JsonObject
from modelway.scanners.builtin.configuration import rules
from modelway.scanners.builtin.configuration.dockerfile import Flaw, Source, flaws, last_user
from modelway.scanners.builtin.configuration.files import Modes
from modelway.scanners.builtin.configuration.image import config_flaws, layer_flaws
from modelway.scanners.builtin.configuration.source import source_of
from modelway.scanners.builtin.tar import Kind, Member
from tests.configs import model_config
from tests.scanners.secrets import AWS_ID, drawn

PINNED = "FROM python:3.11@sha256:" + "a" * 64 + "\n"
ROOT = Path(__file__).parents[2]

BROKEN = [
    ("dockerfile-secret", f"ENV API_TOKEN={drawn(12)}"),
    ("dockerfile-secret", f"ENV API_TOKEN {drawn(12)}"),
    ("dockerfile-secret", f"ARG DB_PASSWORD={drawn(12)}"),
    ("dockerfile-secret", f"RUN aws configure set aws_access_key_id {AWS_ID}"),
    ("dockerfile-secret", f"RUN <<EOF\nkey={AWS_ID}\nEOF"),
    ("dockerfile-secret-argument", "ARG PIP_TOKEN"),
    ("dockerfile-base-latest", "FROM python"),
    ("dockerfile-base-latest", "FROM registry.x.io:5000/python:latest"),
    ("dockerfile-base-movable", "FROM python:3.11"),
    ("dockerfile-add-url", "ADD https://x.io/model.bin /opt/"),
    ("dockerfile-pipe-to-shell", "RUN curl -fsSL https://x.io/install | sh"),
    ("dockerfile-pipe-to-shell", "RUN wget -qO- https://x.io/install | sudo bash -s -- -y"),
    ("dockerfile-pipe-to-shell", "RUN bash <(curl https://x.io/install)"),
    ("dockerfile-pipe-to-shell", 'RUN sh -c "$(curl https://x.io/install)"'),
    ("dockerfile-pipe-to-shell", "RUN curl https://x.io/get.py | python3"),
    ("dockerfile-insecure-download", "RUN curl -k https://x.io/a -o a"),
    ("dockerfile-insecure-download", "RUN pip install --trusted-host x.io a"),
    ("dockerfile-insecure-download", "RUN wget --no-check-certificate https://x.io"),
    ("dockerfile-apt-lists", "RUN apt-get update && apt-get install -y curl"),
    ("dockerfile-apt-unpinned", "RUN apt-get install -y curl && rm -rf /var/lib/apt/lists/*"),
    ("dockerfile-pip-unhashed", "RUN pip install flask==2.0.0"),
    ("dockerfile-pip-unhashed", "RUN python3 -m pip install -r requirements.txt"),
    ("dockerfile-pip-cache", "RUN pip install --require-hashes -r requirements.txt"),
    ("dockerfile-chmod-777", "RUN chmod -R 777 /opt"),
    ("dockerfile-chmod-777", "RUN chmod a+rwx /opt/x"),
    ("dockerfile-chmod-777", "COPY --chmod=777 a /opt/"),
    ("dockerfile-sudo", "RUN sudo make install"),
    ("dockerfile-sudo", "RUN apt-get install -y sudo=1.9 && rm -rf /var/lib/apt/lists/*"),
    ("dockerfile-copy-all", "COPY . /app"),
    ("dockerfile-copy-all", "ADD ./ /app"),
    ("dockerfile-copy-all", 'COPY [".", "/app"]'),
]
FINE = [
    "ENV TOKENIZERS_PARALLELISM=false MAX_TOKENS=512 SECRET_FILE=/run/secrets/x",
    "ARG VERSION=1.2.3",
    "FROM scratch",
    "ADD --checksum=sha256:abc https://x.io/model.bin /opt/",
    "ADD model.tar.gz /opt/",
    "RUN curl -fsSL https://x.io/install -o install && sha256sum -c sums && sh install",
    "RUN cat names | sort | sh_count",
    "RUN curl -fsSLo a https://x.io/a",
    "RUN apt-get update && apt-get install -y curl=7.88 && rm -rf /var/lib/apt/lists/*",
    "RUN --mount=type=cache,target=/var/lib/apt apt-get install -y curl=7.88",
    "RUN pip install --no-cache-dir --require-hashes -r requirements.txt",
    "RUN --mount=type=cache,target=/root/.cache/pip pip install --require-hashes -r requirements.txt",
    "RUN chmod 755 /opt && chmod +x /opt/serve && chmod u+w /opt",
    "COPY program /opt/program",
    "COPY --from=0 . /app",
    "# RUN sudo chmod 777 /",
    "RUN echo pseudo",
]


def broken(text: str, *, ignores: bool = False) -> list[Flaw]:
    """What is wrong with a Dockerfile."""
    text = text if text.startswith("FROM") else PINNED + text
    return list(
        flaws(Source(text=text, file="Dockerfile", platform="linux/amd64", build_args={}, ignores=ignores))
    )


@pytest.mark.parametrize(("rule", "text"), BROKEN)
def test_a_dockerfile_that_breaks_a_rule(rule: str, text: str) -> None:
    found = broken(text)
    assert rule in [flaw.rule.id for flaw in found]
    assert {flaw.line for flaw in found} == {1 if text.startswith("FROM") else 2}


@pytest.mark.parametrize("text", FINE)
def test_a_dockerfile_that_breaks_none(text: str) -> None:
    assert broken(text) == []


def test_secrets_are_told_apart_from_the_rest_of_the_line() -> None:
    [flaw] = [one for one in broken(f"ENV API_TOKEN={drawn(12)}") if one.secret]
    assert flaw.secret == drawn(12)


def test_lines_are_those_of_the_file() -> None:
    text = PINNED + "# a comment\nRUN true \\\n # within\n && true\n\nRUN sudo make\n"
    assert [(flaw.rule.id, flaw.line) for flaw in broken(text)] == [("dockerfile-sudo", 7)]


def test_a_dockerignore_that_says_something_is_enough() -> None:
    assert broken("COPY . /app", ignores=True) == []


def test_the_last_user_is_who_counts() -> None:
    assert last_user("FROM a\nUSER 1\nFROM b\nUSER 2\nRUN x\n") == 4
    assert last_user("FROM a\nUSER 1\nFROM b\nRUN x\n") == 3


@given(st.text(alphabet="FROMRUNADDCOPYENVARG =.:/\\\n\"'<<EOF$-{}#|sudo", max_size=200))
def test_any_dockerfile_is_read(text: str) -> None:
    broken(text)
    last_user(text)


def test_our_own_dockerfiles_stop_nothing() -> None:
    """What the examples and the written Dockerfile are told is advice, below what stops a release."""
    byoc = Byoc(context="examples/iris", dockerfile="examples/iris/Dockerfile")
    extended = Extended(base="python:3.11-slim", requirements="r.txt", command=("serve",))
    for spec in (byoc, extended):
        source = source_of(model_config(image=spec), ROOT)
        assert source is not None
        assert {str(flaw.rule.severity) for flaw in flaws(source)} <= {"low", "negligible"}


def test_an_image_somebody_else_built_has_no_dockerfile(tmp_path: Path) -> None:
    digest = Image.parse("x.io/a@sha256:" + "a" * 64)
    assert source_of(model_config(image=Prebuilt(source=digest)), tmp_path) is None
    assert source_of(model_config(image=Byoc(context=".", dockerfile="gone")), tmp_path) is None


@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore"])
@pytest.mark.parametrize(("text", "ignores"), [("*\n", True), ("# nothing\n\n", False)])
def test_where_a_dockerignore_lies(tmp_path: Path, name: str, text: str, *, ignores: bool) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / name).write_text(text)
    source = source_of(model_config(image=Byoc(context=".", dockerfile="Dockerfile")), tmp_path)
    assert source is not None
    assert source.ignores is ignores


# The image's config and its layers.


@pytest.mark.parametrize(
    ("rule", "config", "targets"),
    [
        ("image-root-user", {"User": "root"}, {}),
        ("image-root-user", {"User": "0:0"}, {}),
        ("image-root-user", {}, {}),
        ("image-shell-command", {"User": "1", "Cmd": ["/bin/sh", "-c", "serve --port 8080"]}, {}),
        ("image-no-healthcheck", {"User": "1"}, {"ecs": {}}),
        ("image-no-healthcheck", {"User": "1", "Healthcheck": {"Test": ["NONE"]}}, {"ecs": {}}),
        ("image-port", {"User": "1", "ExposedPorts": {"80/tcp": {}}}, {"sagemaker": {}}),
        (
            "image-port",
            {"User": "1", "ExposedPorts": {"8080/tcp": {}}},
            {"ecs": {"port": 80, "health_check": {}}},
        ),
    ],
)
def test_an_image_config_that_breaks_a_rule(
    rule: str, config: JsonObject, targets: Mapping[str, JsonObject]
) -> None:
    assert [flaw.rule.id for flaw in config_flaws({"config": config}, targets)] == [rule]


@pytest.mark.parametrize(
    ("config", "targets"),
    [
        ({"User": "1000", "Cmd": ["serve"], "ExposedPorts": {"8080/tcp": {}}}, {"sagemaker": {}}),
        ({"User": "model", "Cmd": ["/bin/sh", "-c", "exec serve"]}, {"sagemaker": {}, "lambda": {}}),
        ({"User": "1", "Healthcheck": {"Test": ["CMD", "true"]}}, {"ecs": {"port": 8080}}),
        ({"User": "1"}, {"ecs": {"health_check": {}}}),
    ],
)
def test_an_image_config_that_breaks_none(config: JsonObject, targets: Mapping[str, JsonObject]) -> None:
    assert list(config_flaws({"config": config}, targets)) == []


def modes(*files: tuple[str, Kind, int]) -> Modes:
    """What is noted of files."""
    noted = Modes()
    for path, kind, mode in files:
        noted.note(path, Member(path, kind, 0, "", False, mode))
    return noted


def test_permissions_nobody_should_have_given() -> None:
    noted = modes(
        ("usr/bin/su", Kind.FILE, 0o4755),
        ("usr/lib/openssh/ssh-keysign", Kind.FILE, 0o4755),
        ("opt/tool", Kind.FILE, 0o4755),
        ("opt/group-tool", Kind.FILE, 0o2755),
        ("tmp", Kind.FOLDER, 0o1777),
        ("opt/data", Kind.FOLDER, 0o777),
        ("opt/run.sh", Kind.FILE, 0o777),
        ("opt/notes.txt", Kind.FILE, 0o666),
        ("opt/link", Kind.SYMBOLIC_LINK, 0o777),
    )
    assert noted == Modes(setuid=["opt/tool", "opt/group-tool"], writable=["opt/data", "opt/run.sh"])
    assert [(flaw.rule.id, flaw.place) for flaw in layer_flaws([(Modes(), 3 << 30), (noted, 0)])] == [
        ("image-big-layer", "/"),
        ("image-setuid", "/opt/tool"),
        ("image-setuid", "/opt/group-tool"),
        ("image-world-writable", "/opt/data"),
    ]


def test_every_rule_is_broken_by_something() -> None:
    told = {rule for rule, _ in BROKEN}
    others = {
        "image-root-user",
        "image-shell-command",
        "image-no-healthcheck",
        "image-port",
        "image-setuid",
        "image-world-writable",
        "image-big-layer",
    }
    assert told | others == {rule.id for rule in rules.RULES}
