"""Timings side by side: what `gluonref benchmark` is made of; benchmarking.py is its room."""
