"""What can be wrong with a model file: the rules, and one thing found."""

from __future__ import annotations

from dataclasses import dataclass

from modelway.core.findings import Severity
from modelway.scanners.builtin.rule import Rule

RUNS_CODE = Rule(
    id="model-runs-code",
    severity=Severity.CRITICAL,
    title="Loading the model runs commands or reaches beyond it",
    why="a pickle calls what it imports, and this imports what runs commands, evaluates text or opens files",
    cure="do not load it; train it again from sources you trust, and store weights as safetensors or ONNX",
)
COMPUTED = Rule(
    id="model-computed-import",
    severity=Severity.CRITICAL,
    title="The model hides what it imports",
    why="the name of an import is computed while it loads, which no honest pickle does",
    cure="do not load it; find out where it comes from",
)
CARRIES_CODE = Rule(
    id="model-carries-code",
    severity=Severity.HIGH,
    title="The model carries functions as code",
    why="cloudpickle and dill store functions as bytecode, which runs unseen when the model is used",
    cure="put the functions into a package of the image, and pickle only what is trained",
)
UNKNOWN_IMPORT = Rule(
    id="model-unknown-import",
    severity=Severity.MEDIUM,
    title="The model imports what is not known to be harmless",
    why="a pickle may call anything of these modules while it loads",
    cure="look at them; if they are your own classes, accept this with a waiver, or export the model as ONNX",
)
UNREADABLE = Rule(
    id="model-unreadable",
    severity=Severity.HIGH,
    title="The model file cannot be read to its end, so nobody knows what it does",
    why="an unpickler runs what comes before the error",
    cure="write it again; compress with gzip, zlib, bz2 or xz, which can be looked into",
)
LAMBDA = Rule(
    id="keras-lambda-layer",
    severity=Severity.HIGH,
    title="The model has a Lambda layer, which is Python bytecode",
    why="Keras runs it when the model is loaded",
    cure="replace it by a layer of its own class in the image's code",
)
KERAS_IMPORT = Rule(
    id="keras-foreign-class",
    severity=Severity.HIGH,
    title="The Keras model names classes outside Keras",
    why="Keras imports the module that the file names (CVE-2025-1550)",
    cure="load it with safe_mode on Keras 3.9 or newer, or register the classes in code",
)
TENSORFLOW_FILES = Rule(
    id="tensorflow-file-operation",
    severity=Severity.HIGH,
    title="The TensorFlow graph reads or writes files, or calls Python",
    why="these operations run while the model answers",
    cure="export the model again without them",
)
EXTERNAL_DATA = Rule(
    id="onnx-external-data-path",
    severity=Severity.HIGH,
    title="The ONNX model names a data file outside its folder",
    why="whoever loads it reads that file (CVE-2022-25882)",
    cure="save it with external data beside it, by a plain file name",
)
TRAVERSAL = Rule(
    id="archive-path-traversal",
    severity=Severity.HIGH,
    title="The archive has a member that leads out of its folder",
    why="unpacking it may overwrite files elsewhere",
    cure="pack it again with relative names",
)
RULES = (
    RUNS_CODE,
    COMPUTED,
    CARRIES_CODE,
    UNKNOWN_IMPORT,
    UNREADABLE,
    LAMBDA,
    KERAS_IMPORT,
    TENSORFLOW_FILES,
    EXTERNAL_DATA,
    TRAVERSAL,
)


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with a model file, or with a member of it."""

    rule: Rule
    path: str
    """With members after exclamation marks: ``opt/ml/model.tar.gz!model.joblib``."""
    what: str
    """Names and reasons; nothing of it is secret."""
