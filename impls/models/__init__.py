"""Models as lists of their convolutions, read from a file or traced. ``impls.networks`` builds networks."""
