"""The parts of the loader: how batches are made (collate, fetch), handed out (iterators), and made by other processes
(worker, workers, transport).
"""

from . import collate, fetch, worker

__all__ = ["collate", "fetch", "worker"]
