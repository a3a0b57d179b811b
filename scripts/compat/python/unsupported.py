class Unsupported(Exception):
    """The client lacks what a step asks for."""
