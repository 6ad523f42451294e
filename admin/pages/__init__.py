"""Pages: rendered here, working without JavaScript, one module per noun."""
