"""The version, read by the build and by `health`."""

__version__ = "0.1.0"
