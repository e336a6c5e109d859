"""A finding is told to the base or to a line of the repository only where the history agrees."""

from __future__ import annotations

import pytest

from modelway.core.findings import BroughtBy, Finding, Location, Origin, Package, Place, Severity
from modelway.core.origin import Source, by_layer, copied_requirements, settled, traced
from modelway.core.report import ImageLayer

DOCKERFILE = """ARG BASE=python:3.11-slim
FROM ${BASE} AS packages
RUN pip install --target /x y

FROM ${BASE}
LABEL a=b
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf \\
    useradd model \\
 # why
 && install --directory /opt/ml
COPY --from=packages /opt/venv /opt/venv
COPY ["program", "/opt/program/"]
WORKDIR /opt/program
CMD ["serve"]
"""
BUILDKIT = (
    "RUN /bin/sh -c useradd model  && install --directory /opt/ml # buildkit",
    "COPY /opt/venv /opt/venv # buildkit",
    "COPY program /opt/program/ # buildkit",
    "WORKDIR /opt/program",
)
CLASSIC = (
    "/bin/sh -c useradd model  && install --directory /opt/ml",
    "/bin/sh -c #(nop) COPY dir:12 in /opt/venv ",
    "/bin/sh -c #(nop) COPY dir:34 in /opt/program ",
    "/bin/sh -c #(nop) WORKDIR /opt/program",
)
BASE = ("/bin/sh -c #(nop) ADD file:1 in / ", "RUN /bin/sh -c apt-get install x # buildkit")
SOURCE = Source(
    dockerfile=DOCKERFILE,
    file="m/Dockerfile",
    requirements={"m/requirements.txt": "# all\nFlask==2.0.0\nscikit_learn[x] >= 1 ; python_version > '3'\n"},
)


def layers(*created_by: str) -> tuple[ImageLayer, ...]:
    """Layers named by their numbers."""
    return tuple(ImageLayer(diff_id=str(n), created_by=text) for n, text in enumerate(created_by))


def origins(*created_by: str, text: str = DOCKERFILE) -> list[str]:
    """Whose each layer is."""
    return [str(one.origin) for one in settled(layers(*created_by), Source(dockerfile=text))]


def found(layer: str, *, name: str = "zlib", ecosystem: str = "deb", owner: str = "") -> Finding:
    """A finding in a package of a layer."""
    package = Package(ecosystem=ecosystem, name=name, version="1", layer=layer, owner=owner)
    return Finding(id="CVE-1", severity=Severity.HIGH, package=package)


def brought(finding: Finding, *created_by: str, source: Source = SOURCE) -> BroughtBy | None:
    """The line that brings a finding."""
    told = settled(layers(*created_by), source)
    [one] = traced(by_layer([finding], told), told, source)
    return one.brought_by


@pytest.mark.parametrize("own", [BUILDKIT, CLASSIC], ids=["BuildKit", "classic"])
def test_what_the_final_stage_made_is_own_and_what_is_below_is_the_bases(own: tuple[str, ...]) -> None:
    assert origins(*BASE, *own) == ["base"] * 2 + ["own"] * 4


def test_a_folder_that_was_there_makes_no_layer() -> None:
    assert origins(*BASE, *BUILDKIT[:3]) == ["base"] * 2 + ["own"] * 3


@pytest.mark.parametrize(
    "history",
    [
        (*BASE, *BUILDKIT[1:]),  # the RUN is missing
        (*BASE, BUILDKIT[0], BUILDKIT[2]),
        (*BASE, BUILDKIT[0].replace("useradd", "adduser"), *BUILDKIT[1:]),
        (*BASE, *BUILDKIT, "COPY more /more # buildkit"),
        ("", "", "", "", "", ""),
        (),
    ],
)
def test_where_the_history_disagrees_nothing_is_called_the_bases(history: tuple[str, ...]) -> None:
    assert "base" not in origins(*history)


def test_another_dockerfile_tells_nothing() -> None:
    assert set(origins(*BASE, *BUILDKIT, text="")) == {"unknown"}
    assert set(origins(*BASE, *BUILDKIT, text="FROM x\nRUN something else\n")) == {"unknown"}


def test_findings_get_the_origin_of_their_layer() -> None:
    told = settled(layers(*BASE, *BUILDKIT), SOURCE)
    found_in = [one.origin for one in by_layer([found("0"), found("2"), found("x")], told)]
    assert found_in == [Origin.BASE, Origin.OWN, Origin.UNKNOWN]


def test_a_base_is_brought_by_its_from_and_the_rest_by_its_instruction() -> None:
    history = (*BASE, *BUILDKIT)
    assert brought(found("0"), *history) == BroughtBy(file="m/Dockerfile", line=5, text="FROM ${BASE}")
    copied = BroughtBy(file="m/Dockerfile", line=11, text="COPY --from=packages /opt/venv /opt/venv")
    assert brought(found("3"), *history) == copied
    assert brought(found("3"), *history, source=Source(dockerfile=DOCKERFILE)) is None


def test_a_package_somebody_asks_for_is_brought_by_that_line() -> None:
    history = (*BASE, *BUILDKIT)
    asked = brought(found("3", name="scikit-learn", ecosystem="pypi"), *history)
    assert asked == BroughtBy(
        file="m/requirements.txt", line=3, text="scikit_learn[x] >= 1 ; python_version > '3'"
    )
    flask = {"name": "flask", "ecosystem": "pypi"}
    assert brought(found("?", **flask), "", "") == BroughtBy(
        file="m/requirements.txt", line=2, text="Flask==2.0.0"
    )
    of_base = brought(found("0", **flask), *history)
    assert of_base
    assert of_base.file == "m/Dockerfile"
    assert brought(found("x", **flask, owner="python3-flask"), *history) is None


def test_what_lies_in_a_file_is_brought_by_its_layer_and_the_repository_by_nobody() -> None:
    history = (*BASE, *BUILDKIT)
    secret = Finding(id="key", severity=Severity.HIGH, location=Location(file="/opt/program/.env", layer="4"))
    said = brought(secret, *history)
    assert said
    assert said.line == 12
    here = Location(file="m/Dockerfile", place=Place.REPOSITORY, line=3)
    assert brought(Finding(id="DL3002", severity=Severity.HIGH, location=here), *history) is None


def test_requirements_are_found_by_what_is_copied() -> None:
    text = 'FROM x\nCOPY --chown=1 requirements.txt /tmp/\nADD ["a/requirements-gpu.txt", "b.txt", "/"]\n'
    text += "COPY --from=y requirements.txt /\nCOPY program /opt\n"
    assert list(copied_requirements(text)) == ["requirements.txt", "a/requirements-gpu.txt"]
