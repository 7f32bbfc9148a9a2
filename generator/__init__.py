"""Activation gallery: a website that shows what every layer of a Keras model makes of pictures."""

__version__ = "0.1.0"
