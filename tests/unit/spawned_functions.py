"""What test_hub_multiprocessing.py runs in processes of their own: a new process must be able to import it."""

import sys
import time


def work(i, queue, tensor):
    queue.put((i, tensor + i))


def fail(i, what):
    if i == 1 and what == "raise":
        raise ValueError("wrong number")
    if i == 1:
        sys.exit(3)
    time.sleep(60)
