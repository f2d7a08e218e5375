"""The commands of `kan-sweep`, a file each."""
