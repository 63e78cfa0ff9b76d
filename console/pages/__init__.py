"""What a page shows: one query and its rows, for the view that renders it whole and the socket that renders a part."""
