"""An agency's people: its officers and administrators, how they come, where they work and how they go."""
