"""Pictures of every page; two of them stand in the README."""
