"""Files on disk: what changed is written, locks, the swap of folders, the cache."""
