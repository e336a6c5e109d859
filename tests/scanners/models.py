"""Model files made for tests: harmless ones, and ones that would run something. None is ever loaded."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import struct
import subprocess
import tarfile
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping


class Runs:
    """Would run a command."""

    def __init__(self, target: Callable[..., object] = os.system, *arguments: object) -> None:
        self.made = (target, arguments or ("true",))

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.made


def evil(protocol: int = 4) -> bytes:
    """A pickle that would run a command."""
    return pickle.dumps({"weights": [1.0], "x": Runs()}, protocol)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return out.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return out.getvalue()


def npy(descr: str, body: bytes) -> bytes:
    """An array of NumPy's own format."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def _text(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


CALL = _text("true") + b"\x85R."
"""Calls what is on the stack with one text, and ends."""

TORCH = pickle.dumps(OrderedDict(weight=1), 2)

UNSAFE: dict[str, bytes] = {
    **{f"protocol-{number}.pkl": evil(number) for number in range(6)},
    "popen.pkl": pickle.dumps(Runs(subprocess.Popen, ["true"]), 4),
    "eval.pkl": pickle.dumps(Runs(eval, "1"), 4),
    "inst.pkl": b"(S'true'\nios\nsystem\n.",
    "obj.pkl": b"(" + _global("os", "system") + b"S'true'\no.",
    "python2.pkl": _global("__builtin__", "eval") + CALL,
    "commands.pkl": _global("commands", "getoutput") + CALL,
    "stack-global.pkl": b"\x80\x04" + _text("os") + _text("system") + b"\x93" + CALL,
    "memo.pkl": b"\x80\x04" + _text("os") + b"\x940" + _text("system") + b"\x940h\x00h\x01\x93" + CALL,
    "escaped.pkl": b"\x80\x04S'\\x6fs'\nS'sys\\x74em'\n\x93" + CALL,
    "unicode-escape.pkl": b"\x80\x04V\\u006fs\nVsystem\n\x93" + CALL,
    "dotted.pkl": b"\x80\x04" + _text("numpy") + _text("os.system") + b"\x93" + CALL,
    "reexport.pkl": b"\x80\x04" + _text("sklearn.base") + _text("os.system") + b"\x93" + CALL,
    "after-stop.pkl": pickle.dumps([1], 4) + evil(4),
    "padded.pkl": b"\x80\x04" + b"N0" * 5000 + _global("posix", "system") + CALL,
    "truncated.pkl": evil(4)[:-3],
    "popped.pkl": b"\x80\x04" + _global("os", "system") + b"0N.",
    "ufunc.pkl": b"\x80\x04"
    + _global("numpy.core", "_ufunc_reconstruct")
    + _text("os")
    + _text("system")
    + b"\x86R.",
    "getattr.pkl": b"\x80\x04"
    + _global("builtins", "getattr")
    + _global("builtins", "dict")
    + _text("__class__")
    + b"\x86R.",
    "handed-on.pkl": b"\x80\x04"
    + _global("functools", "partial")
    + _global("builtins", "getattr")
    + b"\x85R.",
    "method.pkl": b"\x80\x04"
    + _global("builtins", "getattr")
    + _global("numpy", "ndarray")
    + _text("tofile")
    + b"\x86R.",
    "runstring.pkl": _global("numpy.testing._private.utils", "runstring") + CALL,
    "extension.pkl": b"\x80\x02\x82\x01" + CALL,
    "computed.pkl": b"\x80\x04"
    + _global("builtins", "str")
    + _text("os")
    + b"\x85R"
    + _text("system")
    + b"\x93"
    + CALL,
    "cloudpickle.pkl": _global("cloudpickle.cloudpickle", "_make_function") + CALL,
    "no-name": evil(4),
    "gzip.pkl.gz": gzip.compress(evil()),
    "zlib.joblib": zlib.compress(evil()),
    "bzip2.joblib": bz2.compress(evil()),
    "xz.joblib": lzma.compress(evil()),
    "lzma.joblib": lzma.compress(evil(), lzma.FORMAT_ALONE),
    "torch.pt": zipped({"archive/data.pkl": evil(2), "archive/data/0": bytes(64)}),
    "torch.bin": zipped({"archive/data.pkl": evil(2)}, zipfile.ZIP_DEFLATED),
    "torch-without-name": zipped({"archive/data.pkl": evil(2)}),
    "torchscript.pt": zipped({"m/code/a.py": b"x", "m/constants.pkl": evil(2), "m/data.pkl": TORCH}),
    "called.safetensors": evil(),
    "array.npy": npy("'|O'", evil()),
    "structured.npy": npy("[('a', '<f8'), ('b', [('c', '|O')])]", evil()),
    "arrays.npz": zipped({"a.npy": npy("'|O'", evil())}),
    "model.tar.gz": tarred({"model.joblib": evil()}),
    "model.tar": tarred({"a/b/model.pt": zipped({"archive/data.pkl": evil(2)})}, "w"),
    "model.tgz": tarred({"inner.tar.gz": tarred({"m.pkl": evil()})}),
    "model.tar.xz": tarred({"m.pkl": evil()}, "w:xz"),
    "traversal.tar.gz": tarred({"../../etc/cron.d/x": b"x"}),
    "layer.keras": zipped(
        {"config.json": b'{"config": {"layers": [{"module": "keras.layers", "class_name": "Lambda"}]}}'}
    ),
    "escaped.keras": zipped({"config.json": b'{"class_name": "\\u004cambda"}'}),
    "module.keras": zipped({"config.json": b'{"module": "subprocess", "class_name": "Popen"}'}),
    "foreign.keras": zipped({"config.json": b'{"module": "my.code", "class_name": "Thing"}'}),
    "lambda.h5": b"\x89HDF\r\n\x1a\n" + bytes(5000) + b'{"class_name": "Lambda", "config": {}}' + bytes(500),
    "data.onnx": b"\x08\x07" + b"\x0a\x08location\x12\x10../../etc/passwd" + bytes(50),
    "absolute.onnx": b"\x0a\x08location\x12\x0b/etc/passwd",
    "saved_model.pb": b"\x0a\x04read\x12\x08ReadFile" + bytes(50),
}
"""Each of these is refused, for whatever reason."""

SAFE: dict[str, bytes] = {
    **{
        f"plain-{number}.pkl": pickle.dumps(
            {"a": [1, 2.5, "x" * 400, (1, 2, 3, 4, 5)], "b": {1}, "c": 1 << 90}, number
        )
        for number in range(6)
    },
    "several.pkl": pickle.dumps(1) + pickle.dumps(2),
    "classes.pkl": _global("sklearn.linear_model._logistic", "LogisticRegression") + b")\x81}b.",
    "ufunc.pkl": b"\x80\x04"
    + _global("numpy.core", "_ufunc_reconstruct")
    + _text("numpy")
    + _text("log1p")
    + b"\x86R.",
    "torch.pt": zipped(
        {
            "archive/data.pkl": TORCH,
            "archive/data/0": b"\x80\x02" + bytes(range(256)),
            "archive/version": b"3",
        }
    ),
    "weights.safetensors": struct.pack("<Q", 50) + b'{"__metadata__":{}}' + bytes(64),
    "weights.gguf": b"GGUF" + bytes(64),
    "weights.bin": bytes(range(256)) * 4,
    "idl.sav": b"SR\x00\x04" + bytes(100),
    "array.npy": npy("'<f8'", bytes(8)),
    "array-of-python-2.npy": npy("'<f8'", bytes(8))
    .replace(b"(1,)", b"(1L,)")
    .replace(b"\x01\x00\x3a", b"\x01\x00\x3b"),
    "arrays.npz": zipped({"a.npy": npy("'<f8'", bytes(8))}),
    "model.tar.gz": tarred({"model.json": b"{}", "model.pkl": pickle.dumps([1])}),
    "layers.keras": zipped(
        {"config.json": b'{"module": "keras.layers", "class_name": "Dense"}', "metadata.json": b"{}"}
    ),
    "layers.h5": b"\x89HDF\r\n\x1a\n" + b'{"class_name": "Dense"}' + bytes(500),
    "beside.onnx": b"\x0a\x08location\x12\x0cweights.data",
    "saved_model.pb": b"\x0a\x03mul\x12\x06MatMul",
    "readme.txt": b"os.system is a function",
}
"""Nothing is wrong with these."""
