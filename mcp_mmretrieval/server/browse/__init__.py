"""The gallery as a page in a person's own browser: what loopback serves to it, and to nobody else."""
