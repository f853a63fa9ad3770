"""What an agent sees: the seven tools, their results as data and as text, and what they show."""
