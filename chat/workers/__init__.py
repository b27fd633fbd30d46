"""The parent of several workers: it starts them, starts them again, and lets them go. It knows nothing of nodes."""
