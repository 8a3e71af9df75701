"""Measurements against real processes, as ratios of one run (docs/performance.md). Nothing imports it."""
