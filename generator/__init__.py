"""Activation gallery: a static website that shows what every layer of a Keras model makes of your pictures."""

__version__ = "0.1.0"
