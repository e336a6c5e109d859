"""The pickles of one file: several in a row, joblib's arrays between their opcodes, NumPy's header before."""

from __future__ import annotations

import ast
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from modelway.scanners.builtin.models.machine import Findings, Machine
from modelway.scanners.builtin.models.names import Trust, trust
from modelway.scanners.builtin.models.values import Box, Name, Unreadable, Value

NUMPY = b"\x93NUMPY"
_HEADER = 1 << 16
_DTYPE = re.compile(r"[<>=|]?([?bhilqBHILQfdgFDGcefuimMSUVO])([0-9]{0,9})\Z")
_ONE_LETTER = {"?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "l": 8, "L": 8, "q": 8, "Q": 8}
_UNICODE = 4
_MOST = 1 << 50


@dataclass(frozen=True, slots=True)
class Read:
    """What a file's pickles do, and why not all of it is known."""

    found: Findings
    problem: str = ""


def read_pickles(file: BinaryIO) -> Read:
    """Read from where the file stands; what follows the first pickle need not be one."""
    reader = _Reader()
    machine = Machine(file, on_built=reader.built)
    try:
        machine.run()
    except Unreadable as error:
        return Read(reader.joined(machine.found), str(error))
    while start := file.read(1):
        file.seek(-1, 1)
        at, more = file.tell(), Machine(file, left=machine.left, on_built=reader.built)
        try:
            more.run()
        except Unreadable:
            _keep_dangerous(more.found, machine.found)
            break
        _join(more.found, machine.found)
        if file.tell() == at or not start:
            break
    return Read(reader.joined(machine.found))


def read_numpy(file: BinaryIO) -> Read | None:
    """A ``.npy`` file (numpy.lib.format): a pickle of objects; ``None`` where its items are numbers."""
    version = file.read(8)[6:7]
    wide = version != b"\x01"
    size = int.from_bytes(file.read(4 if wide else 2), "little")
    if size > _HEADER:
        return Read(Findings(), "its header is too long")
    try:
        text = file.read(size).decode("latin-1").strip()
        header = ast.literal_eval(re.sub(r"(?<=[0-9])L\b", "", text))  # as Python 2 wrote long numbers
        descr = header["descr"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        return Read(Findings(), "its header is broken")
    if not _has_objects(descr):
        return None
    return read_pickles(file)


def _has_objects(descr: object) -> bool:
    """Whether a NumPy type holds Python objects, at any depth."""
    waiting = [descr]
    while waiting:
        one = waiting.pop()
        if isinstance(one, (list, tuple)):
            waiting.extend(one)
        elif isinstance(one, str) and re.fullmatch(r"[<>=|]?O[0-9]*", one):
            return True
    return False


class _Reader:
    """Follows joblib's arrays, and looks at what a plain unpickler would make of them."""

    def __init__(self) -> None:
        self.plain: Findings | None = None

    def built(self, machine: Machine, box: Box) -> None:
        """An object got its state: joblib reads an array from the file when it is a wrapper of one."""
        if not _is_wrapper(box):
            return
        if self.plain is None:
            self.plain = _as_plain(machine)
        dtype = box.entries.get("dtype")
        alignment = box.entries.get("numpy_array_alignment_bytes")
        if _letter(dtype) == "O":
            nested = Machine(machine.file, machine.found, left=machine.left, on_built=self.built)
            nested.run()
            machine.left = nested.left
            return
        size = _bytes_of(dtype, box.entries.get("shape"))
        if isinstance(alignment, int):
            machine.skip(machine.take(1)[0])
        machine.skip(size)

    def joined(self, found: Findings) -> Findings:
        """What both ways of reading found."""
        if self.plain is not None:
            _keep_dangerous(self.plain, found)
        return found


def _as_plain(machine: Machine) -> Findings:
    """Go on as an unpickler that knows no arrays: what is data to joblib would be opcodes to it."""
    at = machine.file.tell()
    other = Machine(machine.file, left=machine.left, memo=dict(machine.memo))
    with suppress(Unreadable):
        other.go_on(list(machine.stack), list(machine.marks))
    machine.file.seek(at)
    return other.found


def _is_wrapper(box: Box) -> bool:
    """Whether an object stands for an array (joblib.numpy_pickle.NumpyArrayWrapper)."""
    arguments = box.arguments if isinstance(box.arguments, tuple) else ()
    made = (box.of, *arguments[:1])
    return any(isinstance(one, Name) and one.name == "NumpyArrayWrapper" for one in made)


def _letter(dtype: Value) -> str:
    """The kind of a NumPy type, as its character says; empty where nothing says."""
    found = _DTYPE.match(_code(dtype))
    return found[1] if found else ""


def _code(dtype: Value) -> str:
    """How a pickled NumPy type is called: ``f8``."""
    match dtype:
        case Box(of=Name(), arguments=(str(code), *_)):
            return code
        case _:
            return ""


def _bytes_of(dtype: Value, shape: Value) -> int:
    """How many bytes an array has."""
    found = _DTYPE.match(_code(dtype))
    if not found or not isinstance(shape, tuple) or not all(type(one) is int and one >= 0 for one in shape):
        raise Unreadable("it holds an array whose size it does not say")
    letter, digits = found.groups()
    size = int(digits) if digits else _ONE_LETTER.get(letter, 8)
    count = math.prod(one for one in shape if isinstance(one, int))
    if count * size > _MOST:
        raise Unreadable("it holds an array of impossible size")
    return count * size * (_UNICODE if letter == "U" else 1)


def _keep_dangerous(source: Findings, into: Findings) -> None:
    """Of bytes that may be no pickle only what cannot be chance counts."""
    for name in source.imports:
        if trust(name.module, name.name) in {Trust.RUNS_CODE, Trust.CARRIES_CODE}:
            into.imports[name] = None


def _join(source: Findings, into: Findings) -> None:
    into.imports |= source.imports
    into.computed += source.computed
    into.pickles += source.pickles
