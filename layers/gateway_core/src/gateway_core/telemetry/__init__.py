"""What the operator is told: lines, metrics, events."""
