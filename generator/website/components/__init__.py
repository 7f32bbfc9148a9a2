"""What pages are made of: each module one sort of component, from records to what a template shows."""
