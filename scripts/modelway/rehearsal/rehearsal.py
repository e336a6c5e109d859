"""A whole release on this machine: an engine, a cloud, a model, what served before, the release, its end."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import ExitStack

from modelway.core.config import ModelConfig
from modelway.errors import Malformed
from modelway.ports import World
from modelway.rehearsal import docker_engine, keep, launch, registry_program
from modelway.rehearsal.child import Client
from modelway.rehearsal.faults_catalogue import FAULTS, Fault
from modelway.rehearsal.launch import Cloud
from modelway.rehearsal.play import Play, production
from modelway.rehearsal.venue import open_venue
from modelway.rehearsal.wish import Folders, Scene, Wish


def rehearse(wish: Wish, world: World) -> int:
    """Rehearse; the exit code is the one the release ended with."""
    scene = Scene(wish=wish, world=world, folders=Folders(top=world.run.workspace / "rehearsal"))
    config = world.configs.load(wish.config)
    _refuse_what_the_fault_cannot_do(wish.fault, config)
    with ExitStack() as stack:
        client, cloud = _set_up(scene, stack)
        seed = wish.seed if wish.seed is not None else secrets.randbelow(10_000)
        play = Play(scene=scene, client=client, cloud=cloud, config=config, seed=seed)
        code = play.perform()
        play.show(code)
        if wish.keep:
            keep.hand_over(world.reporter, cloud, config)
            stack.pop_all()
    return code


def stop(world: World) -> None:
    """Remove every container, process and file of earlier rehearsals, but the caches."""
    folders = Folders(top=world.run.workspace / "rehearsal")
    for gone in launch.stop_all(folders.cloud):
        world.reporter.note(f"removed {gone}")
    _remove_files(folders)
    docker_engine.of(folders.top).stop(world.reporter)
    world.reporter.note(f"kept: {folders.cache}, and images named modelway-rehearsal/ and modelway/")


def _set_up(scene: Scene, stack: ExitStack) -> tuple[Client, Cloud]:
    """The engine and the cloud, each stopped at the end, and what an earlier crash left removed."""
    wish, world, folders = scene.wish, scene.world, scene.folders
    folders.top.mkdir(parents=True, exist_ok=True)
    with scene.stage("Docker engine"):
        engine = docker_engine.ensure(world.reporter, folders.top, install=wish.install)
        stack.callback(engine.stop, world.reporter)
    with scene.stage("rehearsal cloud"):
        if launch.find(folders.cloud) is None:
            for gone in launch.stop_all(folders.cloud):
                world.reporter.note(f"removed what an earlier rehearsal left: {gone}")
        blobs = folders.cache / "blobs"
        registry_program.ensure(world.reporter, install=wish.install)
        cloud = launch.start(folders.cloud, clock_factor=wish.clock_factor, keep=wish.keep, blobs=blobs)
        stack.callback(_take_down, cloud, folders)
        world.reporter.note(f"AWS at {cloud.endpoint}; waits are {wish.clock_factor:g} times shorter")
    environment = cloud.environment(os.environ)
    environment["MODELWAY_ADVISORIES"] = str(folders.work / "advisories.sqlite")
    # The release speaks as on a terminal, also when a workflow rehearses: its outputs are not the workflow's.
    environment.pop("GITHUB_ACTIONS", None)
    os.environ.clear()
    os.environ.update(environment)
    return Client(root=world.run.root, environment=environment), cloud


def _take_down(cloud: Cloud, folders: Folders) -> None:
    cloud.stop()
    launch.stop_all(folders.cloud)
    _remove_files(folders)


def _remove_files(folders: Folders) -> None:
    shutil.rmtree(folders.work, ignore_errors=True)
    if launch.find(folders.cloud) is None:
        shutil.rmtree(folders.cloud, ignore_errors=True)


def _refuse_what_the_fault_cannot_do(fault: Fault | None, config: ModelConfig) -> None:
    """Say before any work that a fault needs what this config has not."""
    last = production(config)
    venue = open_venue(config, last)
    if fault is None:
        return
    if why := fault.never_on.get(last.target):
        able = ", ".join(one.name for one in FAULTS.values() if last.target not in one.never_on)
        what = f"The fault {fault.name} cannot happen on {last.target}"
        raise Malformed(what, seen=why, cure=f"Those that can: {able}.")
    if fault.capacity_short and venue.shortage() is None:
        what = f"The fault {fault.name} needs capacity to be short of"
        seen = f"{last.name} counts none: {last.target} starts with the requests there."
        raise Malformed(what, seen=seen, cure="rehearse it with model-configs/iris-classifier.yaml.")
    if fault.stale and config.artifact is None:
        raise Malformed(f"The fault {fault.name} needs a model_artifact", cure="name one in the config.")
