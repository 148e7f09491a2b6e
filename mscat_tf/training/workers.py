"""What several processes of one training have to agree on."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from mscat_tf.errors import InputError
from mscat_tf.training.cluster import LOST, lost_worker


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the run folder: the first worker, or the only one."""
    return not (_several(strategy) and strategy.cluster_resolver.task_id)


def wait_for_workers(strategy: tf.distribute.Strategy) -> None:
    """Return when every worker has come here."""
    need_agreement(strategy, 0, "nothing")


def need_agreement(strategy: tf.distribute.Strategy, value: int, what: str) -> None:
    """Raise InputError on every worker unless all of them come here with the same value, below 2^24.

    Args:
        what: the value is, for the sentence.
    """
    if not _several(strategy):
        return
    here = strategy.run(tf.function(lambda: tf.constant([value, value**2], tf.float64)))
    total, squares = strategy.reduce(tf.distribute.ReduceOp.MEAN, here, axis=None).numpy()
    if total**2 != squares:
        raise InputError(
            f"the workers disagree about {what}: it is {value} here, {total:g} on average; see that all of them read "
            "the same run folder on a shared file system, and start again"
        )


@contextmanager
def lost_workers_named(strategy: str) -> Iterator[None]:
    """Raise InputError, which says that a worker was lost, in place of what TensorFlow raises then.

    Args:
        strategy: `train.strategy`; only with `multi_worker` there is anybody to lose.
    """
    try:
        yield
    except LOST as error:
        if strategy == "multi_worker":
            raise lost_worker(error) from error
        raise


def _several(strategy: tf.distribute.Strategy) -> bool:
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
