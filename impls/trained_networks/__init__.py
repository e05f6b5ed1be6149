"""Networks trained on the images of a dataset, as artifacts that several workloads measure."""
