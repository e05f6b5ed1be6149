"""CUDA kernels of sliding-channel convolution, compiled at run time for the card that is present."""
