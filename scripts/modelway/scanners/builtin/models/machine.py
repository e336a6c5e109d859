"""Reads a pickle as the unpickler would, and runs nothing: what it imports, and what it does with that.

The opcodes are those of Lib/pickletools.py, protocols 0 to 5. Every count and length is bounded, so that a
pickle made to exhaust us ends in ``Unreadable``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from modelway.scanners.builtin.models.names import translated
from modelway.scanners.builtin.models.opcodes import OPCODES
from modelway.scanners.builtin.models.values import ENTRIES, OPAQUE, Box, Name, Unreadable, Value

OPERATIONS = 20_000_000
STACK = 4_000_000
MEMO = 2_000_000
_LINE = 1 << 20
_PIECE = 1 << 20


@dataclass(slots=True)
class Findings:
    """What a pickle does."""

    imports: dict[Name, None] = field(default_factory=dict)
    """In order of appearance."""
    computed: list[str] = field(default_factory=list)
    """Imports and calls whose target is known only when it runs, in words."""
    pickles: int = 0
    """How many ended as they should."""


@dataclass(slots=True)
class Machine:
    """One pickle after the other in a file."""

    file: BinaryIO
    found: Findings = field(default_factory=Findings)
    stack: list[Value] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Value] = field(default_factory=dict)
    left: int = OPERATIONS
    on_built: Callable[[Machine, Box], None] | None = None
    """Called after an object got its state: joblib's arrays stand in the file behind it."""

    def run(self) -> None:
        """Read one pickle up to its STOP; raises ``Unreadable``."""
        self.memo = {}
        self.go_on([], [])

    def go_on(self, stack: list[Value], marks: list[int]) -> None:
        """Read on with what is on the stack; raises ``Unreadable``."""
        self.stack, self.marks = stack, marks
        read = self.file.read
        try:
            while True:
                code = read(1)
                if code == b".":
                    break
                self.left -= 1
                if self.left < 0 or len(self.stack) > STACK:
                    raise Unreadable("it is longer than can be followed")
                OPCODES[code](self)
        except KeyError as error:
            what = "it ends early" if error.args == (b"",) else f"it has the unknown opcode {error}"
            raise Unreadable(what) from None
        except (IndexError, ValueError, struct.error, OverflowError, RecursionError) as error:
            raise Unreadable(f"it is broken ({type(error).__name__})") from None
        if not self.stack:
            raise Unreadable("it ends with nothing")
        self.found.pickles += 1

    # What follows is named for what it does to the stack.

    def take(self, size: int) -> bytes:
        """Exactly so many bytes, few of them."""
        if size > _LINE:
            raise Unreadable("a length is impossible")
        data = self.file.read(size)
        if len(data) < size:
            raise Unreadable("it ends early")
        return data

    def skip(self, size: int) -> None:
        """Pass over bytes."""
        while size > 0:
            piece = self.file.read(min(size, _PIECE))
            if not piece:
                raise Unreadable("it ends early")
            size -= len(piece)

    def line(self) -> str:
        """Up to a line feed."""
        line = self.file.readline(_LINE)
        if not line.endswith(b"\n"):
            raise Unreadable("a line has no end")
        return line[:-1].decode("utf-8", "replace")

    def push(self, value: Value) -> None:
        """On top."""
        self.stack.append(value)

    def pop(self) -> Value:
        """From the top; a mark is in the way."""
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise Unreadable("it takes what is not there")
        return self.stack.pop()

    def since_mark(self) -> list[Value]:
        """Everything above the last mark."""
        at = self.marks.pop()
        items = self.stack[at:]
        del self.stack[at:]
        return items

    def keep(self, index: int) -> None:
        """Remember the top."""
        value = self.stack[-1]
        if index in self.memo or len(self.memo) < MEMO:
            self.memo[index] = value

    def get(self, index: int) -> None:
        """What was remembered; what was not kept is nothing one may import by."""
        if index not in self.memo and len(self.memo) < MEMO:
            raise Unreadable("it gets what it never put")
        self.push(self.memo.get(index, OPAQUE))

    def bring(self, module: Value, name: Value) -> None:
        """Import."""
        if not isinstance(module, str) or not isinstance(name, str):
            self.found.computed.append(f"imports a name it computes ({_shown(module)}.{_shown(name)})")
            self.push(OPAQUE)
            return
        found = Name(module, name)
        if not _is(found, _GETATTR):
            self.found.imports[found] = None
        self.push(found)

    def bring_number(self, code: int) -> None:
        """Import by the program's own registry."""
        self.found.computed.append(f"imports number {code} of a registry only the program has")
        self.push(OPAQUE)

    def call(self, target: Value, arguments: Value) -> None:
        """Call something; what comes of it is not known, what it was made of is."""
        if isinstance(arguments, tuple) and any(isinstance(one, Name) and _fetches(one) for one in arguments):
            self.found.computed.append("hands on what fetches anything by its name")
        match target:
            case Name() if _is(target, _GETATTR):
                self.push(self._attribute(arguments))
                return
            case Name() if _fetches(target):
                self._by_arguments(target, arguments)
            case Name() if target.name == "_load_from_bytes":
                self.found.computed.append(f"{target} loads another pickle from within")
            case Name():
                pass
            case _:
                self.found.computed.append(f"calls what another call returned ({_shown(target)})")
        self.push(Box(target, arguments))

    def _attribute(self, arguments: Value) -> Value:
        """``getattr`` is harmless for a plain attribute of something imported, which is judged as a name."""
        match arguments:
            case (Name() as owner, str(name)) if not name.startswith("__") and name.isidentifier():
                found = Name(owner.module, f"{owner.name}.{name}")
                self.found.imports[found] = None
                return found
            case (Box(), str(name)) if not name.startswith("_") and name.isidentifier():
                return OPAQUE
            case _:
                self.found.computed.append("gets an attribute it computes, or a private one")
                return OPAQUE

    def _by_arguments(self, target: Name, arguments: Value) -> None:
        """NumPy's way to restore a ufunc imports whatever it is told."""
        match arguments:
            case (str(module), str(name)):
                self.found.imports[Name(module, name)] = None
            case _:
                self.found.computed.append(f"{target} imports a name it computes")

    def build(self) -> None:
        """Give the top object its state."""
        state = self.pop()
        target = self.stack[-1]
        if isinstance(target, Box):
            if isinstance(state, Box):
                target.entries = {**target.entries, **dict(list(state.entries.items())[:ENTRIES])}
            else:
                target.entries["state"] = state
            if self.on_built:
                self.on_built(self, target)

    def set_items(self, items: list[Value]) -> None:
        """Put pairs into the dictionary on top, keeping what has short names."""
        box = self.stack[-1]
        if isinstance(box, Box) and len(box.entries) < ENTRIES:
            for key, value in zip(items[:ENTRIES:2], items[1 : ENTRIES + 1 : 2], strict=False):
                if isinstance(key, str):
                    box.entries[key] = value

    def make_tuple(self, items: list[Value]) -> None:
        """Short ones are arguments or shapes; long ones are data."""
        self.push(tuple(items) if len(items) <= ENTRIES else OPAQUE)


_GETATTR = ("builtins", "getattr")
_NUMPY = ("numpy.core", "numpy._core")


def _fetches(name: Name) -> bool:
    """Whether it gets things by names it is given: those are judged instead."""
    return _is(name, _GETATTR) or (name.module in _NUMPY and name.name == "_ufunc_reconstruct")


def _is(name: Name, wanted: tuple[str, str]) -> bool:
    return translated(name.module, name.name) == wanted


def _shown(value: Value) -> str:
    """A value for people."""
    match value:
        case str() | int() | Name():
            return str(value)[:80]
        case Box(of=Name() as of):
            return f"{of}(…)"
        case _:
            return "?"
