"""Resources as people write them: the shape of each kind, and how a node becomes a typed record."""
