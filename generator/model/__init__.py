"""What opens a model and runs images through it, whatever the framework."""
