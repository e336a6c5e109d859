"""Which imports of pickles are known: what runs code, and what is harmless to make. Data for ``names``."""

from __future__ import annotations

RUNS = frozenset(
    """os posix nt ntpath posixpath subprocess sys importlib imp runpy pty commands shutil tempfile
    glob fileinput socket socketserver ssl http urllib urllib2 httplib ftplib smtplib poplib imaplib
    telnetlib xmlrpc requests httpx aiohttp urllib3 paramiko fabric boto3 botocore webbrowser
    antigravity ctypes _ctypes cffi mmap fcntl signal resource code codeop timeit pdb bdb trace
    cProfile profile pstats doctest unittest pydoc pkgutil zipimport inspect gc marshal pickle
    _pickle cPickle shelve dbm sqlite3 ensurepip venv pip setuptools distutils lib2to3 idlelib
    multiprocessing _posixsubprocess asyncio concurrent threading _thread sched site sysconfig
    platform linecache tokenize ast symtable dis atexit test turtledemo _aix_support _osx_support
    nturl2path py_compile compileall zipapp zipfile tarfile IPython jupyter_client pexpect
    ptyprocess sh plumbum psutil torch.hub torch.package torch.utils.cpp_extension
    torch.utils.bottleneck torch.utils.collect_env torch.utils._config_module
    torch.jit.unsupported_tensor_ops torch._inductor torch._dynamo torch.fx torch.serialization
    torch.distributed torch.utils.data.datapipes numpy.testing numpy.f2py numpy.distutils
    numpy.lib.npyio numpy.lib.utils numpy.ctypeslib joblib.externals joblib.memory joblib.parallel
    pandas.io pandas.util pandas.core.computation keras.utils tensorflow.python.platform
    tensorflow.io""".split()  # noqa: SIM905  (words read better)
)
"""Modules nothing of which belongs into a model; all below them too."""
RUNS_NAMES = frozenset(
    """builtins.eval builtins.exec builtins.execfile builtins.compile builtins.open builtins.input
    builtins.__import__ builtins.__build_class__ builtins.breakpoint builtins.globals
    builtins.locals builtins.vars builtins.dir builtins.apply builtins.setattr builtins.delattr
    builtins.map builtins.filter builtins.type builtins.super builtins.help builtins.exit
    builtins.quit builtins.memoryview builtins.classmethod builtins.staticmethod builtins.property
    builtins.getattr builtins.reload builtins.file builtins.hasattr io.open io.FileIO io.open_code
    codecs.open _io.FileIO _io.open operator.attrgetter operator.methodcaller _operator.attrgetter
    _operator.methodcaller functools.reduce types.FunctionType types.CodeType types.MethodType
    types.ModuleType types.LambdaType types.new_class numpy.load numpy.loadtxt numpy.fromfile
    numpy.save numpy.savetxt numpy.memmap numpy.genfromtxt numpy.DataSource pandas.read_pickle
    pandas.eval pandas.read_csv joblib.load joblib.numpy_pickle.load torch.load torch.save
    torch.compile torch.jit.load torch.ops.load_library torch.classes.load_library dill.load
    dill.loads dill._dill.load cloudpickle.load cloudpickle.loads scipy.io.loadmat
    xmlrpc.client.ServerProxy""".split()  # noqa: SIM905  (words read better)
)
"""The same of single names, and of what is reached through them."""
CARRIES = frozenset({"cloudpickle", "dill", "_dill"})
"""Modules that make functions of code in the file."""
ATTRIBUTES = frozenset(
    """os posix nt sys subprocess builtins importlib shutil socket ctypes system popen eval exec
    __import__ __globals__ __builtins__ __subclasses__ __class__ __base__ __bases__ __mro__ __dict__
    __code__ __getattribute__ __reduce__ __loader__ __spec__""".split()  # noqa: SIM905  (words read better)
)
"""What no dotted name leads through on an honest way."""
LIBRARIES = frozenset(
    """sklearn scipy pandas torch.nn torch.optim torch.distributions xgboost lightgbm catboost
    statsmodels imblearn category_encoders skorch hmmlearn transformers tokenizers safetensors
    sentence_transformers torchvision.models torchvision.transforms timm.models nltk.tokenize
    nltk.probability""".split()  # noqa: SIM905  (words read better)
)
"""Libraries whose classes are harmless to make."""
NOT_THERE = (
    r"(?:^|\.)(?:_testing|testing|tests|conftest|externals|io|agents|tools|commands|datasets|hub|utils\.hub|spmd)"
    r"(?:\.|\Z)"
)
"""Parts of these libraries that do more than hold data."""

HARMLESS: tuple[tuple[str, str], ...] = (
    (
        r"builtins",
        r"set|frozenset|dict|list|tuple|bytearray|bytes|complex|object|slice|range|int|float|str"
        r"|bool|Ellipsis|NotImplemented|print|len|min|max|sum|abs|[A-Z]\w*(?:Error|Exception"
        r"|Warning)",
    ),
    (
        r"collections",
        r"OrderedDict|defaultdict|Counter|deque|ChainMap|UserDict|UserList",
    ),
    (
        r"copyreg",
        r"_reconstructor|__newobj__|__newobj_ex__",
    ),
    (
        r"_codecs",
        r"encode",
    ),
    (
        r"datetime",
        r"datetime|date|time|timedelta|timezone",
    ),
    (
        r"zoneinfo",
        r"ZoneInfo(?:\._unpickle)?",
    ),
    (
        r"decimal|fractions|uuid|numbers|argparse",
        r"Decimal|Fraction|UUID|SafeUUID|Number|Namespace",
    ),
    (
        r"pathlib(?:\..+)?",
        r"(?:Pure)?(?:Posix|Windows)?Path",
    ),
    (
        r"re|_sre",
        r"_compile",
    ),
    (
        r"string",
        r"Template",
    ),
    (
        r"array",
        r"array|_array_reconstructor",
    ),
    (
        r"functools",
        r"partial",
    ),
    (
        r"operator|_operator",
        r"itemgetter",
    ),
    (
        r"types",
        r"SimpleNamespace",
    ),
    (
        r"random",
        r"Random",
    ),
    (
        r"logging",
        r"getLogger",
    ),
    (
        r"numpy\._?core\.(?:multiarray|_multiarray_umath)",
        r"_reconstruct|scalar",
    ),
    (
        r"numpy\._?core",
        r"_ufunc_reconstruct",
    ),
    (
        r"numpy\._?core\.numeric",
        r"_frombuffer",
    ),
    (
        r"numpy(?:\.dtypes|\._?core\._multiarray_umath)?",
        r"ndarray|dtype|matrix|recarray|record|nan|inf|[A-Z]\w*DType|(?:u?int|float|complex|bool"
        r"|str|bytes|object|unicode|void|datetime|timedelta|u?intc|u?intp|u?longlong|longdouble"
        r"|clongdouble|csingle|cdouble|single|double|half|u?short|u?byte|u?long|string|generic"
        r"|number)_?\d*|log1?p?|log2|log10|exp|expm1|exp2|sqrt|cbrt|square|power|abs|absolute|fabs"
        r"|sign|floor|ceil|round|rint|clip|sin|cos|tan|arcsin|arccos|arctan|sinh|cosh|tanh|arcsinh"
        r"|arccosh|arctanh|reciprocal|negative|positive|add|subtract|multiply|divide|true_divide"
        r"|maximum|minimum|mean|nanmean|median|nanmedian|std|nanstd|var|sum|nansum|max|min|amax"
        r"|amin|nanmax|nanmin|argmax|argmin|argsort|sort|unique|ravel|reshape|asarray|array|isnan"
        r"|isfinite|nan_to_num|linspace|arange|ones|zeros|identity|eye|dot|matmul|percentile"
        r"|nanpercentile|quantile|prod|cumsum",
    ),
    (
        r"numpy\.matrixlib\.defmatrix|numpy\._?core\.records",
        r"matrix|recarray|record",
    ),
    (
        r"numpy\.ma(?:\.core)?",
        r"_mareconstruct|MaskedArray|MaskedConstant|mvoid",
    ),
    (
        r"numpy\.random(?:\..+)?",
        r"__?(?:randomstate|RandomState|generator|bit_generator)_ctor|RandomState|Generator"
        r"|MT19937|PCG64(?:DXSM)?|Philox|SFC64|SeedSequence",
    ),
    (
        r"numpy\.polynomial(?:\..+)?|numpy\.lib\.polynomial|numpy\.lib\._polynomial_impl",
        r"[A-Z]\w*|poly1d",
    ),
    (
        r"scipy\.sparse(?:\..+)?",
        r"(?:bsr|coo|csc|csr|dia|dok|lil)_(?:matrix|array)",
    ),
    (
        r"scipy\.(?:special|stats)(?:\..+)?",
        r"[a-z]\w*_gen|rv_\w+|expit|logit|logsumexp|gaussian_kde|[a-z]\w{1,20}",
    ),
    (
        r"scipy\.interpolate(?:\..+)?",
        r"interp1d|interp2d",
    ),
    (
        r"sklearn\.cluster\._kmeans",
        r"_kmeans_single_\w+",
    ),
    (
        r"scipy\._lib\.array_api_compat\.numpy(?:\..+)?",
        r"asarray|array",
    ),
    (
        r"sklearn\.(?:neighbors|metrics)\._\w+",
        r"newObj|newKDTree|newBallTree",
    ),
    (
        r"sklearn\.(?:metrics|feature_selection|linear_model\._base|kernel_approximation)(?:\..+)?",
        r"[a-z]\w*",
    ),
    (
        r"joblib\.numpy_pickle(?:_compat)?|sklearn\.externals\.joblib\.numpy_pickle",
        r"NumpyArrayWrapper|NDArrayWrapper|ZNDArrayWrapper",
    ),
    (
        r"pandas\.core\.(?:indexes|internals)(?:\..+)?",
        r"_new_\w+|new_block|_?make_block",
    ),
    (
        r"pandas\._libs(?:\..+)?",
        r"_unpickle_block|_?[A-Z]\w*|_timestamp_unpickle|_timedelta_unpickle|_nat_unpickle"
        r"|__pyx_unpickle_\w+",
    ),
    (
        r"torch\._utils",
        r"_rebuild_(?:tensor(?:_v[23])?|parameter(?:_with_state)?|qtensor|sparse_(?:csr_)?tensor"
        r"|meta_tensor_no_storage|nested_tensor|wrapper_subclass|device_tensor_from_(?:numpy"
        r"|cpu_tensor)|xla_tensor)",
    ),
    (
        r"torch",
        r"Size|device|Tensor|Generator|[A-Z]\w*Storage|(?:b?float|u?int|q?u?int|complex|bool|half"
        r"|double|long|short|float8_\w+)\d*|strided|sparse_coo|sparse_csr|per_tensor_affine"
        r"|per_channel_affine|preserve_format|contiguous_format|channels_last",
    ),
    (
        r"torch\.(?:storage|_tensor|serialization)",
        r"UntypedStorage|TypedStorage|_TypedStorage|_UntypedStorage|_rebuild_from_type_v2|Tensor"
        r"|_get_layout",
    ),
    (
        r"torch\.torch_version",
        r"TorchVersion",
    ),
    (
        r"torch\.nn\.(?:functional|modules\.activation)",
        r"relu6?|gelu|silu|elu|selu|mish|softplus|tanh|sigmoid|softmax|leaky_relu|celu",
    ),
    (
        r"torch\._C(?:\._nn)?",
        r"gelu|_get_?device",
    ),
)
"""Modules and names in them, as patterns that have to match whole."""
