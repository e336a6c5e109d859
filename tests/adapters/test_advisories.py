"""An index is replaced whole or stays as it was, whatever the sources are."""

from __future__ import annotations

import gzip
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from modelway.adapters.advisories import OsvIndex, location
from modelway.core.findings import Epss, Exploited
from modelway.errors import Failure, Malformed, NotEvaluated, Unavailable
from modelway.scanners.builtin.index import open_index
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
def serving(
    folder: Path, *failures: int, cut: bool = False, port: int = 0
) -> Iterator[tuple[str, list[str]]]:
    """An OSV mirror on loopback that fails first as often as told."""
    waiting, asked = [*failures], list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            asked.append(f"{self.path} {wanted}".strip())
            file = folder / unquote(self.path).lstrip("/")
            status = waiting.pop(0) if waiting else 200 if file.is_file() else 404
            body = file.read_bytes() if status == 200 else b"no"
            tag = f'"{sha256(body).hexdigest()}"'
            if status == 200 and self.headers.get("If-None-Match") == tag:
                status, body = 304, b""
            elif status == 200 and wanted and self.headers.get("If-Range") == tag:
                status, body = 206, body[int(wanted.removeprefix("bytes=").removesuffix("-")) :]
            self.send_response(status)
            self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(body)))
            if status == 302:
                self.send_header("Location", "http://example.invalid/all.zip")
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut and len(body) > 1 else body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (http.server's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
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


def _changed(mirror: Path, ecosystem: str, *records: tuple[str, str, str]) -> None:
    """Records with a day that are new in the export: their files, and the list that names them first."""
    lines = [f"{day},{id_}" for id_, day, _ in sorted(records, key=lambda one: one[1], reverse=True)]
    (mirror / ecosystem / "modified_id.csv").write_text("\n".join([*lines, "2026-06-13T00:00:00Z,OLD"]))
    for id_, _, body in records:
        (mirror / ecosystem / f"{id_}.json").write_text(body)


def test_a_second_update_takes_only_what_changed(index: OsvIndex, mirror: Path) -> None:
    new, again = "2026-06-15T01:00:00Z", "2026-06-15T02:00:00Z"
    gone = json.dumps({**json.loads(_record("A", again)), "withdrawn": again})
    with serving(mirror) as (url, asked):
        first = index.update(("PyPI", "Debian"), url)
        _changed(mirror, "PyPI", ("C", new, _record("C", new)), ("A", again, gone))
        _changed(mirror, "Debian")
        asked.clear()
        second = index.update(("PyPI", "Debian"), url)
    assert asked == [
        "/PyPI/modified_id.csv",
        "/Debian/modified_id.csv",
        "/PyPI/A.json",
        "/PyPI/C.json",
    ]
    assert (first.records, second.records) == (2, 2)
    assert (second.sources, second.digest != first.digest) == (first.sources, True)
    assert second.as_of == datetime(2026, 6, 14, tzinfo=UTC)
    assert second.newest_modified == datetime(2026, 6, 15, 2, tzinfo=UTC)
    with serving(mirror) as (_, _), open_index(index.path) as opened:
        assert [one.id for one, _ in opened.affecting("PyPI", "flask")] == ["C"]


def test_changes_and_the_whole_export_make_the_same_index(
    index: OsvIndex, mirror: Path, tmp_path: Path
) -> None:
    new = "2026-06-15T01:00:00Z"
    other = OsvIndex(tmp_path / "other.sqlite", FakeClock(NOW), FakeReporter())
    with serving(mirror) as (url, _):
        index.update(("PyPI",), url)
        _changed(mirror, "PyPI", ("C", new, _record("C", new)))
        changed = index.update(("PyPI",), url)
        _zip(mirror / "PyPI/all.zip", _record("A"), _record("C", new))
        assert other.update(("PyPI",), url) == changed


@pytest.mark.parametrize("listed", ["nonsense", "2026-06-15T00:00:00Z", ",A"])
def test_a_list_of_changes_that_cannot_be_read_asks_for_all(
    index: OsvIndex, mirror: Path, listed: str
) -> None:
    with serving(mirror) as (url, asked):
        index.update(("PyPI",), url)
        (mirror / "PyPI/modified_id.csv").write_text(listed)
        asked.clear()
        index.update(("PyPI",), url)
    assert asked == ["/PyPI/modified_id.csv", "/PyPI/all.zip"]


def test_an_update_that_was_cut_off_goes_on_where_it_stopped(index: OsvIndex, mirror: Path) -> None:
    with serving(mirror, cut=True) as (url, _), pytest.raises(Unavailable):
        index.update(("PyPI",), url)
    [part] = (index.path.parent / "advisories-download").glob("*.part")
    begun = part.stat().st_size
    assert 0 < begun < (mirror / "PyPI/all.zip").stat().st_size
    port = url.rpartition(":")[2]
    with serving(mirror, port=int(port)) as (again, asked):
        assert again == url
        assert index.update(("PyPI",), url).records == 1
    assert asked == [f"/PyPI/all.zip bytes={begun}-"]
    assert not (index.path.parent / "advisories-download").exists()


def test_a_download_that_is_broken_is_not_kept(index: OsvIndex, mirror: Path) -> None:
    whole = (mirror / "PyPI/all.zip").read_bytes()
    (mirror / "PyPI/all.zip").write_bytes(whole[:-40])
    with serving(mirror) as (url, _):
        with pytest.raises(Malformed, match="no readable zip"):
            index.update(("PyPI",), url)
        (mirror / "PyPI/all.zip").write_bytes(whole)
        assert index.update(("PyPI",), url).records == 1


KEV = {
    "title": "CISA Catalog of Known Exploited Vulnerabilities",
    "catalogVersion": "2026.06.14",
    "dateReleased": "2026-06-14T15:00:00.000Z",
    "count": 101,
    "vulnerabilities": [
        {"cveID": f"CVE-2023-{1000 + n}", "dateAdded": "2026-01-02", "dueDate": "2026-01-23"}
        for n in range(101)
    ],
}
EPSS = "#model_version:v2025.03.14,score_date:2026-06-15T00:00:00+0000\ncve,epss,percentile\n" + "".join(
    f"CVE-2023-{1000 + n},0.{n:05d},0.5\n" for n in range(200)
)


def _lists(folder: Path) -> tuple[Path, Path]:
    """CISA's and FIRST's lists as they are published."""
    kev, epss = folder / "known_exploited_vulnerabilities.json", folder / "epss_scores-2026-06-15.csv.gz"
    kev.write_text(json.dumps(KEV))
    epss.write_bytes(gzip.compress(EPSS.encode()))
    return kev, epss


def test_lists_of_the_exploited_are_added_and_carried_on(index: OsvIndex, tmp_path: Path) -> None:
    records = _zip(tmp_path / "all.zip", _record("A"))
    bring(index, records)
    before = index.about()
    bring(index, *_lists(tmp_path))
    about = index.about()
    assert about.also == (("CISA KEV", "2026-06-14"), ("FIRST EPSS", "2026-06-15"))
    assert (about.records, about.as_of, about.digest != before.digest) == (1, before.as_of, True)
    bring(index, records)
    assert index.about() == about
    with open_index(index.path) as opened:
        known = opened.exploited(frozenset(("GHSA-x", "CVE-2023-1100")))
        assert known == Exploited(source="CISA KEV", added="2026-01-02", due="2026-01-23")
        assert opened.exploited(frozenset(("CVE-2023-1101",))) is None
        assert opened.epss(frozenset(("CVE-2023-1007",))) == Epss(
            score=0.00007, percentile=0.5, day="2026-06-15"
        )


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("kev.json", json.dumps({**KEV, "vulnerabilities": KEV["vulnerabilities"][:50]})),  # type: ignore[index]
        ("kev.json", json.dumps({**KEV, "count": 4})),
        ("kev.json", json.dumps({**KEV, "vulnerabilities": [{"cveID": "x"}] * 101})),
        ("epss.csv", EPSS[:400]),
        ("epss.csv", EPSS.partition("\n")[2]),
        ("epss.csv", EPSS.replace("0.00050", "1.5")),
        ("epss.csv.gz", EPSS),
        ("updateinfo.xml", "<updates><update type='security'><id>x</id></update></updates>"),
        ("updateinfo.xml", "<updates>"),
    ],
)
def test_a_list_that_was_cut_is_refused(index: OsvIndex, tmp_path: Path, name: str, body: str) -> None:
    bring(index, _zip(tmp_path / "all.zip", _record("A")))
    before = index.path.read_bytes()
    (tmp_path / name).write_text(body)
    with pytest.raises(Malformed, match="was left as it was"):
        bring(index, tmp_path / name)
    assert index.path.read_bytes() == before


def test_a_list_that_cannot_be_had_is_a_warning(index: OsvIndex, mirror: Path) -> None:
    _lists(mirror)
    with serving(mirror) as (url, _):
        about = index.update(
            ("PyPI",),
            url,
            kev_url=f"{url}/known_exploited_vulnerabilities.json",
            epss_url=f"{url}/absent.csv.gz",
        )
    assert about.also == (("CISA KEV", "2026-06-14"),)
    assert isinstance(index.reporter, FakeReporter)
    [warning] = index.reporter.warnings
    assert "stays as old as it is" in warning


UPDATEINFO = """<?xml version="1.0" encoding="UTF-8"?>
<updates><update author="linux-security@amazon.com" status="final" type="security" version="1.4">
<id>ALAS2023-2024-500</id><title>Amazon Linux 2023 - ALAS2023-2024-500: Medium priority package update</title>
<issued date="2026-06-14 08:00" /><updated date="2026-06-14 09:00" /><severity>Medium</severity>
<references><reference href="https://alas.aws.amazon.com/x" id="CVE-2024-1" title="" type="cve" />
<reference href="https://alas.aws.amazon.com/y" id="CVE-2024-2" title="" type="cve" /></references>
<pkglist><collection short="amazon-linux"><name>Amazon Linux</name>
<package arch="aarch64" epoch="1" name="openssl-libs" release="1.amzn2023.0.9" version="3.0.8">
<filename>a</filename></package>
<package arch="x86_64" epoch="1" name="openssl-libs" release="1.amzn2023.0.9" version="3.0.8">
<filename>b</filename></package>
</collection></pkglist></update>
<update type="bugfix"><id>ALAS2023-2024-501</id></update></updates>"""


def test_amazons_advisories_are_read_from_its_repositories(index: OsvIndex, tmp_path: Path) -> None:
    (tmp_path / "updateinfo.xml.gz").write_bytes(gzip.compress(UPDATEINFO.encode()))
    bring(index, tmp_path / "updateinfo.xml.gz")
    about = index.about()
    assert about.ecosystems == (("Amazon Linux:2023", 1),)
    assert about.as_of == datetime(2026, 6, 14, 9, tzinfo=UTC)
    with open_index(index.path) as opened:
        [(advisory, affected)] = opened.affecting("Amazon Linux:2023", "openssl-libs")
    assert (advisory.id, advisory.covers) == ("ALAS2023-2024-500", ("CVE-2024-1", "CVE-2024-2"))
    assert affected.ranges == ((("introduced", "0"), ("fixed", "1:3.0.8-1.amzn2023.0.9")),)


def test_what_was_packed_is_taken_whole_or_not_at_all(index: OsvIndex, tmp_path: Path) -> None:
    bring(index, _zip(tmp_path / "all.zip", _record("A")))
    index.pack(tmp_path / "packed")
    other = OsvIndex(tmp_path / "other/advisories.sqlite", FakeClock(NOW), FakeReporter())
    assert other.take(tmp_path / "packed") == index.about() == other.about()
    body = gzip.decompress((tmp_path / "packed").read_bytes())
    for broken in (
        gzip.compress(body[:4096]),
        gzip.compress(b"x"),
        b"x",
        (tmp_path / "packed").read_bytes()[:-9],
    ):
        (tmp_path / "broken").write_bytes(broken)
        with pytest.raises(Failure):
            other.take(tmp_path / "broken")
        assert other.about() == index.about()


SHARED = Path(__file__).parents[3] / "shared/data/osv"


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the 10,000 records of ../shared/data/osv")
def test_at_real_size(index: OsvIndex) -> None:
    bring(index, SHARED)
    about = index.about()
    assert about.records == 9923
    assert dict(about.ecosystems)["PyPI"] == 2651
    assert index.path.stat().st_size < 12_000_000
