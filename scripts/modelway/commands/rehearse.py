"""The whole release on this machine: real containers, a rehearsal AWS on loopback, no AWS account.

--target sagemaker (or another of modelway's targets) takes the first config under model-configs/ whose
environments are all of that target; the same image runs there. A CONFIG has its targets already.

Trains the model, releases a version that serves, sends users to it, and releases the one you watch:
build, scan, push, staging, contract tests, gate, canary in production. It ends with what ran, what
users got and what serves; its exit code is the release's.

Ctrl-C at any point leaves nothing running. What is kept makes the next rehearsal fast: the base image,
the build cache, image layers and the trained model.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from modelway.errors import Failure, Malformed
from modelway.ports import Configs, World

_DEFAULT = "model-configs/iris-classifier.yaml"
_SAGEMAKER = "sagemaker"
_FOLDER = "model-configs"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", nargs="?", metavar="CONFIG", help=f"the model's config ({_DEFAULT})")
    parser.add_argument("--target", metavar="NAME", help="the config of this target, where none is named")
    parser.add_argument("--fault", metavar="NAME", help="let this go wrong; --list-faults names them")
    parser.add_argument("--list-faults", action="store_true", help="say what can go wrong, and how it ends")
    parser.add_argument("--keep", action="store_true", help="leave the cloud up and print how to reach it")
    parser.add_argument(
        "--stop", action="store_true", help="remove what --keep or a crash left, but no cache"
    )
    parser.add_argument(
        "--no-install", action="store_true", help="install and start nothing; say what is missing instead"
    )
    parser.add_argument(
        "--clock-factor", type=float, default=60.0, metavar="N", help="how much shorter waits are (60)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="repeat the random choices of --fault killed")


def run(options: argparse.Namespace, world: World) -> None:
    """Rehearse; how the release ended is the exit code."""
    if options.list_faults:
        _list(options, world)
    elif options.stop:
        from modelway.rehearsal import rehearsal  # noqa: PLC0415 - keeps --help fast

        rehearsal.stop(world)
    else:
        _rehearse(options, world)


def _rehearse(options: argparse.Namespace, world: World) -> None:
    from modelway.rehearsal import rehearsal  # noqa: PLC0415 - keeps --help fast
    from modelway.rehearsal.faults_catalogue import FAULTS  # noqa: PLC0415 - as above
    from modelway.rehearsal.wish import Wish  # noqa: PLC0415 - as above

    if options.fault and options.fault not in FAULTS:
        known = ", ".join(FAULTS)
        raise Malformed(
            f"There is no fault {options.fault!r}", seen=f"There are: {known}.", cure="name one of them."
        )
    if not options.clock_factor >= 1:
        raise Malformed(
            f"--clock-factor {options.clock_factor}: waits cannot get longer", cure="give 1 or more."
        )
    wish = Wish(
        config=chosen(options.config, options.target, world.configs, world.run.root),
        fault=FAULTS[options.fault] if options.fault else None,
        keep=options.keep,
        install=not options.no_install,
        clock_factor=options.clock_factor,
        seed=options.seed,
    )
    code = rehearsal.rehearse(wish, world)
    if code != 0:
        raise _ended(code)


def chosen(config: str | None, target: str | None, configs: Configs, root: Path) -> Path:
    """The config to rehearse: the one named, the target's, or the usual one; raises ``Malformed``."""
    from modelway.rehearsal.venue import VENUES  # noqa: PLC0415 - keeps --help fast

    if target is None:
        return Path(config or _DEFAULT)
    if target not in VENUES:
        raise Malformed(
            f"The target {target!r} cannot be rehearsed",
            seen=f"Those that can: {', '.join(VENUES)}.",
            cure="name one of them.",
        )
    for path in configs.find([config] if config else []):
        found, _ = configs.read(path)
        if found and all(each.target == target for each in found.environments.values()):
            return path.relative_to(root) if path.is_absolute() else path
    seen = f"{config} has another one." if config else f"No config under {_FOLDER}/ is of it alone."
    cure = f"write target: {target} with its settings; docs/reference/{target}.md has the smallest config."
    raise Malformed(f"There is nothing to rehearse on {target}", seen=seen, cure=cure)


def _ended(code: int) -> Failure:
    """The failure with the release's own exit code."""
    kinds = {kind.exit_code: kind for kind in Failure.__subclasses__()}
    kind = kinds.get(code, Failure)
    return kind(f"The rehearsed release ended with exit code {code}", seen="Its own message is above.")


def _list(options: argparse.Namespace, world: World) -> None:
    from modelway.rehearsal.faults_catalogue import FAULTS  # noqa: PLC0415 - keeps --help fast

    target = options.target or _SAGEMAKER
    for fault in FAULTS.values():
        why = fault.never_on.get(target)
        end = f"cannot happen on {target}: {why}" if why else f"{fault.happens}: {fault.ending(target)}"
        world.reporter.data(f"{fault.name:<21} exit {fault.exit_code}  {end}")
