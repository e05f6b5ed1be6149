"""Training steps of networks: how many images a second each block trains, and by which backend and memory format."""
