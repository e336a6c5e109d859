"""YAML text as plain values and where each of them stands; it never runs out of memory or stack.

Only what JSON can say is accepted, and only where YAML 1.1 and 1.2 agree on it: PyYAML and GitHub's
own tools read 1.1, editors read 1.2, and a config must not mean two things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from modelway.adapters.yaml_nodes import START, Mistake, Node, Place
from modelway.adapters.yaml_scalars import BOOLEANS_11, doubt_about, resolve, short
from modelway.core.json import Json

LARGEST_DEPTH = 32
LARGEST_COUNT = 50_000
"""Values in a file after every alias is written out: billion-laughs files stop here."""

CollectionStart: TypeAlias = MappingStartEvent | SequenceStartEvent


class Stop(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


class Events(Protocol):
    """What is used of libyaml's parser."""

    def get_event(self) -> Event | None:
        """The next event, ``None`` after the last; raises ``yaml.YAMLError``."""


def read(text: str) -> tuple[Node | None, tuple[Mistake, ...]]:
    """Read one document; the node is there unless the text cannot be read to its end."""
    control = _CONTROL.search(text)
    if control:
        return None, (_control_character(text, control.start()),)
    reader = _Reader(yaml.CSafeLoader(text))
    try:
        node = reader.document()
    except Stop as stop:
        return None, (*reader.mistakes, stop.mistake)
    except yaml.MarkedYAMLError as error:
        return None, (*reader.mistakes, _syntax(error))
    except yaml.YAMLError as error:
        return None, (*reader.mistakes, Mistake(place=START, message=f"not YAML: {error}"))
    return node, tuple(reader.mistakes)


_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.2 calls non-printable (section 5.1); NUL among them."""


def _control_character(text: str, index: int) -> Mistake:
    """Name a character no YAML file may hold."""
    before = text[:index]
    place = Place(before.count("\n") + 1, index - before.rfind("\n"))
    message = f"control character U+{ord(text[index]):04X} is not allowed in YAML"
    return Mistake(
        place=place, message=message, cure="Remove it, or write it as an escape between double quotes."
    )


def _syntax(error: yaml.MarkedYAMLError) -> Mistake:
    """In libyaml's own words for what it could not read."""
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else START
    words = " ".join(part for part in (error.context, error.problem) if part)
    return Mistake(
        place=place,
        message=f"not YAML: {words}",
        cure="Check indentation (spaces only), quotes and brackets here and on the line before.",
    )


class _Reader:
    """Builds one node tree from libyaml's events."""

    def __init__(self, events: Events) -> None:
        self.mistakes: list[Mistake] = []
        self._events = events
        self._anchors: dict[str, Node | None] = {}
        self._count = 0

    def document(self) -> Node:
        """The only document of the stream."""
        event = self._next()
        while isinstance(event, StreamStartEvent | DocumentStartEvent):
            event = self._next()
        if isinstance(event, StreamEndEvent):
            raise Stop(
                Mistake(place=START, message="the file is empty", cure="Write a config, or delete the file.")
            )
        node = self._node(event, 0)
        self._next()
        event = self._next()
        if not isinstance(event, StreamEndEvent):
            message = "a second document begins here; a config file holds one"
            raise Stop(Mistake(place=_place(event), message=message, cure="Put it into a file of its own."))
        return node

    def _next(self) -> Event:
        """The next event."""
        event = self._events.get_event()
        if event is None:
            raise Stop(Mistake(place=START, message="not YAML: it ends too early"))
        return event

    def _node(self, event: Event, depth: int) -> Node:
        """The value that begins with the event."""
        place = _place(event)
        match event:
            case AliasEvent():
                node = self._alias(event, place)
            case ScalarEvent():
                self._refuse_tag(event)
                node = self._scalar(event, place)
            case MappingStartEvent() | SequenceStartEvent():
                self._refuse_tag(event)
                node = self._collection(event, place, depth + 1)
            case _:
                raise Stop(Mistake(place=place, message=f"not YAML: unexpected {type(event).__name__}"))
        if not isinstance(event, AliasEvent) and event.anchor:
            self._anchors[event.anchor] = node
        self._grow(node.size if isinstance(event, AliasEvent) else 1, place)
        return node

    def _grow(self, size: int, place: Place) -> None:
        """Count values as they are used, an alias as all it stands for."""
        self._count += size
        if self._count > LARGEST_COUNT:
            message = f"more than {LARGEST_COUNT:,} values, aliases written out"
            raise Stop(
                Mistake(
                    place=place, message=message, cure="Write fewer values, and fewer aliases of aliases."
                )
            )

    def _collection(self, event: CollectionStart, place: Place, depth: int) -> Node:
        """A mapping or a sequence."""
        if depth > LARGEST_DEPTH:
            message = f"nested deeper than {LARGEST_DEPTH} levels"
            raise Stop(Mistake(place=place, message=message, cure="No key of a config is that deep."))
        if event.anchor:
            self._anchors[event.anchor] = None
        if isinstance(event, MappingStartEvent):
            return self._mapping(place, depth)
        return self._sequence(place, depth)

    def _sequence(self, place: Place, depth: int) -> Node:
        """Items until the end of the sequence."""
        values: list[Json] = []
        node = Node(place=place, value=values)
        for index, event in enumerate(self._until(SequenceEndEvent)):
            part = self._node(event, depth)
            values.append(part.value)
            node.parts[index] = part
            node.size += part.size
        return node

    def _mapping(self, place: Place, depth: int) -> Node:
        """Keys and values until the end of the mapping."""
        values: dict[str, Json] = {}
        node = Node(place=place, value=values)
        for event in self._until(MappingEndEvent):
            key = self._key(event)
            part = self._node(self._next(), depth)
            if key in node.keys:
                first = node.keys[key]
                self._mistake(
                    event, f"key {key!r} is written twice; first at {first.line}:{first.column}", "Keep one."
                )
                continue
            node.keys[key] = _place(event)
            values[key] = part.value
            node.parts[key] = part
            node.size += part.size
        return node

    def _until(self, end: type[MappingEndEvent | SequenceEndEvent]) -> Iterator[Event]:
        """Events at which a part begins."""
        while not isinstance(event := self._next(), end):
            yield event

    def _key(self, event: Event) -> str:
        """A key's text; anything but plain text is a mistake."""
        if not isinstance(event, ScalarEvent):
            message = "a key must be text; this one is a list, a mapping or an alias"
            raise Stop(Mistake(place=_place(event), message=message, cure="Write the key out."))
        text: str = event.value
        self._refuse_tag(event)
        if not event.style and text == "<<":
            self._mistake(
                event, "merge keys (<<) are not read here", "Write the keys out, or alias a whole value."
            )
        elif not event.style and (doubt_about(text) or not isinstance(resolve(text), str)):
            self._mistake(
                event, f"key {short(text)} is not read as text everywhere", f'Quote it: "{short(text)}".'
            )
        return text

    def _scalar(self, event: ScalarEvent, place: Place) -> Node:
        """A leaf: text when quoted, otherwise what it looks like."""
        text: str = event.value
        if event.style:
            return Node(place=place, value=text)
        doubt = doubt_about(text)
        if doubt:
            meant = "Write true or false" if text in BOOLEANS_11 else "Write a plain decimal number"
            cure = f'{meant}, or quote it if it is text: "{short(text)}".'
            self._mistake(event, f"{short(text)} is {doubt}", cure)
            return Node(place=place, value=text)
        return Node(place=place, value=resolve(text))

    def _alias(self, event: AliasEvent, place: Place) -> Node:
        """What an anchor stands for; an anchor cannot hold itself."""
        if event.anchor not in self._anchors:
            message, cure = f"alias *{event.anchor} names no anchor before it", "Quote it if it is text."
            raise Stop(Mistake(place=place, message=message, cure=cure))
        node = self._anchors[event.anchor]
        if node is None:
            message, cure = f"alias *{event.anchor} stands inside what it names", "Write the value out."
            raise Stop(Mistake(place=place, message=message, cure=cure))
        return Node(place=place, value=node.value, keys=node.keys, parts=node.parts, size=node.size)

    def _refuse_tag(self, event: ScalarEvent | CollectionStart) -> None:
        """Tags would make a value something else than it looks like."""
        if event.tag is not None:
            self._mistake(event, f"tag {short(event.tag)} is not allowed", "Remove it; quote what is text.")

    def _mistake(self, event: Event, message: str, cure: str) -> None:
        """Note a mistake and go on reading."""
        self.mistakes.append(Mistake(place=_place(event), message=message, cure=cure))


def _place(event: Event) -> Place:
    """Where an event begins; libyaml counts from 0."""
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else START
