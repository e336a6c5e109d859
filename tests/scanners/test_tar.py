"""The strict reader sees what Python's lenient one sees, and refuses what that passes over."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.errors import NotEvaluated
from modelway.scanners.builtin.stream import Pull
from modelway.scanners.builtin.tar import Kind, Tar
from tests.scanners.images import layer

NAMES = st.lists(
    st.sampled_from(["a", "b.c", "ü", "x" * 60, "y" * 130, "with space"]), min_size=1, max_size=4
)
FORMS = st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])


def _read(body: bytes, chunk: int = 700) -> list[tuple[str, Kind, bytes, str]]:
    tar = Tar(Pull(body[at : at + chunk] for at in range(0, len(body), chunk)))
    return [(one.name, one.kind, tar.read(1 << 20), one.link) for one in tar]


@given(
    st.dictionaries(NAMES.map("/".join), st.binary(max_size=1500), max_size=8),
    FORMS,
    st.integers(min_value=1, max_value=4000),
)
def test_reads_what_tarfile_writes(files: dict[str, bytes], form: int, chunk: int) -> None:
    found = _read(layer(files, form=form), chunk)
    assert [(name, content) for name, _, content, _ in found] == list(files.items())


def test_kinds_and_links() -> None:
    body = layer({"f": b"x", "d/": None, "s": "-> there/" + "z" * 120, "h": "=> f"})
    found = [(name.rstrip("/"), kind, link) for name, kind, _, link in _read(body)]
    assert found == [
        ("f", Kind.FILE, ""),
        ("d", Kind.FOLDER, ""),
        ("s", Kind.SYMBOLIC_LINK, "there/" + "z" * 120),
        ("h", Kind.HARD_LINK, "f"),
    ]


def test_content_that_is_not_read_is_passed_over() -> None:
    tar = Tar(Pull([layer({"a": b"x" * 3000, "b": b"y" * 513, "c": b"z"})]))
    assert [one.name for one in tar] == ["a", "b", "c"]


class Heard(list[bytes]):
    """A listener that keeps what it is told."""

    ended = False

    def feed(self, piece: bytes) -> None:
        self.append(piece)

    def end(self) -> None:
        self.ended = True


@pytest.mark.parametrize("chunk", [1, 700, 1 << 20])
@pytest.mark.parametrize("most", [0, 10, 700, 5000])
def test_a_listener_is_told_everything_whatever_others_read(chunk: int, most: int) -> None:
    files = {"a": b"x" * 699 + b"y", "b": b"", "c": b"z" * 3000}
    body = layer(files)
    tar = Tar(Pull([body[at : at + chunk] for at in range(0, len(body), chunk)]))
    heard: dict[str, Heard] = {}
    for one in tar:
        tar.listen(heard.setdefault(one.name, Heard()))
        tar.head(most)
    assert {name: b"".join(one) for name, one in heard.items()} == files
    assert all(one.ended for one in heard.values())


def test_permission_bits_are_read() -> None:
    member = tarfile.TarInfo("su")
    member.mode = 0o4755
    assert [one.mode for one in Tar(Pull([member.tobuf()]))] == [0o4755]


def test_a_broken_header_is_not_the_end() -> None:
    """Python's own reader would see one file and be content."""
    body = bytearray(layer({"a": b"x", "b": b"y"}))
    body[1024 + 10] ^= 1
    with tarfile.open(fileobj=io.BytesIO(body)) as lenient:
        assert lenient.getnames() == ["a"]
    with pytest.raises(NotEvaluated, match="cannot be read"):
        _read(bytes(body))


@pytest.mark.parametrize("cut", [100, 512, 513, 1500])
def test_an_early_end_is_refused(cut: int) -> None:
    body = layer({"a": b"x" * 1200})
    with pytest.raises(NotEvaluated, match="cannot be read"):
        _read(body[:cut])


def test_a_huge_extended_header_is_refused_before_it_is_read() -> None:
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.XHDTYPE, 1 << 32
    with pytest.raises(NotEvaluated, match="cannot be read"):
        _read(member.tobuf(tarfile.USTAR_FORMAT))


@given(st.data())
def test_any_damage_is_refused_or_harmless(data: st.DataObject) -> None:
    body = bytearray(layer({"a": b"x" * 700, "b" * 120: b"y", "c": "-> a"}))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with suppress(NotEvaluated):
        _read(bytes(body))
