"""What several processes of one training have to agree on."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from mscat_tf.training.cluster import LOST, lost_worker


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the run folder: the first worker, or the only one."""
    return not (_several(strategy) and strategy.cluster_resolver.task_id)


def wait_for_workers(strategy: tf.distribute.Strategy) -> None:
    """Return when every worker has come here."""
    if _several(strategy):
        here = strategy.run(tf.function(lambda: tf.constant(1.0)))
        strategy.reduce(tf.distribute.ReduceOp.SUM, here, axis=None).numpy()


@contextmanager
def lost_workers_named(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Raise InputError, which says that a worker was lost, in place of what TensorFlow raises then."""
    try:
        yield
    except LOST as error:
        if _several(strategy):
            raise lost_worker(error) from error
        raise


def _several(strategy: tf.distribute.Strategy) -> bool:
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
