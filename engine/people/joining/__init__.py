"""Who asks to join: administrators and officers of agencies, and customs brokers, until somebody decides."""
