"""What Python with IPython syntax does, found by evaluating what can be evaluated. Runs nothing."""
