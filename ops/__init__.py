"""What operations staff and their tools ask of a running gateway: is it alive, is it ready, how is
it doing.
"""
