"""One job: exactly so many selected events of one process, from a seed of its own.

Stopping at the k-th selected event would favour lucky runs. A shard therefore runs until event k + 1 is selected, keeps
the first k, and counts as generated what came before event k + 1: then k / generated is an unbiased acceptance (inverse
binomial sampling), and the sum of weights and the cut flow belong to exactly these generated events.
"""

import hashlib
import importlib.metadata
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mscat_tf
from data_prep import cluster, leptons
from data_prep.arrays import Ints, concatenated, offsets_of
from data_prep.b_hadrons import b_hadrons_in_jets
from data_prep.contained import decay_inside
from data_prep.detector import Objects, detect
from data_prep.detector_card import DetectorCard, load_card, stored_card
from data_prep.features import Arrays, chosen_pairs, features, written_sizes
from data_prep.generator import BATCH_EVENTS, Particles
from data_prep.groom import groom
from data_prep.select import TAG_NAMES, cut_flow, cut_names, cuts_passed, largest_loss
from data_prep.sources import Source, block_events, input_checksums, open_source
from data_prep.tagging import tags
from mscat_tf.config import SampleSettings, digest
from mscat_tf.config.processes import FromFiles, HeavyHiggs
from mscat_tf.errors import GenerationError
from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.tokens import token_names
from mscat_tf.schema import Header, Normalisation

GENERATOR_PACKAGES = ("numpy", "h5py", "pythia8mc", "fastjet", "awkward")
PYTHIA_SEED_MAX = 900_000_000
NO_PART_OF_CONTENT = {"name", "events", "max_generated_per_selected", "processes"}
SMALLEST_BATCH = 20

Report = Callable[[int, int], None]
"""Called after each batch with the selected and the generated events of the shard so far."""


@dataclass(frozen=True)
class ShardJob:
    """One shard: its process, its number among the shards of that process, and its selected events."""

    process: str
    number: int
    events: int


@dataclass(frozen=True)
class Batch:
    """Some generated events after the whole chain.

    Attributes:
        weights, passed: `(generated,)` generator weights; rows of the cut flow that each event survives.
        tag: `(survivors,)` tag probability of the events that survive all cuts but the tag.
        kept: `(survivors,)` True where the event is selected: all of them unless tags are thrown at random.
        arrays: of the selected events, as in the schema, without ids and offsets; `group_id` where a file gave it.
    """

    weights: Floats
    passed: Ints
    tag: Floats
    kept: NDArray[np.bool_]
    arrays: Arrays


def make_shard(settings: SampleSettings, job: ShardJob, report: Report | None = None) -> tuple[Header, Arrays]:
    """Generate the events of one shard.

    Returns:
        Header and arrays for `mscat_tf.schema.write_sample`.

    Raises:
        ConfigError: the detector card cannot be read.
        GenerationError: Pythia refuses a setting, or too few events pass the selection.
        MissingExtraError: pythia8mc or fastjet is not installed.
    """
    card = load_card(settings.detector)
    process = settings.processes[job.process]
    *seeds, detector_rng, tag_rng, splitting_rng = _randomness(settings.seed, job)
    where, block = f"process '{job.process}'", block_events(process, settings.shard_events)
    source = open_source(process, job.number, block, settings.sqrt_s, (seeds[0], seeds[1]), splitting_rng, where)
    batches: list[Batch] = []
    selected = generated = 0
    while selected <= job.events:
        particles = source.next_particles(_batch_size(job.events + 1 - selected, selected, generated))
        if len(particles.weights) == 0:
            raise _exhausted(job, selected, generated)
        batches.append(process_batch(particles, settings, card, detector_rng, tag_rng, process.label))
        selected += int(batches[-1].kept.sum())
        generated += len(batches[-1].passed)
        if report is not None:
            report(min(selected, job.events), generated)
        _check_acceptance(settings, job, batches, selected, generated)
    whole = _joined(batches, job.events, len(_cuts(settings)))
    return _header(settings, job, whole, source), _finished(settings, job, whole)


def _batch_size(missing: int, selected: int, generated: int) -> int:
    """Events to generate next: about as many as are missing, so that little is thrown away at the end."""
    expected = 2 * missing if generated == 0 else missing * generated // max(selected, 1)
    return min(max(expected, SMALLEST_BATCH), BATCH_EVENTS)


def process_batch(
    particles: Particles,
    settings: SampleSettings,
    card: DetectorCard | None,
    detector_rng: np.random.Generator,
    tag_rng: np.random.Generator,
    label: int,
) -> Batch:
    """Detector, leptons, fat jets, grooming, selection, b tag and jet frame for some generated events of this label."""
    events = len(particles.weights)
    objects = detect(particles, card, detector_rng)
    found = leptons.isolated_leptons(objects, events, settings.leptons)
    free = leptons.left_for_jets(objects, found)
    pairs = _fat_jets(objects, free, events, settings)
    inside = decay_inside(particles.partons, pairs.event, pairs.jets, settings) if label else None
    passed = cuts_passed(pairs, events, settings.selection, _enough(found), inside)
    pairs = chosen_pairs(pairs, np.flatnonzero(passed[pairs.event] == len(_cuts(settings))))
    flavours, tag = tags(particles, objects.take(free), pairs, events, settings)
    thrown = settings.b_tagging.random
    kept = tag_rng.random(len(tag)) < tag if thrown else np.ones(len(tag), np.bool_)
    chosen = np.flatnonzero(kept)
    event = pairs.event[chosen]
    momenta = leptons.momenta(objects, found[event])
    arrays = features(objects, chosen_pairs(pairs, chosen), settings.tokens, momenta)
    tag_weight = np.ones(len(chosen)) if thrown else tag[chosen]
    arrays["weights"] = np.stack([particles.weights[event], tag_weight], axis=-1)
    if flavours is not None:
        arrays["truth/track_jets"] = flavours[chosen]
        radius, least = settings.fat_jets.radius, settings.b_tagging.hadron_pt_min
        arrays["truth/b_hadrons"] = b_hadrons_in_jets(particles, chosen_pairs(pairs, chosen), radius, least)
    if particles.group_id is not None:
        arrays["group_id"] = particles.group_id[event]
    return Batch(particles.weights, passed, tag, kept, arrays)


def _fat_jets(objects: Objects, free: Ints, events: int, settings: SampleSettings) -> cluster.FatJetPairs:
    """The leading fat jets, groomed, made of the objects `free`; their constituents are indices of all objects."""
    jets = settings.fat_jets
    pairs = cluster.fat_jet_pairs(objects.take(free), events, jets.radius, jets.pt_min, jets.number)
    return groom(pairs._replace(constituents=free[pairs.constituents]), objects, jets)


def _enough(found: Ints) -> NDArray[np.bool_] | None:
    """`(events,)` True where an event has all its leptons; None where none are asked for."""
    return np.all(found >= 0, axis=1) if found.shape[1] else None


def _cuts(settings: SampleSettings) -> tuple[str, ...]:
    return cut_names(settings.selection, settings.fat_jets.number, settings.leptons.number)


def _joined(batches: list[Batch], events: int, cuts: int) -> Batch:
    """One batch that ends before the selected event number `events + 1`."""
    weights, passed, tag, kept = (
        np.concatenate([getattr(batch, name) for batch in batches]) for name in ("weights", "passed", "tag", "kept")
    )
    arrays = concatenated([batch.arrays for batch in batches])
    surplus = np.flatnonzero(kept)[events]
    generated = np.flatnonzero(passed == cuts)[surplus]
    constituents = arrays["multiplicity"][:events].sum()
    arrays = {key: values[: constituents if key.startswith("raw/") else events] for key, values in arrays.items()}
    return Batch(weights[:generated], passed[:generated], tag[:surplus], kept[:surplus], arrays)


def _finished(settings: SampleSettings, job: ShardJob, batch: Batch) -> Arrays:
    """All data sets of the schema."""
    process, event_id = settings.processes[job.process], event_ids(settings, job)
    mass = process.m_H if isinstance(process, HeavyHiggs) else np.nan
    return {
        "group_id": event_id,
        **batch.arrays,
        "raw/offsets": offsets_of(batch.arrays["multiplicity"].ravel()),
        "label": np.full(job.events, process.label),
        "process": np.full(job.events, process_names(settings).index(job.process)),
        "event_id": event_id,
        "m_H": np.full(job.events, mass),
    }


def event_ids(settings: SampleSettings, job: ShardJob) -> NDArray[np.uint64]:
    """Numbers of the events of a shard, `(events,)`: none is given twice in a sample, nor in two by design."""
    index, settled = process_names(settings).index(job.process), digest(shard_configuration(settings, job.process))
    identity = int(settled[:4], 16) << 48 | index << 40 | job.number << 24
    return np.asarray(np.uint64(identity) + np.arange(job.events, dtype=np.uint64))


def _header(settings: SampleSettings, job: ShardJob, batch: Batch, source: Source) -> Header:
    process = settings.processes[job.process]
    value, error = (process.cross_section_fb, 0.0) if process.cross_section_fb else source.cross_section_fb()
    cuts, row = _cuts(settings), TAG_NAMES[settings.b_tagging.tags_per_jet]
    tokens = token_names(settings.fat_jets.number, settings.leptons.number, settings.tokens.missing_momentum)
    survivors = batch.weights[batch.passed == len(cuts)]
    thrown = settings.b_tagging.random
    tag = batch.kept.astype(np.float64) if thrown else batch.tag
    return Header(
        processes=process_names(settings),
        labels=tuple(settings.processes[name].label for name in process_names(settings)),
        normalisation={
            job.process: Normalisation(
                len(batch.passed), float(batch.weights.sum()), value * process.k_factor, error * process.k_factor
            )
        },
        cut_flow={job.process: cut_flow(cuts, batch.passed, batch.weights, tag, survivors * tag, row)},
        configuration=shard_configuration(settings, job.process),
        digest=digest(common_configuration(settings)),
        seed=settings.seed,
        versions=versions(),
        jets=settings.fat_jets.number,
        tokens=len(tokens),
        token_names=tokens,
        **written_sizes(settings.tokens),
    )


def process_names(settings: SampleSettings) -> tuple[str, ...]:
    """Names in alphabetical order: their index must not depend on the order in the YAML file."""
    return tuple(sorted(settings.processes))


def common_configuration(settings: SampleSettings) -> dict[str, Any]:
    """What decides the content of all shards alike: everything but the processes, names, totals and patience.

    The detector card is there by its content, not by its path.
    """
    stored = settings.model_dump(mode="json", exclude=NO_PART_OF_CONTENT)
    return {**stored, "detector": stored_card(settings.detector)}


def shard_configuration(settings: SampleSettings, process: str) -> dict[str, Any]:
    """What decides the content of the shards of one process: no setting of any other process is there.

    Input files are there by their content, not by their path.
    """
    own = settings.processes[process]
    stored = own.model_dump(mode="json")
    if isinstance(own, FromFiles):
        stored["files"] = input_checksums(own, f"process '{process}'")
    return {**common_configuration(settings), "processes": {process: stored}}


def stored_configuration(settings: SampleSettings) -> dict[str, Any]:
    """What decides the content of the sample but for its size."""
    parts = [shard_configuration(settings, name)["processes"] for name in process_names(settings)]
    processes = {name: stored for part in parts for name, stored in part.items()}
    return {**common_configuration(settings), "processes": processes}


def stored_digest(settings: SampleSettings) -> str:
    """Digest of `stored_configuration`."""
    return digest(stored_configuration(settings))


def versions() -> dict[str, str]:
    """Versions of everything that has a hand in the events."""
    found = {name: importlib.metadata.version(name) for name in GENERATOR_PACKAGES}
    return {"python": platform.python_version(), **found, "mscat_tf": mscat_tf.__version__}


def _randomness(seed: int, job: ShardJob) -> tuple[Any, ...]:
    """Two seeds for Pythia and three random generators, all independent, from (seed, process, number of the shard)."""
    name = int.from_bytes(hashlib.sha256(job.process.encode()).digest()[:8], "big")
    *for_pythia, detector, tag, splitting = np.random.SeedSequence([seed, name, job.number]).spawn(5)
    pythia_seeds = (1 + int(sequence.generate_state(1)[0]) % PYTHIA_SEED_MAX for sequence in for_pythia)
    return (*pythia_seeds, *(np.random.default_rng(sequence) for sequence in (detector, tag, splitting)))


def _exhausted(job: ShardJob, selected: int, generated: int) -> GenerationError:
    return GenerationError(
        f"process '{job.process}': its share of the event files gave {generated} events, of which {selected} are "
        f"selected, but a shard needs {job.events + 1}; raise processes.{job.process}.events_per_selected to about "
        f"{1.2 * generated / max(selected, 1):.1f}, or loosen the selection"
    )


def _check_acceptance(
    settings: SampleSettings, job: ShardJob, batches: list[Batch], selected: int, generated: int
) -> None:
    limit = settings.max_generated_per_selected
    if selected > job.events or generated < limit * (selected + 1):
        return
    passed = np.concatenate([batch.passed for batch in batches])
    cuts = _cuts(settings)
    survivors = int(np.sum(passed == len(cuts)))
    tag = f"{TAG_NAMES[settings.b_tagging.tags_per_jet]} (random)"
    cut = tag if survivors > 0 and selected < 0.1 * survivors else largest_loss(cuts, passed)
    raise GenerationError(
        f"process '{job.process}': {selected} of {generated} generated events are selected, fewer than one in "
        f"max_generated_per_selected = {limit}; most are lost at the cut '{cut}'; loosen it, change the process, or "
        "raise sample.max_generated_per_selected"
    )
