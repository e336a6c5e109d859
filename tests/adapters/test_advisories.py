"""An index is replaced whole or stays as it was, whatever the sources are."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelway.adapters.advisories import OsvIndex, location
from modelway.errors import Failure, Malformed, NotEvaluated, Unavailable
from tests.fakes import FakeClock, FakeReporter

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def _record(id_: str, modified: str = "2026-06-14T00:00:00Z", ecosystem: str = "PyPI") -> str:
    events = [{"introduced": "0"}, {"fixed": "2"}]
    affected = {
        "package": {"ecosystem": ecosystem, "name": "flask"},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    return json.dumps({"id": id_, "modified": modified, "affected": [affected]})


def _zip(path: Path, *records: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, record in enumerate(records):
            archive.writestr(f"{number}.json", record)
    return path


@pytest.fixture
def index(tmp_path: Path) -> OsvIndex:
    return OsvIndex(tmp_path / "cache/modelway/advisories.sqlite", FakeClock(NOW), FakeReporter())


def bring(index: OsvIndex, *sources: Path) -> None:
    """Import with neither note nor day."""
    index.bring(sources, note="", as_of=None)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HOME": "/home/me"}, "/home/me/.cache/modelway/advisories.sqlite"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/c"}, "/c/modelway/advisories.sqlite"),
        ({"XDG_CACHE_HOME": "/c", "MODELWAY_ADVISORIES": "/x.sqlite"}, "/x.sqlite"),
    ],
)
def test_location(environment: dict[str, str], expected: str) -> None:
    assert location(environment) == Path(expected)


def test_no_index_says_how_to_get_one(index: OsvIndex) -> None:
    with pytest.raises(NotEvaluated, match="no advisories") as caught:
        index.about()
    assert "scan-db update" in caught.value.cure
    assert "scan-db import" in caught.value.cure


def test_files_folders_and_zips(index: OsvIndex, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(_record("A"))
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/two.json").write_text(_record("B"))
    _zip(tmp_path / "d/PyPI/all.zip", _record("C"), _record("D"))
    index.bring([tmp_path / "one.json", tmp_path / "d"], note="mine", as_of=None)
    about = index.about()
    assert about.records == 4
    assert about.sources == ("one.json", "d", "d/PyPI/all.zip")
    assert (about.note, about.built, about.ecosystems) == ("mine", NOW, (("PyPI", 4),))


def test_a_source_is_as_old_as_its_newest_record_and_an_option_overrules_it(
    index: OsvIndex, tmp_path: Path
) -> None:
    new, old = (
        _zip(tmp_path / "new.zip", _record("A")),
        _zip(tmp_path / "old.zip", _record("B", "2020-01-01T00:00:00Z")),
    )
    bring(index, new, old)
    assert index.about().as_of == datetime(2020, 1, 1, tzinfo=UTC)
    index.bring([new, old], note="", as_of=NOW)
    assert index.about().as_of == NOW
    with pytest.raises(Malformed, match="yet to come"):
        index.bring([new], note="", as_of=datetime(2026, 6, 16, tzinfo=UTC))


def _broken(folder: Path) -> dict[str, Path]:
    whole = _zip(folder / "whole.zip", *(_record(f"A{n}") for n in range(50)))
    cut, flipped = folder / "cut.zip", folder / "flipped.zip"
    cut.write_bytes(whole.read_bytes()[:-30])
    body = bytearray(whole.read_bytes())
    body[60] ^= 0xFF
    flipped.write_bytes(body)
    (folder / "bad.json").write_text('{"id": 3}')
    (folder / "empty").mkdir()
    return {
        "cut": cut,
        "flipped": flipped,
        "no record": folder / "bad.json",
        "one bad of two": _zip(folder / "mixed.zip", _record("A"), "{}"),
        "a bomb": _zip(folder / "bomb.zip", " " * (17 << 20)),
        "empty": folder / "empty",
        "absent": folder / "absent",
    }


@pytest.mark.parametrize(
    "which", ["cut", "flipped", "no record", "one bad of two", "a bomb", "empty", "absent"]
)
def test_what_cannot_be_read_leaves_the_index_as_it_was(index: OsvIndex, tmp_path: Path, which: str) -> None:
    bring(index, _zip(tmp_path / "good.zip", _record("GOOD")))
    before = index.path.read_bytes()
    with pytest.raises(Malformed) as caught:
        bring(index, _broken(tmp_path)[which])
    assert caught.value.cure or caught.value.seen or "larger" in caught.value.what
    assert index.path.read_bytes() == before
    assert [path.name for path in index.path.parent.iterdir()] == [index.path.name]


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    index = OsvIndex(tmp_path / "file/advisories.sqlite", FakeClock(NOW), FakeReporter())
    with pytest.raises(Unavailable, match="cannot be written"):
        bring(index, _zip(tmp_path / "good.zip", _record("A")))


@contextmanager
def serving(folder: Path, *failures: int, cut: bool = False) -> Iterator[tuple[str, list[str]]]:
    """An OSV mirror on loopback that fails first as often as told."""
    waiting, asked = [*failures], list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            file = folder / self.path.lstrip("/")
            status = waiting.pop(0) if waiting else 200 if file.is_file() else 404
            body = file.read_bytes() if status == 200 else b"no"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 302:
                self.send_header("Location", "http://example.invalid/all.zip")
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (http.server's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """The layout of OSV's export."""
    _zip(tmp_path / "mirror/PyPI/all.zip", _record("A"))
    _zip(tmp_path / "mirror/Debian/all.zip", _record("B", ecosystem="Debian:12"))
    return tmp_path / "mirror"


def test_update_downloads_every_ecosystem(index: OsvIndex, mirror: Path) -> None:
    with serving(mirror) as (url, asked):
        about = index.update(("PyPI", "Debian"), f"{url}/")
    assert asked == ["/PyPI/all.zip", "/Debian/all.zip"]
    assert about == index.about()
    assert about.ecosystems == (("Debian:12", 1), ("PyPI", 1))
    assert about.as_of == datetime(2026, 6, 14, tzinfo=UTC)


def test_update_tries_again(index: OsvIndex, mirror: Path) -> None:
    clock = FakeClock(NOW)
    with serving(mirror, 503, 429) as (url, _):
        OsvIndex(index.path, clock, FakeReporter()).update(("PyPI",), url)
    assert clock.slept == [2.0, 4.0]
    assert index.about().records == 1


@pytest.mark.parametrize(
    ("failures", "cut", "tries"), [([404], False, 1), ([500] * 4, False, 4), ([302], False, 1), ([], True, 4)]
)
def test_a_failed_update_leaves_the_index_as_it_was(
    index: OsvIndex, mirror: Path, failures: list[int], tries: int, *, cut: bool
) -> None:
    bring(index, mirror / "PyPI/all.zip")
    before = index.path.read_bytes()
    with serving(mirror, *failures, cut=cut) as (url, _), pytest.raises(Failure) as caught:
        index.update(("Debian",), url)
    assert caught.value.exit_code == 8
    assert f"{tries} tr" in caught.value.seen
    assert index.path.read_bytes() == before


@pytest.mark.parametrize("url", ["http://example.com", "file:///etc", "ftp://x", "example.com"])
def test_only_https_is_downloaded_from(index: OsvIndex, url: str) -> None:
    with pytest.raises(Malformed, match="not an address"):
        index.update(("PyPI",), url)


SHARED = Path(__file__).parents[3] / "shared/data/osv"


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the 10,000 records of ../shared/data/osv")
def test_at_real_size(index: OsvIndex) -> None:
    bring(index, SHARED)
    about = index.about()
    assert about.records == 9923
    assert dict(about.ecosystems)["PyPI"] == 2651
    assert index.path.stat().st_size < 12_000_000
