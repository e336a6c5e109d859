"""Dockerfiles: which images they name, and the one written for ``extended``."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from modelway.core import dockerfile
from modelway.core.config import BuildSecret, Extended

SPEC = Extended(base="python:3", requirements="a/requirements.txt", source="a/program", command=("serve",))

CASES: Mapping[str, tuple[str, Mapping[str, str], list[tuple[str, int]]]] = {
    "one stage": ("FROM python:3.12\n", {}, [("python:3.12", 1)]),
    "lower case, platform and stage name": (
        "from --platform=linux/amd64 python:3 as build\n",
        {},
        [("python:3", 1)],
    ),
    "a global argument's default": ("ARG BASE=python:3\nFROM ${BASE}\n", {}, [("python:3", 2)]),
    "an argument that is given": ("ARG BASE=python:3\nFROM $BASE\n", {"BASE": "mine:1"}, [("mine:1", 2)]),
    "an argument nobody declared is no build argument": ("FROM python:3$X\n", {"X": "1"}, [("python:3", 1)]),
    "arguments made of arguments": (
        'ARG V=3 T="$V-slim"\nFROM python:${T}\n',
        {"V": "4"},
        [("python:4-slim", 2)],
    ),
    "a default inside the reference": ("ARG V\nFROM python:${V:-3}\n", {}, [("python:3", 2)]),
    "an argument after the first FROM is another": (
        "ARG V=3\nFROM python:$V AS a\nARG V=9\nFROM b:$V\n",
        {},
        [("python:3", 2), ("b:3", 4)],
    ),
    "stages are no images": (
        "FROM python:3 AS one\nFROM one AS two\nCOPY --from=one /a /b\nCOPY --from=0 /a /b\n",
        {},
        [("python:3", 1)],
    ),
    "scratch is no image": ("FROM scratch\n", {}, []),
    "images that are copied from": (
        "FROM python:3\nCOPY --from=busybox:1 /bin/sh /sh\nRUN --mount=type=bind,from=alpine:3,target=/x x\n",
        {},
        [("busybox:1", 2), ("alpine:3", 3), ("python:3", 1)],
    ),
    "the last FROM comes last": (
        "FROM a:1 AS x\nFROM b:1\nCOPY --from=x / /\n",
        {},
        [("a:1", 1), ("b:1", 2)],
    ),
    "continued lines and comments between": ("FROM \\\n# why\n  python:3\n", {}, [("python:3", 1)]),
    "another escape character": ("# escape=`\nFROM `\n python:3\n", {}, [("python:3", 2)]),
    "here-documents are no instructions": (
        "FROM python:3\nRUN cat <<EOF > x\nFROM not:1\nEOF\nCOPY --from=y:1 a b\n",
        {},
        [("y:1", 5), ("python:3", 1)],
    ),
    "comments are no instructions": ("# FROM not:1\nFROM python:3\n", {}, [("python:3", 2)]),
    "what cannot be known is left out": ("FROM ${NOBODY}\n", {}, []),
    "nothing": ("", {}, []),
}


@pytest.mark.parametrize(("text", "given", "found"), CASES.values(), ids=CASES.keys())
def test_bases(text: str, given: Mapping[str, str], found: list[tuple[str, int]]) -> None:
    bases = dockerfile.bases(text, given, "linux/amd64")
    assert [(base.reference, base.line) for base in bases] == found


@pytest.mark.parametrize(
    ("reference", "movable"),
    [("python", True), ("python:3.12", True), ("python@sha256:" + "a" * 64, False)],
)
def test_a_name_without_a_digest_can_move(reference: str, movable: object) -> None:
    assert dockerfile.Base(reference, 1).movable is movable


def test_the_written_dockerfile_stands_on_its_base_and_copies_requirements_before_source() -> None:
    text = dockerfile.written(SPEC)
    assert [base.reference for base in dockerfile.bases(text, {}, "linux/amd64")] == ["python:3"]
    assert text.index("pip install") < text.index('COPY ["a/program/", "/opt/program/"]')
    assert text.endswith('ENTRYPOINT ["serve"]\n')


def test_secrets_are_mounted_and_never_named_otherwise() -> None:
    text = dockerfile.written(
        Extended(base="p:1", requirements="r.txt", secrets=(BuildSecret(id="token", env="T"),))
    )
    assert "--mount=type=secret,id=token,target=/run/secrets/token,required=true" in text
    assert "--mount=type=secret,id=pip_conf,target=/etc/pip.conf \\" in text
    assert "ENV" not in text
    assert "ARG" not in text


def test_without_a_command_the_base_images_entrypoint_stays() -> None:
    assert "ENTRYPOINT" not in dockerfile.written(Extended(base="p:1", requirements="r.txt"))


def test_the_context_of_an_extended_image_is_what_it_copies() -> None:
    lines = dockerfile.ignored(SPEC).splitlines()
    assert lines[:3] == ["*", "!a/requirements.txt", "!a/program"]
