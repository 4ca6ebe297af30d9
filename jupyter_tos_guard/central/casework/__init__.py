"""What people do about strikes: review, appeals, standing, exemptions, restrictions, terms.

Plain functions over a database session and the time; no HTTP, no clock, no Hub. Each does
the whole of one act: the change, what follows for the standing, what the user is told and
the audit log. Whoever calls decides who may.
"""
