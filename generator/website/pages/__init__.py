"""The pages: each module one kind of page, from the records of a build to what its template shows."""
