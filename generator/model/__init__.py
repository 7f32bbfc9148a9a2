"""Everything that knows keras. Import the modules inside, and only when a model is really opened."""
