"""How well a library answers: questions with known answers, what it found for them, and measures of that."""
