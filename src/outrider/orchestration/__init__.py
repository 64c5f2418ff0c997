"""Stage 4, whether, when and by which channel: facts, gates, decision, its record and its explanation."""
