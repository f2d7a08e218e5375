"""The documentation: its pages, and the command that builds the site of them, ``python -m docs``."""
