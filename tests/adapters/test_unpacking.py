"""Archives are unpacked whole, and never outside their folder."""

from __future__ import annotations

import contextlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.adapters.unpacking import unpack


def archive(*entries: tuple[str, object]) -> tarfile.TarFile:
    """Entries by name: bytes are a file, ``/`` a folder, ``->x`` a symbolic link, ``=x`` a hard one."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as making:
        for name, what in entries:
            entry = tarfile.TarInfo(name)
            body = what if isinstance(what, bytes) else b""
            match what:
                case "/":
                    entry.type = tarfile.DIRTYPE
                case "fifo":
                    entry.type = tarfile.FIFOTYPE
                case str() if what.startswith("->"):
                    entry.type, entry.linkname = tarfile.SYMTYPE, what[2:]
                case str():
                    entry.type, entry.linkname = tarfile.LNKTYPE, what[1:]
                case _:
                    entry.size = len(body)
            making.addfile(entry, io.BytesIO(body))
    packed.seek(0)
    return tarfile.open(fileobj=packed)


def unpacked(tmp_path: Path, *entries: tuple[str, object], under: str = "") -> dict[str, bytes]:
    folder = tmp_path / "out"
    folder.mkdir()
    unpack(archive(*entries), folder, under=under)
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_files_folders_and_links_inside_are_unpacked(tmp_path):
    found = unpacked(
        tmp_path,
        (".", "/"),
        ("./code", "/"),
        ("./code/a.py", b"a"),
        ("./b", "->code/a.py"),
        ("./c", "=./code/a.py"),
        ("deep/er/d", b"d"),
    )
    assert found == {"code/a.py": b"a", "b": b"a", "c": b"a", "deep/er/d": b"d"}


def test_only_what_lies_under_a_name_is_unpacked_without_it(tmp_path):
    entries = (("model", "/"), ("model/w", b"w"), ("model/x", "=model/w"))
    assert unpacked(tmp_path, *entries, under="model") == {"w": b"w", "x": b"w"}


@pytest.mark.parametrize(
    "entries",
    [
        [("../evil", b"x")],
        [("/evil", b"x")],
        [("a/../../evil", b"x")],
        [("a", "->/etc"), ("a/evil", b"x")],
        [("a", "->.."), ("a/evil", b"x")],
        [("a", "->../../etc/passwd")],
        [("a", "=../outside")],
        [("a", "=/etc/passwd")],
        [("a", "=missing")],
        [("a", "fifo")],
    ],
    ids=lambda entries: str(entries[-1]) + str(len(entries)),
)
def test_what_leads_out_or_is_special_is_refused(tmp_path, entries):
    (tmp_path / "outside").write_bytes(b"secret")
    with pytest.raises(tarfile.TarError):
        unpacked(tmp_path, *entries)
    assert not (tmp_path / "evil").exists()


names = st.lists(st.sampled_from(["..", ".", "a", "b", "", "/"]), min_size=1, max_size=5).map("/".join)
things = st.sampled_from([b"x", "/", "->..", "->a", "->/tmp", "=a", "=../a", "fifo"])


@given(st.lists(st.tuples(names, things), max_size=6))
def test_nothing_is_ever_written_outside(tmp_path_factory, entries):
    top = tmp_path_factory.mktemp("top")
    folder = top / "in" / "out"
    folder.mkdir(parents=True)
    with contextlib.suppress(tarfile.TarError, OSError):
        unpack(archive(*entries), folder)
    assert [p.name for p in top.iterdir()] == ["in"]
    assert [p.name for p in (top / "in").iterdir()] == ["out"]
