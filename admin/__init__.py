"""The web application: pages for people, an API for programs, and the one place where HTTP is spoken."""
