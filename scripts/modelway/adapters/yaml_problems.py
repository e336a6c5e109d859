"""What is wrong with a YAML file's text and values, as problems that name line and column."""

from __future__ import annotations

from modelway.adapters import yaml_nodes
from modelway.adapters.yaml_nodes import Mistake, Node
from modelway.core.problem import Flaw, Problem


def misread(name: str, mistake: Mistake) -> Problem:
    """A mistake of the YAML as a problem."""
    place = mistake.place
    return Problem(
        file=name, line=place.line, column=place.column, message=mistake.message, cure=mistake.cure
    )


def located(name: str, node: Node, flaw: Flaw) -> Problem:
    """A flaw with its place in the file."""
    locate = yaml_nodes.locate_key if flaw.spot == "key" else yaml_nodes.locate
    place = locate(node, flaw.path)
    return Problem(
        file=name,
        line=place.line,
        column=place.column,
        message=flaw.message,
        cure=flaw.cure,
        level=flaw.level,
    )
