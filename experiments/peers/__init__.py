"""Trained networks that can be had from package registries, to compare with."""
