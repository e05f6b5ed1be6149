"""Networks that are trained to classify images; the implementations are blocks, which replace their convolutions."""
