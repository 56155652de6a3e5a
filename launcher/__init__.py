"""console-launcher: one local gateway in front of the consoles of all clouds."""

__version__ = "0.1.0"
