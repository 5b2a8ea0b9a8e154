"""Tests of methods compute on one thread, as the stages do."""

from feature_world import one_thread  # noqa: F401
