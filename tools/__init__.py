"""Building and checking the course: nothing here is needed to read it."""
