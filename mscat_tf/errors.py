"""Every error that a user can mend, each also an error of the standard library.

A message has four parts: where, what was found, what is wanted, how to mend it.
The command line prints it as one sentence and exits with status 2.
"""


class MscatError(Exception):
    """A fault in what the user gave: input, configuration or surroundings."""


class ConfigError(MscatError, ValueError):
    """A configuration has an unknown key, a value of the wrong type, or values that contradict each other."""


class InputError(MscatError, ValueError):
    """A file that was named is missing, unreadable, or holds values that cannot be used (NaN, infinity)."""


class SchemaError(MscatError, ValueError):
    """An HDF5 file is truncated, misses a data set, or follows another version of the schema."""


class OutputError(MscatError, OSError):
    """An output cannot be written: folder not writable, disk full, or another configuration made what is there."""


class BusyError(OutputError):
    """Another process writes this output now."""


class GenerationError(MscatError, RuntimeError):
    """The generator refused a setting, or no event passes the selection."""


class DivergedError(MscatError, ArithmeticError):
    """A training came to a loss or a gradient that is not a finite number."""


class MissingExtraError(MscatError, ImportError):
    """An optional dependency is not installed; the message names the extra to install."""
