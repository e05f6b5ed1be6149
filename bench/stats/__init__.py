"""What the samples say and how surely: intervals of medians, paired ratios, verdicts, percentiles."""
