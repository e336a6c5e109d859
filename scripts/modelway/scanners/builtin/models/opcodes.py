"""What each opcode of a pickle does to the machine that reads it (Lib/pickletools.py, protocols 0 to 5)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from modelway.scanners.builtin.models.values import ENTRIES, OPAQUE, Box, Unreadable, Value

if TYPE_CHECKING:
    from modelway.scanners.builtin.models.machine import Machine

_TEXT = 256
"""Characters of the longest text that is kept: no name is longer."""


def _text(data: bytes) -> Value:
    """A text short enough for a name."""
    return data.decode("utf-8", "replace") if len(data) <= _TEXT else OPAQUE


def _counted(form: str, *, text: bool) -> Callable[[Machine], None]:
    """An opcode with a length before its bytes."""
    size = struct.calcsize(form)

    def read(m: Machine) -> None:
        [length] = struct.unpack(form, m.take(size))
        if length < 0:
            raise Unreadable("a length is negative")
        if length <= _TEXT and text:
            m.push(_text(m.take(length)))
        else:
            m.skip(length)
            m.push(OPAQUE)

    return read


def _fixed(size: int) -> Callable[[Machine], None]:
    """A number nobody needs to know."""

    def read(m: Machine) -> None:
        m.take(size)
        m.push(OPAQUE)

    return read


def _number(form: str) -> Callable[[Machine], None]:
    """A number that may be an index or a shape."""
    size = struct.calcsize(form)
    return lambda m: m.push(int(struct.unpack(form, m.take(size))[0]))


def _long(m: Machine, size: int) -> None:
    """An integer of any size; shapes are short."""
    if size < 0:
        raise Unreadable("a length is negative")
    if size > 8:  # noqa: PLR2004  (bytes of the largest shape)
        m.skip(size)
        m.push(OPAQUE)
    else:
        m.push(int.from_bytes(m.take(size), "little", signed=True))


def _decimal(m: Machine) -> None:
    """A number as text."""
    text = m.line().removesuffix("L")
    m.push(int(text) if len(text) < 20 else OPAQUE)  # noqa: PLR2004  (digits of 64 bits)


def _quoted(m: Machine) -> None:
    """A string of protocol 0, as ``repr`` wrote it."""
    text = m.line()
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "'\"":  # noqa: PLR2004  (two quotes)
        raise Unreadable("a string has no quotes")
    m.push(_unescaped(text[1:-1]))


def _unescaped(text: str) -> Value:
    """Escapes are legal in names too: an import may hide behind them."""
    if len(text) > _TEXT:
        return OPAQUE
    return text.encode("latin-1", "replace").decode("unicode_escape", "replace") if "\\" in text else text


def _raw_unicode(m: Machine) -> None:
    text = m.line()
    if len(text) > _TEXT:
        m.push(OPAQUE)
    else:
        m.push(text.encode("utf-8").decode("raw_unicode_escape", "replace") if "\\" in text else text)


def _mark(m: Machine) -> None:
    m.marks.append(len(m.stack))


def _pop(m: Machine) -> None:
    """Drops the top, which may be a mark."""
    if m.marks and m.marks[-1] == len(m.stack):
        m.marks.pop()
    else:
        m.stack.pop()


def _newobj(m: Machine) -> None:
    arguments, target = m.pop(), m.pop()
    m.call(target, arguments)


def _newobj_ex(m: Machine) -> None:
    m.pop()
    _newobj(m)


def _inst(m: Machine) -> None:
    module, name = m.line(), m.line()
    arguments = m.since_mark()
    m.bring(module, name)
    m.call(m.pop(), tuple(arguments[:ENTRIES]))


def _obj(m: Machine) -> None:
    target, *arguments = m.since_mark()
    m.call(target, tuple(arguments[:ENTRIES]))


def _global(m: Machine) -> None:
    module, name = m.line(), m.line()
    m.bring(module, name)


def _stack_global(m: Machine) -> None:
    name, module = m.pop(), m.pop()
    m.bring(module, name)


def _extension(size: int) -> Callable[[Machine], None]:
    """A name of the program's own registry (``copyreg.add_extension``)."""

    def read(m: Machine) -> None:
        m.bring_number(int.from_bytes(m.take(size), "little"))

    return read


def _persistent(m: Machine) -> None:
    m.pop()
    m.push(OPAQUE)


def _grow(m: Machine) -> None:
    """Items into the list or set on top."""
    m.since_mark()
    m.stack[-1]


def _append(m: Machine) -> None:
    m.pop()
    m.stack[-1]


def _set_item(m: Machine) -> None:
    value, key = m.pop(), m.pop()
    m.set_items([key, value])


def _tuple_of(count: int) -> Callable[[Machine], None]:
    def read(m: Machine) -> None:
        items = [m.pop() for _ in range(count)][::-1]
        m.make_tuple(items)

    return read


def _pushes(value: Value) -> Callable[[Machine], None]:
    return lambda m: m.push(value)


def _dictionary(m: Machine) -> None:
    items = m.since_mark()
    m.push(Box())
    m.set_items(items)


def _dropped(m: Machine) -> None:
    """A list or set of everything since the mark."""
    m.since_mark()
    m.push(OPAQUE)


def _line_then(value: Value) -> Callable[[Machine], None]:
    def read(m: Machine) -> None:
        m.line()
        m.push(value)

    return read


def _drop_marked(m: Machine) -> None:
    m.since_mark()


def _protocol(m: Machine) -> None:
    m.take(1)


def _frame(m: Machine) -> None:
    """A frame says how long it is, and may lie: the C unpickler reads on, and so do we."""
    m.take(8)


def _top_stays(m: Machine) -> None:
    """A buffer becomes read-only."""
    m.push(m.pop())


OPCODES: Mapping[bytes, Callable[[Machine], None]] = {
    b"(": _mark,
    b"0": _pop,
    b"1": _drop_marked,
    b"2": lambda m: m.push(m.stack[-1]),
    b"F": _line_then(OPAQUE),
    b"I": _decimal,
    b"J": _number("<i"),
    b"K": _number("<B"),
    b"L": _decimal,
    b"M": _number("<H"),
    b"N": _pushes(None),
    b"P": _line_then(OPAQUE),
    b"Q": _persistent,
    b"R": _newobj,
    b"S": _quoted,
    b"T": _counted("<i", text=True),
    b"U": _counted("<B", text=True),
    b"V": _raw_unicode,
    b"X": _counted("<I", text=True),
    b"a": _append,
    b"b": lambda m: m.build(),
    b"c": _global,
    b"d": _dictionary,
    b"e": _grow,
    b"g": lambda m: m.get(int(m.line())),
    b"h": lambda m: m.get(m.take(1)[0]),
    b"i": _inst,
    b"j": lambda m: m.get(int.from_bytes(m.take(4), "little")),
    b"l": _dropped,
    b"o": _obj,
    b"p": lambda m: m.keep(int(m.line())),
    b"q": lambda m: m.keep(m.take(1)[0]),
    b"r": lambda m: m.keep(int.from_bytes(m.take(4), "little")),
    b"s": _set_item,
    b"t": lambda m: m.make_tuple(m.since_mark()),
    b"u": lambda m: m.set_items(m.since_mark()),
    b"}": lambda m: m.push(Box()),
    b"]": _pushes(OPAQUE),
    b")": _pushes(()),
    b"B": _counted("<I", text=False),
    b"C": _counted("<B", text=False),
    b"G": _fixed(8),
    b"\x80": _protocol,
    b"\x81": _newobj,
    b"\x82": _extension(1),
    b"\x83": _extension(2),
    b"\x84": _extension(4),
    b"\x85": _tuple_of(1),
    b"\x86": _tuple_of(2),
    b"\x87": _tuple_of(3),
    b"\x88": _pushes(True),  # noqa: FBT003
    b"\x89": _pushes(False),  # noqa: FBT003
    b"\x8a": lambda m: _long(m, m.take(1)[0]),
    b"\x8b": lambda m: _long(m, int.from_bytes(m.take(4), "little", signed=True)),
    b"\x8c": _counted("<B", text=True),
    b"\x8d": _counted("<Q", text=True),
    b"\x8e": _counted("<Q", text=False),
    b"\x8f": _pushes(OPAQUE),
    b"\x90": _grow,
    b"\x91": _dropped,
    b"\x92": _newobj_ex,
    b"\x93": _stack_global,
    b"\x94": lambda m: m.keep(len(m.memo)),
    b"\x95": _frame,
    b"\x96": _counted("<Q", text=False),
    b"\x97": _pushes(OPAQUE),
    b"\x98": _top_stays,
}
"""By code; STOP is the machine's own."""
