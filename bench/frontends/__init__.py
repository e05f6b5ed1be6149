"""Other benchmark tools on these workloads: the tool does the timing, featherbench the cases, checks and memory."""
