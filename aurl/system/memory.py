"""Set how malloc takes memory from the system."""

import ctypes

# glibc's mallopt: which parameter, and its value (an int). Blocks below 1 GiB come from the heap, which is kept
MALLOC_PARAMETERS = {"M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_TOP_PAD": (-2, 2**26), "M_MMAP_THRESHOLD": (-3, 2**30)}


def keep_freed_memory() -> bool:
    """Let malloc reuse freed memory instead of taking zeroed pages from the system in every step.

    Without it a training of `mini`'s size takes 1.1 times the CPU time, for page faults (docs/performance.md).
    Results are the same. The process keeps the most memory that it ever had.

    Returns: False where the C library is not glibc; nothing is changed there.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(*pair) for pair in MALLOC_PARAMETERS.values())
