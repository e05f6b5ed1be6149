"""Inference of whole networks: how fast each runtime computes one network with given weights."""
