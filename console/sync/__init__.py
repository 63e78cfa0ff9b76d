"""The mirror: one writer that follows every engine and keeps the rows equal to what the engine is."""
