"""Settings of `analysis_model`, and which of its modules reads which named jet variable."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, model_validator

from mscat_tf.config.base import Depth, Rate, Settings, Size
from mscat_tf.errors import ConfigError
from mscat_tf.physics.high_level_columns import COLUMNS, SPECTRUM_PAIRS

ANALYSIS_MODEL = "analysis_model"

CORRELATIONS, MORPHOLOGY, SHAPES = "correlations", "morphology", "shapes"
_EXAMPLES = {CORRELATIONS: "s2_all_all", MORPHOLOGY: "minkowski_discs", SHAPES: "subjettiness"}
"""Modules that read named jet variables, each with a group that it can use."""


class AnalysisModelSettings(Settings):
    """`analysis_model`: a module for each kind of high-level variable, after arXiv:2312.11760.

    The paper's sizes are not known to us; all numbers are ours.

    Attributes:
        correlations: the relation network on the spectra S2 of all pairs of subsets (columns `s2_*`).
        morphology: the MLP on Minkowski functionals, multiplicities and spectra of pT.
        subjet_multiplicities: the recurrent network on the numbers of constituents of the subjets.
        kinematics: the kinematic tokens; with several of them they read the other modules by cross-attention.
        shapes: an MLP on all other named variables (masses, N-subjettiness, correlators, Lund plane), which are no part
            of the paper's analysis model.
        relation_units: widths of the MLP of one pair. morphology_units, shape_units: hidden widths of these MLPs.
        recurrent_units: width of the state of the recurrent network.
        width: numbers in which each module says what it found of a jet: the tokens of the cross-attention.
        kinematic_blocks, cross_blocks: with several kinematic tokens, of these among themselves, and of those that read
            the modules. num_heads, key_dim, mlp_ratio, normalisation: of both.
        head_units: widths of the classifying MLP. dropout_rate: in all modules, blocks and the head.
    """

    correlations: bool = True
    morphology: bool = True
    subjet_multiplicities: bool = True
    kinematics: bool = True
    shapes: bool = False
    relation_units: Annotated[tuple[Size, ...], Field(min_length=1)] = (48, 48)
    morphology_units: tuple[Size, ...] = (64, 64)
    shape_units: tuple[Size, ...] = (32,)
    recurrent_units: Size = 24
    width: Size = 32
    kinematic_blocks: Depth = 1
    cross_blocks: Size = 2
    num_heads: Size = 4
    key_dim: Size = 8
    mlp_ratio: PositiveFloat = 2.0
    normalisation: Literal["root_mean_square", "layer"] = "layer"
    head_units: tuple[Size, ...] = (64, 32)
    dropout_rate: Rate = 0.1

    @model_validator(mode="after")
    def _something(self) -> "AnalysisModelSettings":
        if not (self.reads_columns or self.subjet_multiplicities or self.kinematics):
            raise ValueError(
                "all modules are off; switch on one of correlations, morphology, subjet_multiplicities, kinematics, "
                "shapes"
            )
        return self

    @property
    def reads_columns(self) -> tuple[str, ...]:
        """Modules in use that read named jet variables."""
        return tuple(module for module in _EXAMPLES if getattr(self, module))

    def columns(self, chosen: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Names of the variables among those chosen that each module in use reads, in the order of the registry.

        Raises:
            ConfigError: a module finds none.
        """
        asked = set(chosen)
        found = {module: tuple(name for name in _of_module(module) if name in asked) for module in self.reads_columns}
        for module, names in found.items():
            if not names:
                raise ConfigError(
                    f"model.analysis_model.{module} is on, but data.high_level_features chooses no variable for it; "
                    f"add a group such as {_EXAMPLES[module]}, or set model.analysis_model.{module}=false"
                )
        return found

    def all_columns(self, chosen: Iterable[str]) -> tuple[str, ...]:
        """What the modules in use read of those chosen, in the order of the registry.

        Raises:
            ConfigError: a module finds none.
        """
        wanted = {name for names in self.columns(chosen).values() for name in names}
        return tuple(name for name in COLUMNS if name in wanted)


def _of_module(module: str) -> Iterator[str]:
    return (name for name in COLUMNS if module_of(name) == module)


def module_of(name: str) -> str:
    """The module that reads a named jet variable.

    >>> module_of("s2_all_rest_07"), module_of("area_disc_0.2_pt_1"), module_of("multiplicity"), module_of("tau_21")
    ('correlations', 'morphology', 'morphology', 'shapes')
    """
    group = COLUMNS[name].group
    if group in _PAIRS:
        return CORRELATIONS
    return MORPHOLOGY if name == "multiplicity" or group.startswith(("minkowski_", "pt_spectrum_")) else SHAPES


def spectra(columns: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Columns of S2 by their pair of subsets, both in the order of the registry.

    Raises:
        ConfigError: the pairs have not the same bins.

    >>> spectra(["s2_all_all_01", "s2_all_all_00"])
    {'s2_all_all': ('s2_all_all_00', 's2_all_all_01')}
    """
    asked = set(columns)
    found: dict[str, list[str]] = {}
    for name, column in COLUMNS.items():
        if name in asked and column.group in _PAIRS:
            found.setdefault(column.group, []).append(name)
    bins = {tuple(name.rpartition("_")[2] for name in names) for names in found.values()}
    if len(bins) > 1:
        raise ConfigError(
            "data.high_level_features: the spectra S2 of different pairs of subsets have different bins; choose them "
            "by groups such as s2_all_all"
        )
    return {pair: tuple(names) for pair, names in found.items()}


_PAIRS = frozenset(f"s2_{a}_{b}" for a, b in SPECTRUM_PAIRS)
