"""Whether the destination holds what was restored: what is expected, and the comparison."""
