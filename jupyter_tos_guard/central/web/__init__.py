"""The place: HTTP in front of casework, intake and the policy repository."""
