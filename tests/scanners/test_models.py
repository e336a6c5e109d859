"""Model files that would run code are refused, whatever they hide behind; honest ones pass."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.scanners.builtin.models import containers, machine
from modelway.scanners.builtin.models.containers import is_wanted, look_at
from modelway.scanners.builtin.models.files import Ear, Models
from modelway.scanners.builtin.models.issues import RULES, UNREADABLE
from modelway.scanners.builtin.models.names import Trust, trust
from modelway.scanners.builtin.models.opcodes import OPCODES
from modelway.scanners.builtin.models.values import Unreadable
from tests.scanners.models import SAFE, UNSAFE, Runs, evil, tarred, zipped


def rules(body: bytes, name: str = "model.pkl") -> set[str]:
    """Ids of what is wrong."""
    return {issue.rule.id for issue in look_at(io.BytesIO(body), name)}


@pytest.mark.parametrize("name", UNSAFE)
def test_what_would_run_code_is_refused(name: str) -> None:
    assert is_wanted(name, UNSAFE[name][:512])
    assert rules(UNSAFE[name], name)


@pytest.mark.parametrize("name", SAFE)
def test_what_is_honest_passes(name: str) -> None:
    assert rules(SAFE[name], name) == set()


def test_every_rule_is_broken_by_something() -> None:
    broken = {rule for name, body in UNSAFE.items() for rule in rules(body, name)}
    unknown = rules(b"cmy.package\nThing\n)\x81.")
    assert broken | unknown == {rule.id for rule in RULES}


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("protocol-0.pkl", "model-runs-code"),
        ("dotted.pkl", "model-runs-code"),
        ("computed.pkl", "model-computed-import"),
        ("extension.pkl", "model-computed-import"),
        ("getattr.pkl", "model-computed-import"),
        ("cloudpickle.pkl", "model-carries-code"),
        ("layer.keras", "keras-lambda-layer"),
        ("escaped.keras", "keras-lambda-layer"),
        ("module.keras", "model-runs-code"),
        ("traversal.tar.gz", "archive-path-traversal"),
        ("data.onnx", "onnx-external-data-path"),
        ("saved_model.pb", "tensorflow-file-operation"),
    ],
)
def test_the_reason_is_told(name: str, rule: str) -> None:
    assert rule in rules(UNSAFE[name], name)


def test_an_import_is_named_with_its_file() -> None:
    [issue] = look_at(io.BytesIO(UNSAFE["model.tar"]), "opt/ml/model.tar")
    assert (issue.path, issue.what) == ("opt/ml/model.tar!a/b/model.pt!archive/data.pkl", "posix.system")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"no pickle at all", "model.pkl"),
        (b"", "empty.pkl"),
        (evil()[: len(evil()) // 2], "half.pkl"),
        (b"\x80\x04\x8e" + b"\xff" * 8 + b".", "endless.pkl"),
        (b"\x80\x04\x94.", "nothing-to-keep.pkl"),
        (b"\x04\x22\x4d\x18" + bytes(50), "lz4.joblib"),
        (UNSAFE["torch.pt"][:-20], "torch.pt"),
        (UNSAFE["model.tar.gz"][:-9], "model.tar.gz"),
        (gzip.compress(b"no tar", mtime=0), "model.tar.gz"),
        (zipped({"a.pkl": b"x"}).replace(b"PK\x01\x02", b"PK\x01\x03"), "zip.pt"),
    ],
)
def test_what_cannot_be_read_is_said(body: bytes, name: str) -> None:
    assert UNREADABLE.id in rules(body, name)


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked() -> None:
    bomb = zipped({"archive/data.pkl": pickle.dumps(bytes(8 << 20))}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 16
    [issue] = look_at(io.BytesIO(bomb), "bomb.pt", containers.Budget(1 << 20))
    assert (issue.rule, issue.what) == (UNREADABLE, "it unpacks to more than 4 GiB")


def test_archives_within_archives_end_somewhere() -> None:
    body = evil()
    for number in range(8):
        body = tarred({f"{number}.tar.gz": body})
    assert rules(body, "model.tar.gz") == {UNREADABLE.id}


def test_a_pickle_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "OPERATIONS", 1000)
    file = io.BytesIO(b"\x80\x04" + b"N0" * 100_000 + b"N.")
    with pytest.raises(Unreadable, match="longer than can be followed"):
        machine.Machine(file, left=1000).run()
    assert file.tell() < 1100


def test_what_is_forgotten_is_not_imported_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past what is kept of the memo, a name taken from it is a computed one: no harmless word instead."""
    monkeypatch.setattr(machine, "MEMO", 2)
    keep = b"\x8c\x01a\x94\x8c\x01b\x94\x8c\x02os\x94\x8c\x06system\x94h\x02h\x03\x93."
    assert rules(b"\x80\x04" + keep) == {"model-computed-import"}
    again = b"\x8c\x04math\x94\x8c\x03cos\x94\x8c\x02osq\x00\x8c\x06systemq\x01h\x00h\x01\x93."
    assert rules(b"\x80\x04" + again) == {"model-runs-code"}


def test_every_opcode_is_known() -> None:
    import pickletools

    assert {one.code.encode("latin-1") for one in pickletools.opcodes} == {*OPCODES, b"."}


@pytest.mark.parametrize(
    ("module", "name", "expected"),
    [
        ("sklearn.ensemble._forest", "RandomForestClassifier", Trust.HARMLESS),
        ("sklearn.utils._testing", "TempMemmap", Trust.UNKNOWN),
        ("sklearn.datasets._base", "load_iris", Trust.UNKNOWN),
        ("numpy", "load", Trust.RUNS_CODE),
        ("pandas.io.pickle", "read_pickle", Trust.RUNS_CODE),
        ("torch.hub", "load", Trust.RUNS_CODE),
        ("torch", "FloatStorage", Trust.HARMLESS),
        ("torch.nn.modules.linear", "Linear", Trust.HARMLESS),
        ("xgboost.sklearn", "XGBClassifier", Trust.HARMLESS),
        ("xgboost.spark.core", "Anything", Trust.HARMLESS),
        ("my.package", "Thing", Trust.UNKNOWN),
        ("os ", "system", Trust.UNKNOWN),
        ("\uff4f\uff53", "system", Trust.UNKNOWN),
        ("", "", Trust.UNKNOWN),
        ("builtins", "eval", Trust.RUNS_CODE),
        ("types", "CodeType", Trust.RUNS_CODE),
    ],
)
def test_what_is_known_of_imports(module: str, name: str, expected: Trust) -> None:
    assert trust(module, name) is expected


# Random damage and random bytes.


@given(st.sampled_from(sorted(UNSAFE)), st.data())
def test_damage_never_breaks_the_reader(name: str, data: st.DataObject) -> None:
    body = bytearray(UNSAFE[name])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    rules(bytes(body), name)


@given(
    st.binary(max_size=400), st.sampled_from(["a.pkl", "a.pt", "a.npy", "a.h5", "a.tar.gz", "a.onnx", "a"])
)
def test_any_bytes_are_looked_at(body: bytes, name: str) -> None:
    rules(body, name)


@given(
    st.lists(
        st.sampled_from(
            [
                b"(",
                b"0",
                b"1",
                b"2",
                b"N",
                b"t",
                b"l",
                b"d",
                b"}",
                b"]",
                b")",
                b"a",
                b"e",
                b"u",
                b"s",
                b"b",
                b"R",
                b"\x81",
                b"\x93",
                b"\x94",
                b"h\x00",
                b"q\x00",
                b"\x8c\x02os",
                b"\x8c\x06system",
                b"cos\nsystem\n",
            ]
        ),
        max_size=40,
    )
)
def test_what_pickle_would_import_is_seen(opcodes: list[bytes]) -> None:
    """Python's own unpickler is the oracle: whatever it imports before it ends or fails is named here."""
    body = b"\x80\x04" + b"".join(opcodes) + b"."
    imported: list[str] = []

    class Watched(pickle._Unpickler):  # noqa: SLF001
        def find_class(self, module: str, name: str) -> object:
            imported.append(f"{module}.{name}")
            return dict

    with suppress(Exception):  # whatever it raises, what it imported counts
        Watched(io.BytesIO(body)).load()
    told = " ".join(issue.what for issue in look_at(io.BytesIO(body), "x.pkl"))
    if "os.system" in imported:
        assert "os.system" in told or "computes" in told


@given(st.integers(1, 700))
def test_a_model_is_told_from_its_first_bytes_however_they_come(piece: int) -> None:
    body, into = UNSAFE["no-name"] + bytes(900), Models()
    ear = Ear("opt/x", len(body), into)
    for at in range(0, len(body), piece):
        ear.feed(body[at : at + piece])
    ear.end()
    assert [issue.what for issue in into.issues] == ["posix.system"]


def test_files_that_are_no_models_are_not_set_aside() -> None:
    into = Models()
    ear = Ear("app/serve.py", 6, into)
    ear.feed(b"import")
    ear.end()
    assert (into.looked_at, into.issues) == (0, [])


# What others make of the same.


def test_scikit_learns_own_models_pass(tmp_path: Path) -> None:
    """The iris example's model, as joblib writes it, where scikit-learn is installed."""
    joblib = pytest.importorskip(
        "joblib", reason="needs joblib and scikit-learn, which the example's image has"
    )
    linear = pytest.importorskip(
        "sklearn.linear_model", reason="needs scikit-learn, which the example's image has"
    )
    model = linear.LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    for compress in (0, 3, "bz2", "xz"):
        path = tmp_path / "model.joblib"
        joblib.dump({"model": model, "names": ["a"]}, path, compress=compress)
        assert rules(path.read_bytes(), "model.joblib") == set()


def test_a_call_by_a_classs_own_reduce_is_seen() -> None:
    assert rules(pickle.dumps(Runs(print, "x"))) == set()
    assert rules(pickle.dumps(Runs(exec, "x"))) == {"model-runs-code"}
