"""Networks for images: plain PyTorch modules whose 3 x 3 convolutions a block decides."""
