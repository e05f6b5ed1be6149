"""Statistics of samples: intervals of latencies, paired ratios, verdicts, percentiles."""
