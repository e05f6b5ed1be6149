"""Other people's benchmark tools on our workloads: their way of timing, our cases, checks and memory."""
