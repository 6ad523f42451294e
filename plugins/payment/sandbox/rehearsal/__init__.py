"""The rehearsal gateway's parts: what it knows, the wires it speaks, its pages, and the control API. No money moves here."""
