"""Reading a Microsoft Academic Graph dump."""
