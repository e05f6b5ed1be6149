"""Convolutions of our own in C++, for every width and every instruction set; see README.md beside this file."""
