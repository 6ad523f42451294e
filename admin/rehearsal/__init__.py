"""Rehearsal servers: they stand in for what cannot be reached from here, with codecs of their own, and nobody in them is real."""
