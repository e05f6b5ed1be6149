"""Trust in this machine: its peaks, its noise, and whether the harness tells true differences there."""
