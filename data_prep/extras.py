"""Optional libraries of the extra `generate`, imported late so that a missing one is a sentence and not a traceback."""

import importlib
from types import ModuleType

from mscat_tf.errors import MissingExtraError


def pythia8() -> ModuleType:
    """The Pythia 8 bindings.

    Raises:
        MissingExtraError: pythia8mc is not installed.
    """
    return _optional("pythia8mc")


def fastjet() -> ModuleType:
    """The FastJet bindings, with their banner switched off (please cite arXiv:1111.6097 all the same).

    Raises:
        MissingExtraError: fastjet is not installed.
    """
    module = _optional("fastjet")
    _optional("fastjet._swig").ClusterSequence.set_fastjet_banner_stream(None)
    return module


def pylhe() -> ModuleType:
    """The reader of Les Houches event files.

    Raises:
        MissingExtraError: pylhe is not installed.
    """
    return _optional("pylhe")


def pyhepmc() -> ModuleType:
    """The reader of HepMC3 files.

    Raises:
        MissingExtraError: pyhepmc is not installed.
    """
    return _optional("pyhepmc")


def uproot() -> ModuleType:
    """The reader of ROOT files.

    Raises:
        MissingExtraError: uproot is not installed.
    """
    return _optional("uproot")


def pandas() -> ModuleType:
    """The reader of HDF5 tables that pandas wrote; it needs PyTables for them.

    Raises:
        MissingExtraError: pandas or PyTables is not installed.
    """
    _optional("tables")
    return _optional("pandas")


def pyarrow() -> ModuleType:
    """The writer of Parquet files, which awkward needs.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    return _optional("pyarrow")


def _optional(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"{name}: cannot be imported ({error}), but this command needs it; "
            "install it with: pip install 'mscat-tf[generate]'"
        ) from error
