"""What a breach costs: the record of strikes and the ladder they lead up."""
