"""What Acme adds to ecoo: a signer, two forms and the rules of its own desk."""
