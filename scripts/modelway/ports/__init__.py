"""What modelway needs of the world, as Protocols. Adapters, targets and scanners implement them.

Every method may be called twice without harm. Every method may raise ``errors.Unavailable``. On every
command's way: what a port only names is not loaded for it.
"""

from modelway.ports.artifacts import ArtifactStore, Shelf
from modelway.ports.building import Builder, BuildRequest, Container, Containers, HttpAnswer, HttpRequest
from modelway.ports.judging import Advisories, Keys, RegistryScan, Scanner, WeightsScanner
from modelway.ports.registry import Registry, Stock
from modelway.ports.repository import CodeHost, Configs, History
from modelway.ports.run import Clock, Reporter, Run
from modelway.ports.target import Estate, Target
from modelway.ports.world import World, of_checkout, unopened

__all__ = [
    "Advisories",
    "ArtifactStore",
    "BuildRequest",
    "Builder",
    "Clock",
    "CodeHost",
    "Configs",
    "Container",
    "Containers",
    "Estate",
    "History",
    "HttpAnswer",
    "HttpRequest",
    "Keys",
    "Registry",
    "RegistryScan",
    "Reporter",
    "Run",
    "Scanner",
    "Shelf",
    "Stock",
    "Target",
    "WeightsScanner",
    "World",
    "of_checkout",
    "unopened",
]
