"""Training of networks for images, epoch by epoch, on PyTorch alone: recipes, augmentation and the training itself."""
