"""MEANING: what the resources of a mesh say together. Pure functions and cached properties."""
