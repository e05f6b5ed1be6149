"""What can be trusted on this machine: its limits, its noise, and whether the harness tells true differences there."""
