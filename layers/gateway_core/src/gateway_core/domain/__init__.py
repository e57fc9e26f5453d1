"""The values that pass between the rooms, and everything that can go wrong. Pure."""
