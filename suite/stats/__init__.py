"""Intervals, tests and verdicts over plain numbers. Never imports torch."""
