"""Sweeps: train thousands of small KANs and MLPs, lose nothing, and draw the frontier."""
