"""Pictures of stamps and hands: cleaned once at upload, and looked at again when a plugin cleaned them."""
