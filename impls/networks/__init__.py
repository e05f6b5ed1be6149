"""Networks for images as PyTorch modules, whose 3 x 3 convolutions a block replaces. ``impls.models`` reads models."""
