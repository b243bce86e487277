"""Who gains by teaming up: joint papers matched with papers alike in all else."""
