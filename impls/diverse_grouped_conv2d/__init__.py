"""The convolution of SG-CNN, arXiv 2009.13803: groups of filters read sets of channels that overlap."""
