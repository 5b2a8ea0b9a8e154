"""Tie processes together."""

import signal
import sys

JOB_SERVER = "AURL_JOB_SERVER"  # the variable that names the socket of a run's job server (aurl/cli/job_server.py)
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent() -> None:
    """Let the kernel kill this process when its parent dies: a killed parent leaves no workers behind."""
    if sys.platform == "linux":
        import ctypes  # a served command imports this module, and not ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
