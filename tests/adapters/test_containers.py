"""Containers run as SageMaker runs them, and the usual mistakes are seen in real ones."""

from __future__ import annotations

import itertools
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelway.adapters import engine
from modelway.adapters.buildkit import BuildKit
from modelway.adapters.clock import RealClock
from modelway.adapters.containers import LABEL, DockerContainers
from modelway.errors import Malformed, Unavailable, Unhealthy
from modelway.ports import BuildRequest, HttpRequest
from tests.fakes import FakeReporter
from tests.rehearsal import model_image

pytestmark = pytest.mark.docker

NAME = f"modelway/test-containers-{os.getpid()}"
"""Of this process: what it built is removed at the end, and another run may have the same tests."""
LISTENING = """\
import http.server, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        {get}
socketserver.TCPServer(("{host}", {port}), Handler).serve_forever()
"""
_numbers = itertools.count(1)
OK = "self.send_response(200); self.end_headers()"
PYTHON = f"FROM {model_image.NAME}\nCOPY program /server.py\n"
BARE = "FROM scratch\nENV PATH=/bin\nCOPY program /bin/serve\n"


def server(get: str = OK, host: str = "0.0.0.0", port: int = 8080) -> str:  # noqa: S104 - in a container
    """A server's source."""
    return LISTENING.replace("{get}", get).replace("{host}", host).replace("{port}", str(port))


@dataclass(frozen=True)
class Workshop:
    """Makes images and runs them."""

    folder: Path
    containers: DockerContainers

    def image(self, dockerfile: str, program: str, mode: int = 0o755) -> str:
        """A local image."""
        file = self.folder / "program"
        file.write_text(program)
        file.chmod(mode)
        tag = f"{NAME}:in-{next(_numbers)}"
        request = BuildRequest(context=self.folder, dockerfile=dockerfile, platform="linux/amd64", tag=tag)
        BuildKit(FakeReporter(), RealClock(), self.folder).build(request)
        return tag

    def failure(self, tag: str, *, model: Path | None = None, timeout: float = 6) -> Unhealthy:
        """How it fails to serve, on a slow machine, too."""
        with (
            pytest.raises(Unhealthy) as caught,
            self.containers.serve(tag, environment={}, model=model, timeout=timeout),
        ):
            pass
        return caught.value


@pytest.fixture(scope="module", autouse=True)
def _images(_engine: str) -> Iterator[None]:
    """The Python image; what the tests build is removed."""
    model_image.build(engine.client())
    yield
    for image in engine.client().images.list(NAME):
        engine.client().images.remove(str(image.id), force=True)


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop that must leave no container behind."""
    before = _ours()
    yield Workshop(tmp_path, DockerContainers(RealClock()))
    assert _ours() <= before


def _ours() -> set[str]:
    """Containers of the images made here; other runs on this machine have their own."""
    found = engine.client().containers.list(all=True, ignore_removed=True, filters={"label": LABEL})
    return {str(one.id) for one in found if str(one.attrs["Config"]["Image"]).startswith(NAME)}


def test_a_good_image_serves_with_its_model_and_environment(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.txt").write_text("0.5")
    with workshop.containers.serve(
        model_image.NAME, environment={"VERSION": "7"}, model=tmp_path / "model", timeout=60
    ) as container:
        answer = container.invoke(HttpRequest(body=b"abc", content_type="text/csv"))
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert b'"version": "7"' in answer.body
        assert b'"model": "0.5"' in answer.body
        assert b'"type": "text/csv"' in answer.body
        assert 0 < answer.latency < 10
        assert any("serve" in line for line in container.logs())


def test_an_archive_is_unpacked_as_sagemaker_does(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "weights.txt").write_text("0.7")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "weights.txt", "weights.txt")
    with workshop.containers.serve(
        model_image.NAME, environment={}, model=tmp_path / "model.tar.gz", timeout=60
    ) as container:
        assert b'"model": "0.7"' in container.invoke(HttpRequest(body=b"")).body


def test_an_archive_that_is_none_is_malformed(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"not an archive")
    with (
        pytest.raises(Malformed, match=r"not a usable model\.tar\.gz"),
        workshop.containers.serve(
            model_image.NAME, environment={}, model=tmp_path / "model.tar.gz", timeout=3
        ),
    ):
        pass


def test_an_image_that_is_not_here_is_unavailable(workshop: Workshop) -> None:
    with (
        pytest.raises(Unavailable, match="no local image"),
        workshop.containers.serve("modelway/nobody:in-1", environment={}, model=None, timeout=3),
    ):
        pass


MISTAKES: dict[str, tuple[Callable[[Workshop], str], str]] = {
    "there is no serve": (
        lambda shop: shop.image(BARE.replace("/bin/serve", "/bin/other"), "x"),
        "serve was not found",
    ),
    "serve is not executable": (lambda shop: shop.image(BARE, "x", 0o644), "/bin/serve is not executable"),
    "serve's interpreter is missing": (
        lambda shop: shop.image(BARE, "#!/nobody\n"),
        "the interpreter in its #!",
    ),
    "serve cannot be executed": (lambda shop: shop.image(BARE, "print(1)\n"), "another processor"),
    "it crashes": (lambda shop: shop.image(PYTHON, "raise SystemExit('boom')"), "ended with exit code 1"),
    "it ends at once": (lambda shop: shop.image(PYTHON, "print(1)"), "must keep running in the foreground"),
    "another port": (lambda shop: shop.image(PYTHON, server(port=5000)), "it listens on 5000 instead"),
    "inside only": (lambda shop: shop.image(PYTHON, server(host="127.0.0.1")), "inside the container only"),
    "no route for /ping": (
        lambda shop: shop.image(PYTHON, server(get="self.send_error(404)")),
        "GET /ping answered 404",
    ),
    "a slow /ping": (
        lambda shop: shop.image(PYTHON, server(get="__import__('time').sleep(9)")),
        "GET /ping took longer than 2 s",
    ),
}


@pytest.mark.parametrize(("make", "what"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_named(workshop: Workshop, make: Callable[[Workshop], str], what: str) -> None:
    failure = workshop.failure(make(workshop))
    assert what in failure.what
    assert failure.cure


def test_the_containers_last_words_are_told(workshop: Workshop) -> None:
    tag = workshop.image(PYTHON, "raise SystemExit('no weights, no life')")
    assert "no weights, no life" in workshop.failure(tag).seen


def test_an_artifact_laid_out_wrongly_is_named(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "model" / "top").mkdir(parents=True)
    (tmp_path / "model" / "top" / "weights.txt").write_text("x")
    tag = workshop.image(PYTHON, "open('/opt/ml/model/weights.txt')")
    assert "all its files in a folder top/" in workshop.failure(tag, model=tmp_path / "model").what


TRAIN = """\
import os, sys
assert sys.argv[1:] == ["train"] and os.path.exists("/opt/ml/input/config/hyperparameters.json")
os.mkdir("/opt/ml/model/deep")
open("/opt/ml/model/deep/weights", "w").write("0.9")
"""


def test_training_leaves_its_model_here(workshop: Workshop, tmp_path: Path) -> None:
    tag = workshop.image(PYTHON + "USER 1000\n", TRAIN)
    workshop.containers.train(tag, tmp_path / "out", environment={})
    assert (tmp_path / "out/deep/weights").read_text() == "0.9"


def test_training_that_fails_says_why(workshop: Workshop, tmp_path: Path) -> None:
    program = "open('/opt/ml/output/failure', 'w').write('bad data'); raise SystemExit(3)"
    with pytest.raises(Unhealthy, match="train ended with exit code 3") as caught:
        workshop.containers.train(workshop.image(PYTHON, program), tmp_path / "out", environment={})
    assert "bad data" in caught.value.seen
