"""What there is to do for a sample: its shards with their names, and whether it can be made at all."""

from data_prep.detector_card import load_card
from data_prep.shard import ShardJob, process_names, shard_configuration
from data_prep.sources import check_supply
from mscat_tf import schema
from mscat_tf.config import SampleSettings, digest
from mscat_tf.errors import ConfigError, GenerationError

MOST_PROCESSES, MOST_SHARDS, MOST_EVENTS_PER_SHARD = 2**8, 2**16, 2**24
DIGITS_IN_NAME = 10


def shard_jobs(settings: SampleSettings) -> list[ShardJob]:
    """All shards of a sample; they depend on `events` and `shard_events` only.

    Raises:
        ConfigError: too many processes, shards or events for the numbering of events (`event_id`).
    """
    size, jobs = settings.shard_events, []
    counts = settings.events_per_process()
    for name in process_names(settings):
        whole, rest = divmod(counts[name], size)
        shards = whole + (rest > 0)
        if shards > MOST_SHARDS or size > MOST_EVENTS_PER_SHARD or len(counts) > MOST_PROCESSES:
            raise ConfigError(
                f"sample '{settings.name}': process '{name}' needs {shards} shards of {size} events, but at most "
                f"{MOST_PROCESSES} processes of {MOST_SHARDS} shards of {MOST_EVENTS_PER_SHARD} events can be "
                "numbered; change sample.shard_events"
            )
        sizes = [size] * whole + [rest] * (rest > 0)
        jobs += [ShardJob(name, number, events) for number, events in enumerate(sizes)]
    return sorted(jobs, key=lambda job: (job.number, job.process))


def shard_names(settings: SampleSettings, jobs: list[ShardJob]) -> dict[ShardJob, str]:
    """File name of each job, for example `ttbar-3f2a91c05d-0003.h5`: equal names mean equal content.

    A setting of one process leaves the names of the others as they are. The list of processes with their labels is
    part of every name, since every shard holds that list.
    """
    listed = {name: settings.processes[name].label for name in process_names(settings)}
    own = {name: shard_configuration(settings, name) for name in listed}

    def name_of(job: ShardJob) -> str:
        content = digest({"configuration": own[job.process], "processes": listed, "events": job.events})
        return f"{job.process}-{content[:DIGITS_IN_NAME]}-{job.number:04d}{schema.EXTENSION}"

    return {job: name_of(job) for job in jobs}


def check_possible(settings: SampleSettings, jobs: list[ShardJob]) -> None:
    """Find out what cannot work before the work begins.

    Raises:
        ConfigError: the detector card cannot be read, or event files hold too few events.
        GenerationError: no event can pass the selection.
        InputError: an event file is missing, cut off or damaged.
    """
    load_card(settings.detector)
    cut, reach = settings.selection.leading_pt_min, 0.5 * settings.sqrt_s
    if cut >= reach:
        names = ", ".join(f"'{name}'" for name in process_names(settings))
        raise GenerationError(
            f"sample '{settings.name}', processes {names}: 0 events generated, since all would fail the cut "
            f"'leading pT': selection.leading_pt_min = {cut:g} GeV is not below sqrt_s / 2 = {reach:g} GeV; lower it"
        )
    for name, process in settings.processes.items():
        shards = sum(job.process == name for job in jobs)
        check_supply(process, shards, settings.shard_events, f"process '{name}'")
