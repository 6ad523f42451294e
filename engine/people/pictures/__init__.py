"""Stamps and hands: cleaned pictures, one version after another."""
