"""Composable Unix filters for volumes that do not fit in memory."""

__version__ = "0.1.0"
