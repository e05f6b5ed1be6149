"""Featherbench: light-weight network operators compared honestly."""
