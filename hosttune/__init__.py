"""hosttune: is this host tuned for very many TCP connections, where will it stall, and will it stay so?"""

__version__ = "0.1.0"
