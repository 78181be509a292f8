"""The one registry of methods, and the words that arguments take, with their texts; nothing heavy is imported."""
