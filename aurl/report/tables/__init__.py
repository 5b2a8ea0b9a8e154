"""The tables of an experiment: each file of this folder is one table, and `base.py` says what it must hold."""
