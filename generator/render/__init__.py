"""Arrays to bytes: pictures, animations, charts, and what the browser loads."""
